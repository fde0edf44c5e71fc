"""YUV 4:2:0 pictures of odd sides, whose last sample of colour serves one pixel: padded to even sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edged.values import PixelFormat
from edged.vision.pixels.colour import chroma_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SUBSAMPLED", "odd_size", "padded"]

SUBSAMPLED = (PixelFormat.NV12, PixelFormat.NV21, PixelFormat.I420, PixelFormat.YV12)
"""The layouts with one sample of colour for 2 × 2 pixels."""


def odd_size(array: NDArray[Any]) -> tuple[int, int] | None:
    """Return width and height of a picture of odd height in an array of ``(height + (height + 1) / 2, width)``.

    None if its shape is not that of one: an odd width cannot be told from the array.
    """
    if array.ndim != 2 or array.shape[0] % 3 != 2 or array.shape[1] % 2:
        return None
    return array.shape[1], array.shape[0] // 3 * 2 + 1


def padded(array: NDArray[Any], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the picture of the width and height *size* with its last column and row repeated where they are odd.

    *array* holds, in its order, *width* × *height* samples of brightness and then colours of half the sides, rounded
    up, without any padding. The result is of the usual layout: ``(height * 3 / 2, width)``, both sides even.

    Raises:
        ValueError: it holds another number of bytes.
    """
    width, height = size
    across, down = chroma_size(width, height)
    luma, expected = width * height, width * height + 2 * across * down
    if min(size) < 1 or array.size != expected or array.dtype != np.uint8:
        raise ValueError(
            f"a picture of {width} x {height} pixels has {expected} bytes in this layout: brightness, and colours of "
            f"{across} x {down} (got {array.size} of {array.dtype})"
        )
    flat = np.ascontiguousarray(array).reshape(-1)
    whole = np.empty((3 * down, 2 * across), np.uint8)
    picture = whole[: 2 * down]
    picture[:height, :width] = flat[:luma].reshape(height, width)
    picture[height:] = picture[height - 1]
    picture[:, width:] = picture[:, width - 1 : width]
    whole[2 * down :].reshape(-1)[...] = flat[luma:]
    return whole
