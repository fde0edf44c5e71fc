"""Damage of a JPEG, which OpenCV decodes as if nothing were wrong.

Looking for it costs about a fiftieth of the decoding. Three things are seen: a picture that is cut short or has a
broken header; markers that do not belong between the pixels, or restart markers out of turn; and a picture that lacks
bytes in the middle, because the decoder, which comes to the end too early, leaves grey what it could not read. Damage
that leaves the stream in step passes unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edged.errors import PictureError
from edged.vision.pictures.jpeg_claims import MAX_SEGMENTS, JpegClaims, find_marker, jpeg_claims

__all__ = ["breaks_off", "check_whole"]

# ITU-T T.81, table B.1. Between the pixels stand FF 00 for a byte FF, and the restart markers D0…D7.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_FILL = re.compile(rb"\xff*(?=\xff)")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_START, _END, _SCAN, _RESTART_INTERVAL = 0xD8, 0xD9, 0xDA, 0xDD
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BETWEEN_SCANS = frozenset({0xC4, 0xCC, _SCAN, 0xDB, 0xDC, _RESTART_INTERVAL, 0xFE})


def check_whole(picture: memoryview) -> JpegClaims:
    """Return the claims of a JPEG that is whole, as far as its markers tell. What follows its end does not matter.

    Raises:
        PictureError: it is not whole.
    """
    if bytes(picture[:2]) != bytes((0xFF, _START)):
        raise _damaged("it does not begin like a JPEG")
    size: tuple[int, int] | None = None
    restarts = False
    for marker, at, after in _segments(picture):
        if marker in _FRAMES and after - at >= 9:
            size = _number(picture, at + 7), _number(picture, at + 5)
        elif marker == _RESTART_INTERVAL:
            restarts = _number(picture, at + 4) > 0
        elif marker == _SCAN:
            _check_scans(picture, after, _most_restarts(size) if restarts else None)
            break
    if size is None or 0 in size:
        raise _damaged("its header has no size")
    claims = jpeg_claims(picture)
    if (claims.width, claims.height) != size:
        raise _damaged("it has two sizes")
    return claims


def breaks_off(decoded: NDArray[Any], reduce: int = 1) -> bool:
    """Check whether the end of a picture is what the decoder leaves where no data was: exactly mid-grey.

    *decoded* is as the decoder gives it, at 1/*reduce* of its size, gray or in colour, and not turned. The grey begins
    somewhere in a row of blocks, with a sharp edge above, and all rows below are grey from side to side. A grey wall
    has no sharp edge, a bar or a label no such shape; what a wall hides of the edge is little damage.
    """
    grey, block, blocks = 128, 8 // reduce, 64 // reduce
    if decoded.item(decoded.size - 1) != grey:  # of almost every picture, and without an array of any size
        return False
    decoded = decoded if decoded.ndim == 3 else decoded[..., np.newaxis]
    if (decoded[-1, -blocks:] != grey).any():
        return False
    other_rows = np.flatnonzero((decoded[:, -1] != grey).any(axis=1))
    if not other_rows.size:
        return False  # all grey: a picture of nothing, perhaps, but not one that breaks off
    first = int(other_rows[-1]) + 1
    whole_rows_follow = len(decoded) - first > 2 * block  # blocks may be stored in twos
    if whole_rows_follow and (decoded[-1] != grey).any():
        return False
    if (decoded[first : first + block, :block] == grey).all():
        return False
    # Some rows of the edge, because colours are blended over two rows where they are stored once for two.
    edge = decoded[max(first - 4, 0) : first, -block:].astype(np.int16)
    return bool(np.abs(edge - grey).max() > 16)


def _segments(picture: memoryview) -> Iterator[tuple[int, int, int]]:
    """Yield the marker, the start and the end of each segment of the header."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        fill = _FILL.match(picture, at)
        at = at if fill is None else fill.end()
        if at + 4 > len(picture):
            raise _damaged("it is cut short")
        if picture[at] != 0xFF:
            raise _damaged("its header is broken")
        marker = picture[at + 1]
        after = at + 2 + _number(picture, at + 2)
        if after > len(picture):
            raise _damaged("it is cut short")
        yield marker, at, after
        at = after
    raise _damaged(f"it has more than {MAX_SEGMENTS} segments")


def _most_restarts(size: tuple[int, int] | None) -> int:
    """Return one after each block of 8 × 8."""
    width, height = size or (0, 0)
    return -(-width // 8) * -(-height // 8)


def _check_scans(picture: memoryview, at: int, most_restarts: int | None) -> None:
    """Check what follows the header of the first scan; restart markers count where there may be *most_restarts*."""
    for _ in range(MAX_SEGMENTS):
        marker = find_marker(_MARKER, picture, at)
        if marker is None:
            raise _damaged("it is cut short")
        end = marker.start()
        if most_restarts is not None and any(
            picture[found.start() + 1] & 7 != turn % 8 or turn > most_restarts
            for turn, found in enumerate(_RESTART.finditer(picture, at, end))
        ):
            raise _damaged("its restart markers are out of turn")
        if picture[end + 1] == _END:
            return
        if picture[end + 1] not in _BETWEEN_SCANS or end + 4 > len(picture):
            raise _damaged("a marker stands where pixels should")
        at = end + 2 + _number(picture, end + 2)
    raise _damaged(f"it has more than {MAX_SEGMENTS} segments")


def _number(picture: memoryview, at: int) -> int:
    return picture[at] << 8 | picture[at + 1]


def _damaged(how: str) -> PictureError:
    return PictureError(f"a damaged JPEG: {how}")
