"""Resizing of pictures: exactly as in the Task Library, or with OpenCV's own methods.

The exact way has integer arithmetic of its own (``sampling`` chooses the pixels, this module computes with them).
It runs in OpenCV and NumPy calls whose results are known to the bit, into memory that is made once per geometry.
"""

from __future__ import annotations

import math
import platform
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, Protocol

import cv2
import numpy as np

from edged.vision.pixels.sampling import SamplingMethod, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from edged.vision.pixels.sampling import Sampling

__all__ = ["Resize", "Resizer", "Scratch", "make_resizer"]

Resize = Literal["exact", "linear", "area"]
"""``exact``: the Task Library's pixels. ``linear`` and ``area``: OpenCV's ``INTER_LINEAR`` and ``INTER_AREA``."""

_REMAP_LIMIT = 32766
"""Sides that ``cv2.remap`` with its 16-bit coordinates takes."""

_HALVES_UP = 1 / 1024
"""Added to numbers that are whole 256ths before they are rounded: no tie is possible, and no other number changes."""
_CUT_OFF = 1 / 1024 - 1 / 2
"""The same, to cut off what is behind the point."""

_X86 = platform.machine().lower() in {"x86_64", "amd64", "i386", "i686"}
"""The rounding, of two, that the Task Library has for a 2 × 2 mean on this processor."""


class Resizer(Protocol):
    """Writes a resized *picture* into *out*.

    Both are ``uint8``, ``(height, width)`` or ``(height, width, channels)`` with 2 to 4 channels, of the sizes that the
    resizer was made for. *out* is C-contiguous; the rows of *picture* are, and may lie apart, as in a crop of a frame.
    """

    def __call__(self, picture: NDArray[np.uint8], out: NDArray[np.uint8]) -> object: ...


class Scratch:
    """Working memory for everything that one thread does in turn: arrays of one name share their bytes."""

    def __init__(self) -> None:
        self._blocks: dict[str, NDArray[np.uint8]] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: type = np.uint8) -> NDArray[Any]:
        """Return an array that keeps its contents only until the next one of this *name* is written."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        block = self._blocks.get(name)
        if block is None or block.size < size:
            block = self._blocks[name] = np.empty(size, np.uint8)
        array: NDArray[Any] = block[:size].view(dtype).reshape(shape)
        return array


def make_resizer(
    kind: Resize,
    source: tuple[int, int],
    target: tuple[int, int],
    channels: int,
    scratch: Scratch,
    *,
    plane: bool = False,
) -> Resizer:
    """Return a resizer from the size *source* to the size *target*, both (width, height) in pixels, at least 1 × 1.

    *channels* is 1 for pictures of shape ``(height, width)``. Its memory comes from *scratch*. A *plane* of a YUV
    picture is not made darker: as a shift of colours that would be seen.
    """
    if source == target:
        return _copy
    if kind != "exact":
        interpolation = cv2.INTER_LINEAR if kind == "linear" else cv2.INTER_AREA
        return partial(_opencv, target, interpolation)
    sampling = sample(source, target)
    match sampling.kind:
        case SamplingMethod.PICK:
            return _Gather(sampling.rows[:, None], sampling.columns, source)
        case SamplingMethod.BOX:
            halves_plane = plane and source == (2 * target[0], 2 * target[1])
            return _BoxMean(sampling, source, target, channels, scratch, once=halves_plane)
        case SamplingMethod.BLEND:
            return _blend(sampling, source, target, channels, scratch, plane=plane)


def _copy(picture: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    np.copyto(out, picture)


def _opencv(target: tuple[int, int], interpolation: int, picture: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    cv2.resize(picture, target, out, 0.0, 0.0, interpolation)


def _shape(width: int, height: int, channels: int) -> tuple[int, ...]:
    return (height, width) if channels == 1 else (height, width, channels)


class _Gather:
    """The pixels of a picture at some places: *rows* and *columns* are arrays that broadcast to the result's shape."""

    def __init__(self, rows: NDArray[np.int64], columns: NDArray[np.int64], source: tuple[int, int]) -> None:
        self._rows, self._columns = rows, columns
        self._places: NDArray[np.int16] | None = None
        shape = np.broadcast_shapes(rows.shape, columns.shape)
        if max(*source, *shape) <= _REMAP_LIMIT:
            self._places = np.empty((*shape, 2), np.int16)
            self._places[..., 0] = columns
            self._places[..., 1] = rows

    def __call__(self, picture: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        if self._places is not None:
            cv2.remap(picture, self._places, None, cv2.INTER_NEAREST, out)  # type: ignore[call-overload]  # no second map
        else:
            np.copyto(out, picture[self._rows, self._columns])


class _BoxMean:
    """The mean of 2 × 2 neighbours, for even factors of both sides.

    On x86 the library averages twice, rounding up each time, in all columns but the last one to three that do not
    fill a vector of four; everywhere else it adds four pixels and rounds *once*, and so it does in the planes of YUV
    pictures where both sides are halved (libyuv's ``ScalePlaneDown2``).
    """

    def __init__(
        self,
        sampling: Sampling,
        source: tuple[int, int],
        target: tuple[int, int],
        channels: int,
        scratch: Scratch,
        *,
        once: bool,
    ) -> None:
        width, height = target
        rows = np.concatenate([sampling.rows, sampling.rows + 1])
        columns = np.concatenate([sampling.columns, sampling.columns + 1])
        self._gather = _Gather(rows[:, None], columns, source)
        self._taken = scratch.array("taken", _shape(2 * width, 2 * height, channels))
        self._wide = scratch.array("wide", (2, height, 2, width * channels), np.uint16)
        self._narrow = self._taken.reshape(self._wide.shape)
        self._twice = width // 4 * 4 * channels if _X86 and not once else 0

    def __call__(self, picture: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        self._gather(picture, self._taken)
        np.copyto(self._wide, self._narrow)
        upper, lower = self._wide
        np.add(upper, lower, upper)
        twice, once = upper[..., : self._twice], upper[..., self._twice :]
        np.right_shift(np.add(twice, 1, twice), 1, twice)
        _halve_columns(twice, 1, 1)
        _halve_columns(once, 2, 2)
        np.copyto(out.reshape(len(upper), -1), upper[:, 0], casting="unsafe")


def _halve_columns(pairs: NDArray[np.uint16], bias: int, bits: int) -> None:
    left, right = pairs[:, 0], pairs[:, 1]
    np.add(left, right, left)
    np.right_shift(np.add(left, bias, left), bits, left)


def _blend(
    sampling: Sampling,
    source: tuple[int, int],
    target: tuple[int, int],
    channels: int,
    scratch: Scratch,
    *,
    plane: bool,
) -> Resizer:
    """Return the two blends in their order, or that of rows alone."""
    assert sampling.row_weights is not None
    rows = _BlendRows(sampling.rows, sampling.row_weights, bits=8, whole=256, lift=_HALVES_UP)
    if sampling.column_weights is None:
        return rows
    if sampling.rows_first:
        tall = (source[0], target[1])
        between = scratch.array("between", _shape(*tall, channels))
        return _Both(rows, between, _BlendColumns(sampling, tall, channels, scratch, plane=plane))
    between = scratch.array("between", _shape(target[0], source[1], channels))
    return _Both(_BlendColumns(sampling, source, channels, scratch, plane=plane), between, rows)


class _Both:
    def __init__(self, first: Resizer, between: NDArray[np.uint8], second: Resizer) -> None:
        self._first, self._between, self._second = first, between, second

    def __call__(self, picture: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        self._first(picture, self._between)
        self._second(self._between, out)


class _BlendRows:
    """``(a * (whole - w) + b * w) >> bits`` of each row *a* and its next one *b*, whose share *w* is one of *weights*.

    ``cv2.addWeighted`` computes in float32, where such a sum is exact, and rounds to the nearest number, halves to the
    even one. *lift* is added before: somewhat less than half a step, so that rounding gives the right result.
    One call serves all rows of one weight that lie evenly apart, and common sizes have only a few of these weights.
    """

    def __init__(
        self, rows: NDArray[np.int64], weights: NDArray[np.int64], *, bits: int, whole: int, lift: float
    ) -> None:
        scale = 1 / (1 << bits)
        self._lift = lift
        self._runs = [
            ((whole - weight) * scale, first, weight * scale, second, written)
            for weight, first, second, written in _runs(rows, weights)
        ]

    def __len__(self) -> int:
        """Return the number of calls that it takes."""
        return len(self._runs)

    def __call__(self, picture: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        blend, lift = cv2.addWeighted, self._lift
        for share, first, next_share, second, written in self._runs:
            blend(picture[first], share, picture[second], next_share, lift, out[written])


def _runs(rows: NDArray[np.int64], weights: NDArray[np.int64]) -> Iterator[tuple[int, slice, slice, slice]]:
    """Target rows of one weight, evenly apart in both pictures: the weight, both source rows, and the target's."""
    for weight in np.unique(weights).tolist():
        places = np.flatnonzero(weights == weight).tolist()
        while places:
            length, step, row_step = _even_length(places, rows)
            start, row = places[0], int(rows[places[0]])
            stop, row_stop = start + step * (length - 1) + 1, row + row_step * (length - 1) + 1
            second = slice(row + 1, row_stop + 1, row_step) if weight else slice(row, row_stop, row_step)
            yield weight, slice(row, row_stop, row_step), second, slice(start, stop, step)
            del places[:length]


def _even_length(places: list[int], rows: NDArray[np.int64]) -> tuple[int, int, int]:
    """Count the first *places* that are evenly apart, in themselves and in their rows; also return both distances."""
    if len(places) == 1 or rows[places[1]] == rows[places[0]]:
        return 1, 1, 1
    step, row_step = places[1] - places[0], int(rows[places[1]] - rows[places[0]])
    length = 2
    for before, place in pairwise(places[1:]):
        if place - before != step or rows[place] - rows[before] != row_step:
            break
        length += 1
    return length, step, row_step


class _BlendColumns:
    """The same with columns: those of a picture of *size* are the rows of the one that is turned over its diagonal.

    The weights sum to 127 of 128 and the rest is cut off, so that every picture becomes about one level darker: so it
    is in the library. For a *plane* they sum to 128, and halves go up, as there on x86.

    It goes by bands of rows, so that what it turns stays in the processor's cache; the last band may overlap. Sizes
    that need many calls for each band are not cut up.
    """

    _BAND = 112
    _FEW = 32

    def __init__(
        self, sampling: Sampling, size: tuple[int, int], channels: int, scratch: Scratch, *, plane: bool
    ) -> None:
        assert sampling.column_weights is not None
        whole, lift = (128, _HALVES_UP) if plane else (127, _CUT_OFF)
        self._blend = _BlendRows(sampling.columns, sampling.column_weights, bits=7, whole=whole, lift=lift)
        width, height = size
        band = min(self._BAND, height) if len(self._blend) <= self._FEW else height
        self._bands = [slice(start, start + band) for start in [*range(0, height - band, band), height - band]]
        self._turned = scratch.array("turned", _shape(band, width, channels))
        self._blended = scratch.array("blended", _shape(band, len(sampling.columns), channels))

    def __call__(self, picture: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        for band in self._bands:
            cv2.transpose(picture[band], self._turned)
            self._blend(self._turned, self._blended)
            cv2.transpose(self._blended, out[band])
