"""JPEG pictures as cameras send them: found damaged, or decoded into a frame at full size or at a fraction of it.

OpenCV hands out a damaged picture as if nothing were wrong, so the damage is looked for
(`edged.vision.pictures.jpeg_damage`). A JPEG that claims too many pixels or scans is refused before it is decoded.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edged.camera.frame_limit import check_frame_size
from edged.errors import DamagedFrame, PictureError, map_exceptions
from edged.values import MAX_PIXELS
from edged.vision.pictures.decoding import is_bomb
from edged.vision.pictures.jpeg_claims import JpegClaims
from edged.vision.pictures.jpeg_damage import breaks_off, check_whole

__all__ = ["REDUCTIONS", "check_jpeg", "decode_jpeg", "reduced"]

_FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}

REDUCTIONS = tuple(_FLAGS)
"""Each side of a picture can be decoded at one half, a quarter and an eighth."""


def reduced(size: int, reduce: int) -> int:
    """The pixels that *size* pixels become at 1/*reduce*: rounded up, as the decoder does."""
    return -(-size // reduce)


def check_jpeg(picture: memoryview, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Width and height of a JPEG that is whole, as far as its markers tell. What follows its end does not matter.

    Raises:
        DamagedFrame: it is not whole, or has too many scans.
        SourceError: it has more than *max_pixels*.
    """
    claims = _whole(picture)
    check_frame_size(claims.width, claims.height, max_pixels)
    _check_scans_claimed(claims, max_pixels)
    return claims.width, claims.height


def decode_jpeg(
    picture: NDArray[np.uint8], slot: NDArray[np.uint8], reduce: int = 1, max_pixels: int = MAX_PIXELS
) -> None:
    """Decode a JPEG, a row of bytes, into *slot*: BGR, of the picture's size at 1/*reduce*, rounded up.

    An EXIF orientation is ignored: a camera's frames stay as its sensor has them.

    Raises:
        DamagedFrame: it is not whole, of another size, has too many scans, or there is no memory for it.
    """
    claims = _whole(picture.data)
    expected = (reduced(claims.height, reduce), reduced(claims.width, reduce), 3)
    if expected != slot.shape:
        raise _damaged(f"it has {expected[1]}×{expected[0]} pixels instead of {slot.shape[1]}×{slot.shape[0]}")
    _check_scans_claimed(claims, max_pixels)
    with map_exceptions({cv2.error: _damaged, MemoryError: _damaged}, text=_reason):
        decoded: NDArray[Any] | None = cv2.imdecode(picture, _FLAGS[reduce] | cv2.IMREAD_IGNORE_ORIENTATION)
    if decoded is None or decoded.shape != slot.shape:
        raise _damaged("it cannot be decoded")
    if breaks_off(decoded, reduce):
        raise _damaged("bytes are missing from its middle")
    np.copyto(slot, decoded)  # OpenCV's Python functions cannot decode into an array that is there already


def _whole(picture: memoryview) -> JpegClaims:
    with map_exceptions({PictureError: DamagedFrame}):
        return check_whole(picture)


def _check_scans_claimed(claims: JpegClaims, max_pixels: int) -> None:
    if is_bomb(claims, max_pixels):
        raise _damaged(f"it has too many scans ({claims.scans} of {claims.blocks} blocks)")


def _reason(exc: Exception) -> str:
    return "there is not enough memory for it" if isinstance(exc, MemoryError) else f"it cannot be decoded: {exc}"


def _damaged(how: str) -> DamagedFrame:
    return DamagedFrame(f"a damaged JPEG: {how}")
