"""Source pixels of each resized pixel, and their weights: the positions of the Task Library.

The Task Library resizes with ``ARGBScale(kFilterBilinear)`` of libyuv, and so does edged, to the bit. Positions are in
16.16 fixed point. They are the centres of the target pixels where a side shrinks; where it grows, the first and last
pixels of source and target lie on each other. Two neighbours per axis are blended, at every factor: nothing is
averaged away when a picture shrinks a lot. Whole factors have rules of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Filter", "Sampling", "SamplingMethod", "sample"]

_ONE = 1 << 16
_HALF = _ONE // 2


class Filter(Enum):
    """The axes that are blended: both, only the columns, or none."""

    BILINEAR = auto()
    LINEAR = auto()
    NONE = auto()


class SamplingMethod(Enum):
    """The operation on the source pixels that a ``Sampling`` names."""

    PICK = auto()
    """The pixel at (row, column) is taken as it is."""
    BOX = auto()
    """The mean of the 2 × 2 pixels whose top left one is at (row, column)."""
    BLEND = auto()
    """Two rows and, where there are weights for them, two columns are blended."""


@dataclass(frozen=True, slots=True, eq=False)
class Sampling:
    """The source rows and columns of a resized picture.

    ``rows`` and ``columns`` are the first of the two neighbours, as int64 of the target's height and width.
    ``row_weights`` (0…255 of 256) and ``column_weights`` (0…127 of 127) are the share of the second one, whose place is
    one further on. Without a share of its own, a neighbour may lie outside. ``rows_first`` is the order of the two
    blends: the result is rounded to 8 bits in between, so it matters.
    """

    kind: SamplingMethod
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    row_weights: NDArray[np.int64] | None = None
    column_weights: NDArray[np.int64] | None = None
    rows_first: bool = True


class _Axis(NamedTuple):
    """Positions along one side: ``start + i * step``, in 16.16 fixed point."""

    start: int
    step: int
    length: int

    @property
    def positions(self) -> NDArray[np.int64]:
        return self.start + self.step * np.arange(self.length, dtype=np.int64)

    @property
    def factor(self) -> int:
        """The whole number of source pixels per target pixel, or 0 where it is not whole."""
        return 0 if self.step % _ONE else self.step // _ONE


def sample(source: tuple[int, int], target: tuple[int, int]) -> Sampling:
    """Choose the pixels of a picture of size *source* that make one of size *target*; sizes are (width, height).

    Both are at least 1 × 1, and not equal.
    """
    (width, height), (to_width, to_height) = source, target
    chosen = _choose_filter(source, target)
    x = _axis(width, to_width, centred=chosen is not Filter.NONE)
    y = _axis(height, to_height, centred=chosen is Filter.BILINEAR)
    if x.factor and y.factor and x.factor % 2 == y.factor % 2:
        kind = SamplingMethod.PICK if x.factor % 2 else SamplingMethod.BOX
        return Sampling(kind, _whole(y), _whole(x))
    if chosen is Filter.NONE:
        return Sampling(SamplingMethod.PICK, _whole(y), _whole(x))
    return _blend(x, y, source, chosen)


def _choose_filter(source: tuple[int, int], target: tuple[int, int]) -> Filter:
    (width, height), (to_width, to_height) = source, target
    if width == 1:
        return Filter.NONE
    if height != 1 and height not in (to_height, 3 * to_height):
        return Filter.BILINEAR
    return Filter.NONE if width in (to_width, 3 * to_width) else Filter.LINEAR


def _axis(size: int, to_size: int, *, centred: bool) -> _Axis:
    if centred and to_size > size:
        start, step = 0, (size * _ONE - _ONE - 1) // (to_size - 1)
    else:
        step = size * _ONE // to_size
        start = step // 2 - (_HALF if centred else 0)
    return _Axis(start, step, to_size)


def _whole(axis: _Axis) -> NDArray[np.int64]:
    return axis.positions // _ONE


def _blend(x: _Axis, y: _Axis, source: tuple[int, int], chosen: Filter) -> Sampling:
    width, height = source
    same_width = x.step == _ONE and x.start % _ONE == 0
    # A column or row past the last one has no weight, so that the one before it can stand in; when only rows are
    # blended the library stops one 65536th short of the last row instead.
    last_row = (height - 1) * _ONE - (1 if same_width else 0)
    rows = np.minimum(y.positions, max(last_row, 0))
    columns = np.minimum(x.positions, (width - 1) * _ONE)
    return Sampling(
        SamplingMethod.BLEND,
        rows // _ONE,
        columns // _ONE,
        row_weights=rows // 256 % 256 if chosen is Filter.BILINEAR else np.zeros_like(rows),
        column_weights=None if same_width else columns // 512 % 128,
        rows_first=y.step >= _ONE or chosen is Filter.LINEAR,
    )
