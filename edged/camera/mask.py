"""Masks: parts of a frame that become grey before anything sees it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edged.regions import Polygon
from edged.values import Format, PixelFormat

__all__ = ["Mask"]

GREY = 128
"""Every byte of a masked pixel: it is grey in every layout, RGB as well as YUV."""

_STEPS = 1024.0  # of a pixel: an edge at 0.7 of 480 rows, which is 335.99999999999994 in floats, is at row 336
_BAND = 128  # rows that are looked at together: the memory that this takes does not grow with the frame

_BLOCKS = {PixelFormat.YUYV: (2, 1)} | dict.fromkeys(
    (PixelFormat.NV12, PixelFormat.NV21, PixelFormat.I420, PixelFormat.YV12), (2, 2)
)
"""Width and height in pixels of what shares one sample of colour; others share nothing."""


class _Rectangle(NamedTuple):
    """Rows and columns, the first and the one after the last, in blocks."""

    top: int
    bottom: int
    left: int
    right: int


class _PlaneBytes(NamedTuple):
    """Bytes of a frame, *rows* of *length* from *start* on, of which a block takes *high* rows and *wide* bytes."""

    start: int
    rows: int
    length: int
    high: int
    wide: int

    def part(self, rectangle: _Rectangle) -> tuple[slice, slice]:
        """Return the rows and bytes of the *rectangle*."""
        top, bottom, left, right = rectangle
        return slice(top * self.high, bottom * self.high), slice(left * self.wide, right * self.wide)


class Mask:
    """Makes the *polygons* grey in frames of one format, in place; everything is computed beforehand but the writing.

    A pixel is masked if any part of it lies in a polygon, and so are the pixels that share a sample of colour with it.
    What a polygon goes round more than once is inside.
    """

    def __init__(self, polygons: Sequence[Polygon], frame_format: Format) -> None:
        rectangles = list(_rectangles(polygons, frame_format))
        self._planes = [(plane, [plane.part(each) for each in rectangles]) for plane in _planes(frame_format)]

    def __call__(self, frame: NDArray[np.uint8]) -> None:
        """Make the masked part of *frame* grey; it is C-contiguous and of the format's shape."""
        flat = frame.reshape(-1)
        for (start, rows, length, _, _), parts in self._planes:
            plane = flat[start : start + rows * length].reshape(rows, length)
            for part in parts:
                plane[part] = GREY


def _planes(frame_format: Format) -> list[_PlaneBytes]:
    width, height = frame_format.width, frame_format.height
    luma, chroma = _PlaneBytes(0, height, width, 2, 2), width * height
    match frame_format.pixels:
        case PixelFormat.NV12 | PixelFormat.NV21:
            return [luma, _PlaneBytes(chroma, height // 2, width, 1, 2)]
        case PixelFormat.I420 | PixelFormat.YV12:
            second = chroma + chroma // 4
            return [luma, *(_PlaneBytes(start, height // 2, width // 2, 1, 1) for start in (chroma, second))]
        case PixelFormat.YUYV:
            return [_PlaneBytes(0, height, 2 * width, 1, 4)]
        case _:
            channels = int(np.prod(frame_format.shape[2:]))
            return [_PlaneBytes(0, height, channels * width, 1, channels)]


def _rectangles(polygons: Sequence[Polygon], frame_format: Format) -> Iterator[_Rectangle]:
    """Yield the rectangles of blocks that together are masked; as few as rows of equal spans allow."""
    rows = enumerate(_rows_of_spans(polygons, frame_format))
    for spans, group in groupby(rows, key=lambda row: row[1]):
        numbers = [number for number, _ in group]
        for left, right in spans:
            yield _Rectangle(numbers[0], numbers[-1] + 1, left, right)


def _rows_of_spans(polygons: Sequence[Polygon], frame_format: Format) -> Iterator[list[tuple[int, int]]]:
    """Yield the masked spans of each row of blocks: the first block and the one after the last."""
    width, height = frame_format.width, frame_format.height
    wide, high = _BLOCKS.get(frame_format.pixels, (1, 1))
    scale = np.array([width, height]) * _STEPS
    outlines = [np.round(np.array(polygon) * scale) / _STEPS for polygon in polygons]
    for top in range(0, height, _BAND):
        rows = min(_BAND, height - top)
        covered = np.zeros((rows, width), bool)
        for outline in outlines:
            covered |= _inside(outline, top, rows, width) | _crossed(outline, top, rows, width)
        blocks = covered.reshape(rows // high, high, width // wide, wide).any(axis=(1, 3))
        ends = np.diff(np.pad(blocks, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        for row in ends:
            yield list(zip(np.flatnonzero(row == 1).tolist(), np.flatnonzero(row == -1).tolist(), strict=True))


def _edges(outline: NDArray[np.float64]) -> Iterator[tuple[float, float, float, float]]:
    for (x, y), (to_x, to_y) in pairwise([*outline.tolist(), outline[0].tolist()]):
        yield x, y, to_x, to_y


def _inside(outline: NDArray[np.float64], top: int, rows: int, width: int) -> NDArray[np.bool_]:
    """The pixels, of *rows* from *top* on, whose centre the *outline* goes round."""
    turns = np.zeros((rows, width + 1), np.int16)
    centres = top + np.arange(rows) + 0.5
    for x, y, to_x, to_y in _edges(outline):
        crossed = np.flatnonzero((centres >= min(y, to_y)) & (centres < max(y, to_y)))
        if crossed.size:
            at = x + (centres[crossed] - y) / (to_y - y) * (to_x - x)
            # The first pixel with its centre to the right.
            first = np.clip(np.ceil(at - 0.5), 0, width).astype(np.int64)
            turns[crossed, first] += 1 if to_y > y else -1
    return np.asarray(np.cumsum(turns, axis=1)[:, :width] != 0)


def _positions(
    heights: NDArray[np.float64], begin: tuple[float, float], end: tuple[float, float]
) -> NDArray[np.float64]:
    """The places of the edge from *begin* to *end* at *heights*, first and last; a level one is at both of its ends."""
    (x, y), (to_x, to_y) = begin, end
    if y == to_y:
        return np.array([np.full(heights.shape[1], x), np.full(heights.shape[1], to_x)])
    at = x + (heights - y) / (to_y - y) * (to_x - x)
    return np.clip(at, min(x, to_x), max(x, to_x))  # else it could be a little beside the frame


def _crossed(outline: NDArray[np.float64], top: int, rows: int, width: int) -> NDArray[np.bool_]:
    """The pixels, of *rows* from *top* on, that an edge of the *outline* goes through."""
    ends = np.zeros((rows, width + 1), np.int16)
    for x, y, to_x, to_y in _edges(outline):
        low, high = min(y, to_y), max(y, to_y)
        row = np.arange(max(math.floor(low), top), min(math.ceil(high), top + rows))
        if row.size:
            at = _positions(np.array([np.clip(row, low, high), np.clip(row + 1, low, high)]), (x, y), (to_x, to_y))
            ends[row - top, np.floor(at.min(axis=0)).astype(np.int64)] += 1
            ends[row - top, np.ceil(at.max(axis=0)).astype(np.int64)] -= 1
    return np.asarray(np.cumsum(ends, axis=1)[:, :width] > 0)
