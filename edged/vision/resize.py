"""Pictures made smaller and larger: exactly as the Task Library does it, or with OpenCV's own ways.

The exact way has integer arithmetic of its own (``sampling`` says which pixels, this module what is done with them).
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

from edged.vision.sampling import Kind, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from edged.vision.sampling import Sampling

__all__ = ["Resize", "Resizer", "Scratch", "make_resizer"]

Resize = Literal["exact", "linear", "area"]
"""``exact``: the Task Library's pixels. ``linear`` and ``area``: OpenCV's ``INTER_LINEAR`` and ``INTER_AREA``."""

_REMAP_LIMIT = 32766
"""Sides that ``cv2.remap`` with its 16-bit coordinates takes."""

_X86 = platform.machine().lower() in {"x86_64", "amd64", "i386", "i686"}
"""Which of the two roundings of a 2 × 2 mean the Task Library has on this processor."""


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
        """An array that keeps its contents only until the next one of this *name* is written."""
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
    """A resizer from the size *source* to the size *target*, both (width, height) in pixels, at least 1 × 1.

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
        case Kind.PICK:
            return _Gather(sampling.rows[:, None], sampling.columns, source)
        case Kind.BOX:
            return _Box(sampling, source, target, channels, scratch)
        case Kind.BLEND:
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


class _Box:
    """The mean of 2 × 2 neighbours, for even factors of both sides.

    On x86 the library averages twice, rounding up each time, in all columns but the last one to three that do not
    fill a vector of four; everywhere else it adds four pixels and rounds once.
    """

    def __init__(
        self, sampling: Sampling, source: tuple[int, int], target: tuple[int, int], channels: int, scratch: Scratch
    ) -> None:
        width, height = target
        rows = np.concatenate([sampling.rows, sampling.rows + 1])
        columns = np.concatenate([sampling.columns, sampling.columns + 1])
        self._gather = _Gather(rows[:, None], columns, source)
        self._taken = scratch.array("taken", _shape(2 * width, 2 * height, channels))
        self._wide = scratch.array("wide", (2, height, 2, width * channels), np.uint16)
        self._narrow = self._taken.reshape(self._wide.shape)
        self._twice = width // 4 * 4 * channels if _X86 else 0

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
    """The two blends in their order, or that of rows alone."""
    if sampling.column_weights is None:
        return _BlendRows(sampling)
    if sampling.rows_first:
        tall = (source[0], target[1])
        between = scratch.array("between", _shape(*tall, channels))
        return _Both(_BlendRows(sampling), between, _BlendColumns(sampling, tall, channels, scratch, plane=plane))
    between = scratch.array("between", _shape(target[0], source[1], channels))
    return _Both(_BlendColumns(sampling, source, channels, scratch, plane=plane), between, _BlendRows(sampling))


class _Both:
    def __init__(self, first: Resizer, between: NDArray[np.uint8], second: Resizer) -> None:
        self._first, self._between, self._second = first, between, second

    def __call__(self, picture: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        self._first(picture, self._between)
        self._second(self._between, out)


class _BlendRows:
    """``(a * (256 - w) + b * w + 128) >> 8`` of each row *a* and its next one *b*.

    ``cv2.addWeighted`` computes in float32, where this sum is exact, and rounds halves to even. A quarter of the
    smallest step on top makes no tie possible, and never reaches the next number: halves go up, as they have to.
    One call serves all rows of one weight that lie evenly apart, of which common sizes have only a handful.
    """

    _UP = 1 / 1024

    def __init__(self, sampling: Sampling) -> None:
        assert sampling.row_weights is not None
        self._runs = list(_runs(sampling.rows, sampling.row_weights))

    def __call__(self, picture: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        blend = cv2.addWeighted
        for share, first, second, written in self._runs:
            blend(picture[first], 1.0 - share, picture[second], share, self._UP, out[written])


def _runs(rows: NDArray[np.int64], weights: NDArray[np.int64]) -> Iterator[tuple[float, slice, slice, slice]]:
    """Target rows of one weight, evenly apart in both pictures: share of the second row, and all three."""
    for weight in np.unique(weights).tolist():
        places = np.flatnonzero(weights == weight).tolist()
        while places:
            length, step, row_step = _even_length(places, rows)
            start, row = places[0], int(rows[places[0]])
            stop, row_stop = start + step * (length - 1) + 1, row + row_step * (length - 1) + 1
            second = slice(row + 1, row_stop + 1, row_step) if weight else slice(row, row_stop, row_step)
            yield weight / 256, slice(row, row_stop, row_step), second, slice(start, stop, step)
            del places[:length]


def _even_length(places: list[int], rows: NDArray[np.int64]) -> tuple[int, int, int]:
    """How many of the first *places* are evenly apart, in themselves and in their rows, and both distances."""
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
    """``(a * (127 - w) + b * w) >> 7`` of each column *a* and its next one *b*; *size* is that of the picture.

    The weights sum to 127 of 128, so that every picture becomes about one level darker: so it is in the library. For a
    *plane* they sum to 128, and a half is added: ``(a * (128 - w) + b * w + 64) >> 7``, as there on x86. Here they are
    doubled, and the result is the high byte of 16 bits (on the little-endian machines that TFLite runs on). It goes by
    bands of rows, so that what it needs stays in the processor's cache; the last band may overlap.
    """

    _BAND = 32

    def __init__(
        self, sampling: Sampling, size: tuple[int, int], channels: int, scratch: Scratch, *, plane: bool
    ) -> None:
        assert sampling.column_weights is not None
        band, width = min(self._BAND, size[1]), len(sampling.columns)
        self._bands = [slice(start, start + band) for start in [*range(0, size[1] - band, band), size[1] - band]]
        following = np.minimum(sampling.columns + 1, size[0] - 1)
        columns = np.repeat([sampling.columns, following], band, axis=0)
        self._gather = _Gather(np.tile(np.arange(band), 2)[:, None], columns, (size[0], band))
        self._taken = scratch.array("taken", _shape(width, 2 * band, channels))
        self._narrow = self._taken.reshape(2 * band, -1)
        self._wide = scratch.array("wide", self._narrow.shape, np.uint16)
        shares = np.repeat(sampling.column_weights, channels)
        whole, self._half = (128, 128) if plane else (127, 0)
        self._weights = np.repeat([2 * (whole - shares), 2 * shares], band, axis=0).astype(np.uint16)
        self._first, self._second = self._wide[:band], self._wide[band:]
        self._bytes = self._first.view(np.uint8).reshape(band, -1, 2)

    def __call__(self, picture: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        flat = out.reshape(len(out), -1)
        for band in self._bands:
            self._gather(picture[band], self._taken)
            np.copyto(self._wide, self._narrow)
            np.multiply(self._wide, self._weights, self._wide)
            np.add(self._first, self._second, self._first)
            if self._half:
                np.add(self._first, self._half, self._first)
            cv2.extractChannel(self._bytes, 1, flat[band])
