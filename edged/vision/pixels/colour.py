"""Camera colours to RGB: the channels of packed pictures, and the planes of YUV ones.

YUV is BT.601 in studio range (luma 16…235), in the fixed-point arithmetic that the Task Library uses::

    y1 = 18997 * 257 * Y >> 16
    R  = (y1           + 102 V - 14216) >> 6
    G  = (y1 -  25 U   -  52 V +  8696) >> 6
    B  = (y1 + 128 U           - 17544) >> 6

each clamped to 0…255. 18997 is 1.164 in steps of 1/64 and of 256/257 of a byte, 128 stands for 2.018 * 64 at the limit
of a signed byte, and the constants take the 16 and the 128 off again and add a half for rounding. All four pixels of a
2 × 2 block have the same U and V.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from edged.values import PixelFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edged.vision.pixels.resize import Scratch

__all__ = ["CHANNELS", "TO_RGB", "Plane", "PlanesToRgb", "chroma_size", "frame_size", "split_planes"]

CHANNELS = {PixelFormat.RGB: 3, PixelFormat.BGR: 3, PixelFormat.RGBA: 4, PixelFormat.BGRA: 4, PixelFormat.GRAY: 1}
"""Channels of the packed formats; the others are YUV."""

TO_RGB = {
    PixelFormat.BGR: cv2.COLOR_BGR2RGB,
    PixelFormat.RGBA: cv2.COLOR_RGBA2RGB,
    PixelFormat.BGRA: cv2.COLOR_BGRA2RGB,
    PixelFormat.GRAY: cv2.COLOR_GRAY2RGB,
}
"""The ``cv2.cvtColor`` code from a packed format to RGB: channels swapped, left out or repeated, no arithmetic."""

_BYTE = np.arange(256)
_LUMA = (18997 * 257 * _BYTE >> 16).astype(np.int16)
_V_TO_RED = (102 * _BYTE - 14216).astype(np.int16)
_U_TO_GREEN = (8696 - 25 * _BYTE).astype(np.int16)
_V_TO_GREEN = (-52 * _BYTE).astype(np.int16)
_U_TO_BLUE = (128 * _BYTE - 17544).astype(np.int16)


def frame_size(image: NDArray[np.uint8], pixels: PixelFormat) -> tuple[int, int]:
    """Return width and height in pixels of the picture that *image* holds in the layout *pixels*.

    Raises:
        ValueError: the array is not of that layout.
    """
    shape = image.shape
    match pixels:
        case PixelFormat.GRAY:
            fits = len(shape) == 2 or (len(shape) == 3 and shape[2] == 1)
        case PixelFormat.YUYV:
            fits = len(shape) == 3 and shape[2] == 2 and shape[1] % 2 == 0
        case PixelFormat.NV12 | PixelFormat.NV21 | PixelFormat.I420 | PixelFormat.YV12:
            fits = len(shape) == 2 and shape[0] % 3 == 0 and shape[1] % 2 == 0
        case _:
            fits = len(shape) == 3 and shape[2] == CHANNELS[pixels]
    if not fits or image.dtype != np.uint8:
        raise ValueError(f"{_LAYOUT[pixels]} (got {image.dtype} of shape {shape})")
    if pixels in CHANNELS or pixels is PixelFormat.YUYV:
        return shape[1], shape[0]
    return shape[1], shape[0] // 3 * 2


_420 = "pictures are uint8 arrays of shape (height * 3 / 2, width), both sides even; for an odd width give its size"
_LAYOUT = {
    PixelFormat.RGB: "RGB pictures are uint8 arrays of shape (height, width, 3)",
    PixelFormat.BGR: "BGR pictures are uint8 arrays of shape (height, width, 3)",
    PixelFormat.RGBA: "RGBA pictures are uint8 arrays of shape (height, width, 4)",
    PixelFormat.BGRA: "BGRA pictures are uint8 arrays of shape (height, width, 4)",
    PixelFormat.GRAY: "gray pictures are uint8 arrays of shape (height, width)",
    PixelFormat.YUYV: "YUYV pictures are uint8 arrays of shape (height, width, 2), the width even",
    PixelFormat.NV12: f"NV12 {_420}",
    PixelFormat.NV21: f"NV21 {_420}",
    PixelFormat.I420: f"I420 {_420}",
    PixelFormat.YV12: f"YV12 {_420}",
}


def chroma_size(width: int, height: int) -> tuple[int, int]:
    """Return the size of the U and V planes beside a luma plane of *width* × *height*: half, rounded up."""
    return (width + 1) // 2, (height + 1) // 2


class Plane(NamedTuple):
    """One of Y, U and V: *channel* of *picture*, which holds a sample for every *across* × *down* pixels."""

    picture: NDArray[np.uint8]
    channel: int
    across: int
    down: int


def split_planes(image: NDArray[np.uint8], pixels: PixelFormat) -> tuple[Plane, Plane, Plane]:
    """Y, U and V of a whole YUV picture as views of *image*, which is C-contiguous; nothing is copied."""
    if pixels is PixelFormat.YUYV:
        height, width = image.shape[:2]
        pairs = image.reshape(height, width // 2, 4)
        return Plane(image, 0, 1, 1), Plane(pairs, 1, 2, 1), Plane(pairs, 3, 2, 1)
    rows, width = image.shape
    height = rows // 3 * 2
    luma, chroma = Plane(image[:height], 0, 1, 1), image[height:]
    if pixels in (PixelFormat.NV12, PixelFormat.NV21):
        pairs = chroma.reshape(height // 2, width // 2, 2)
        first, second = Plane(pairs, 0, 2, 2), Plane(pairs, 1, 2, 2)
    else:
        upper, lower = chroma.reshape(2, height // 2, width // 2)
        first, second = Plane(upper, 0, 2, 2), Plane(lower, 0, 2, 2)
    return (luma, first, second) if pixels in (PixelFormat.NV12, PixelFormat.I420) else (luma, second, first)


class PlanesToRgb:
    """Y, U and V planes of a small picture to one RGB picture of *width* × *height*."""

    def __init__(self, width: int, height: int, scratch: Scratch) -> None:
        self._size = width, height
        across, down = chroma_size(width, height)
        self._grid = (2 * across, 2 * down)
        self._chroma = scratch.array("chroma", (down, across), np.int16)
        self._other = scratch.array("other", (down, across), np.int16)
        self._large = scratch.array("large", (2 * down, 2 * across), np.int16)
        self._luma = scratch.array("luma", (height, width), np.int16)

    def __call__(
        self, y: NDArray[np.uint8], u: NDArray[np.uint8], v: NDArray[np.uint8], rgb: NDArray[np.uint8]
    ) -> None:
        cv2.LUT(y, _LUMA, self._luma)
        cv2.LUT(v, _V_TO_RED, self._chroma)
        self._write(rgb[..., 0])
        cv2.LUT(u, _U_TO_GREEN, self._chroma)
        cv2.LUT(v, _V_TO_GREEN, self._other)
        np.add(self._chroma, self._other, self._chroma)
        self._write(rgb[..., 1])
        cv2.LUT(u, _U_TO_BLUE, self._chroma)
        self._write(rgb[..., 2])

    def _write(self, channel: NDArray[np.uint8]) -> None:
        width, height = self._size
        cv2.resize(self._chroma, self._grid, self._large, 0.0, 0.0, cv2.INTER_NEAREST)
        total = self._large[:height, :width]
        # Saturating: blue may pass 32767, and is clamped to 255 either way.
        cv2.add(self._luma, total, total)
        np.right_shift(total, 6, total)
        np.clip(total, 0, 255, total)
        np.copyto(channel, total, casting="unsafe")
