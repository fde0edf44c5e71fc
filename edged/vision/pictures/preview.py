"""Small JPEGs of frames, for people who look at a camera: made fast, and not to the bit like the model's input."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from edged.values import PixelFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["EncodedPicture", "to_preview"]

_TO_BGR: Mapping[PixelFormat, int] = {
    PixelFormat.RGB: cv2.COLOR_RGB2BGR,
    PixelFormat.RGBA: cv2.COLOR_RGBA2BGR,
    PixelFormat.BGRA: cv2.COLOR_BGRA2BGR,
    PixelFormat.NV12: cv2.COLOR_YUV2BGR_NV12,
    PixelFormat.NV21: cv2.COLOR_YUV2BGR_NV21,
    PixelFormat.I420: cv2.COLOR_YUV2BGR_I420,
    PixelFormat.YV12: cv2.COLOR_YUV2BGR_YV12,
    PixelFormat.YUYV: cv2.COLOR_YUV2BGR_YUYV,
}

_PACKED = (PixelFormat.BGR, PixelFormat.RGB, PixelFormat.BGRA, PixelFormat.RGBA, PixelFormat.GRAY)


class EncodedPicture(NamedTuple):
    """A picture in the bytes of a file, and its size in pixels."""

    content: bytes
    width: int
    height: int


def to_preview(frame: NDArray[np.uint8], pixels: PixelFormat, width: int, quality: int) -> EncodedPicture:
    """Return *frame* as a JPEG of that *quality* (0…100) and at most *width* pixels a line.

    *frame* is ``uint8`` in the layout *pixels*.
    """
    picture = frame
    if pixels in _PACKED:  # fewer pixels to convert then
        picture = _shrink(picture, width)
    if pixels in _TO_BGR:
        picture = np.asarray(cv2.cvtColor(picture, _TO_BGR[pixels]), np.uint8)
    picture = _shrink(picture, width)
    encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return EncodedPicture(encoded.tobytes(), picture.shape[1], picture.shape[0])


def _shrink(picture: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """Return *picture* with at most *width* pixels a line, in its proportions; at least one line.

    It is halved as often as that goes, because a mean of 2 × 2 pixels is a tenth of the work of any other area's.
    """
    height, before = picture.shape[:2]
    if before <= width:
        return picture
    size = (width, max(1, (height * width + before // 2) // before))
    while picture.shape[1] >= 2 * width and picture.shape[0] >= 2:
        rows, columns = (side // 2 for side in picture.shape[:2])
        even = picture[: 2 * rows, : 2 * columns]
        picture = np.asarray(cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)
