"""The V4L2 pixel formats that edged takes, and the way of a frame out of a driver's buffer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from edged.camera.v4l2.device import FrameLayout
from edged.errors import SourceError
from edged.values import Format, PixelFormat

__all__ = ["JPEG", "RAW", "WORKING", "PlaneLayout", "copy_planes", "frame_bytes", "planes"]

JPEG = ("MJPG", "JPEG")
"""Compressed, picture by picture."""

RAW = MappingProxyType(
    {
        "NV12": PixelFormat.NV12,
        "NV21": PixelFormat.NV21,
        "YU12": PixelFormat.I420,
        "YV12": PixelFormat.YV12,
        "YUYV": PixelFormat.YUYV,
        "BGR3": PixelFormat.BGR,
        "RGB3": PixelFormat.RGB,
        "AR24": PixelFormat.BGRA,
        "AB24": PixelFormat.RGBA,
        "GREY": PixelFormat.GRAY,
    }
)
"""Taken as they are; the cheapest to carry first, and without colour last."""

WORKING = (*JPEG, *RAW)

_SEMI_PLANAR = (PixelFormat.NV12, PixelFormat.NV21)
_PLANAR = (PixelFormat.I420, PixelFormat.YV12)


@dataclass(frozen=True, slots=True)
class PlaneLayout:
    """Rows of a buffer: how many, their bytes that count, and the bytes from one to the next."""

    rows: int
    length: int
    stride: int


def frame_bytes(pixels: PixelFormat, width: int, height: int) -> int:
    """Return the bytes of one frame without padding."""
    return math.prod(Format(width, height, pixels).shape)


def planes(picture: FrameLayout, pixels: PixelFormat) -> Sequence[PlaneLayout]:
    """Return the layout of the rows of an uncompressed frame in its buffer.

    Raises:
        SourceError: the size does not go with the format, or the driver's buffer is too small for it.
    """
    width, height = picture.width, picture.height
    whole = Format(width, height, pixels).shape
    subsampled = pixels in _SEMI_PLANAR + _PLANAR
    if (subsampled and (width % 2 or height % 2)) or (pixels is PixelFormat.YUYV and width % 2):
        raise SourceError(f"the size {width}×{height} does not go with {picture.fourcc}, whose pixels share colours")
    rows, length = whole[0], math.prod(whole[1:])
    stride = picture.stride or length  # some drivers leave it at 0 where nothing is padded
    layout = [PlaneLayout(rows, length, stride)]
    if pixels in _PLANAR:  # both chroma planes have half as many rows, half as long: together as many as the luma
        layout = [PlaneLayout(height, length, stride), PlaneLayout(height, length // 2, stride // 2)]
    if stride < length or picture.length < sum(plane.rows * plane.stride for plane in layout):
        raise SourceError(
            f"the driver's frames of {picture.length} bytes, {stride} a row, cannot hold {width}×{height} pixels in "
            f"{picture.fourcc}"
        )
    return layout


def copy_planes(buffer: NDArray[np.uint8], layout: Sequence[PlaneLayout], slot: NDArray[np.uint8]) -> None:
    """Copy a frame from *buffer*, one row of bytes, to *slot*, which is contiguous and without padding."""
    flat = slot.reshape(-1)
    start = end = 0
    for plane in layout:
        count, extent = plane.rows * plane.length, plane.rows * plane.stride
        rows = buffer[start : start + extent].reshape(plane.rows, plane.stride)
        flat[end : end + count].reshape(plane.rows, plane.length)[...] = rows[:, : plane.length]
        start, end = start + extent, end + count
