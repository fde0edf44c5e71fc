"""Picture files to arrays: decoded by OpenCV within limits of bytes, pixels and scans, with clear refusals.

The limits are checked here, on the headers, and not left to OpenCV's environment variables: these count for the whole
process, are read once when OpenCV is loaded, and bound neither the scans of a JPEG nor the texts of a PNG.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edged.errors import PictureError, map_exceptions
from edged.label_text import shown_path
from edged.values import MAX_PIXELS, WHITE
from edged.vision.pictures.exif import stored_orientation, without_tiff_orientation
from edged.vision.pictures.jpeg2000_size import SIGNATURE, codestream_of
from edged.vision.pictures.jpeg_claims import MAX_SCANS, JpegClaims, jpeg_claims
from edged.vision.pictures.jpeg_damage import breaks_off, check_whole
from edged.vision.pictures.picture_size import claimed_size
from edged.vision.pictures.png_chunks import gray_key, without_text
from edged.vision.pictures.tiff_directory import STARTS
from edged.vision.pictures.tiff_size import has_premultiplied_colours
from edged.vision.pixels.orientation import Orientation
from edged.vision.pixels.transparency import opaque

if TYPE_CHECKING:
    from io import FileIO

    from numpy.typing import NDArray

    from edged.values import Colour

__all__ = ["MAX_FILE_BYTES", "decode", "decode_bgr", "is_bomb", "read_file", "read_limited"]

MAX_FILE_BYTES = 64 << 20
"""The size of the largest picture file that is read."""

_FAILED = "An error occurred while decoding image"
"""The start of the Task Library's messages about files and bytes that are not pictures."""


def read_limited(file: Path, into: bytearray | None = None) -> bytes | bytearray:
    """Return the bytes of the regular file *file*, of 64 MiB at most; in *into* if that is given, whose size follows.

    Raises:
        OSError: it cannot be read.
        PictureError: it is not a regular file, or larger, or changes its size while it is read.
    """
    _check_regular(file.stat())  # before it is opened: opening some devices does something
    # Another file may have its name a moment later: a pipe, too, for which nobody is to wait.
    with open(file, "rb", buffering=0, opener=_open_at_once) as opened:
        found = os.fstat(opened.fileno())
        _check_regular(found)
        size = found.st_size
        if size > MAX_FILE_BYTES:
            raise PictureError(f"the file is too large: it may have {MAX_FILE_BYTES >> 20} MiB (got {size} bytes)")
        content = bytearray() if into is None else into
        del content[size:]
        content += bytes(size - len(content))
        is_whole = _fill(opened, content) and not opened.read(1)
    if not is_whole:
        raise PictureError("the file changes while it is read")
    return bytes(content) if into is None else content


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _check_regular(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise PictureError("it is no file")


def _fill(opened: FileIO, content: bytearray) -> bool:
    """Read into *content*; return whether there was as much."""
    with memoryview(content) as view:
        done = 0
        while done < len(view):
            if not (count := opened.readinto(view[done:])):
                return False
            done += count
    return True


def read_file(path: str | bytes | os.PathLike[str]) -> bytes:
    """Return the bytes of the picture file *path*.

    Raises:
        PictureError: there is no such file, it cannot be read, or it has more than 64 MiB; a ``RuntimeError`` and a
            ``ValueError``.
        TypeError: *path* is not a path.
    """
    file = Path(os.fsdecode(path))
    try:
        return bytes(read_limited(file))
    except OSError as exc:
        raise PictureError(f"{_FAILED}: can't fopen {shown_path(file)}: {exc.strerror}") from exc
    except PictureError as exc:
        raise PictureError(f"{_FAILED}: can't fopen {shown_path(file)}: {exc}") from exc
    except MemoryError as exc:
        raise PictureError(f"{_FAILED}: can't fopen {shown_path(file)}: there is not enough memory") from exc
    except ValueError as exc:  # a null byte in the name
        raise PictureError(f"{_FAILED}: can't fopen {str(file)!r}: {exc}") from exc


def decode(
    content: bytes, *, exif: bool, max_pixels: int = MAX_PIXELS, background: Colour = WHITE
) -> NDArray[np.uint8]:
    """Return the picture in *content*, the bytes of a JPEG, PNG, WebP, BMP, TIFF, JPEG 2000 or PNM.

    With *exif* it is RGB, turned upright, and what is transparent is laid on *background*. Without, it is as stored:
    ``(height, width)`` gray, ``(height, width, 3)`` RGB or ``(height, width, 4)`` RGBA, and not turned. 16-bit pictures
    lose their lower 8 bits. Of several pictures in one file the first counts. The array is C-contiguous and ``uint8``.

    Raises:
        PictureError: the bytes are not a picture, are damaged or cut short, or the picture is too large; a
            ``RuntimeError`` and a ``ValueError``.
    """
    with map_exceptions({PictureError: PictureError, MemoryError: PictureError}, _FAILED, text=_reason):
        return _to_rgb(_upright(content, max_pixels, background) if exif else _stored(content, max_pixels))


def decode_bgr(
    content: bytes | bytearray, max_pixels: int = MAX_PIXELS, background: Colour = WHITE
) -> NDArray[np.uint8]:
    """Return the picture in *content*, upright by its EXIF data: BGR, ``uint8`` of shape ``(height, width, 3)``.

    What is transparent is laid on *background*.

    Raises:
        PictureError: the bytes are not a picture, are damaged or cut short, or the picture is too large.
    """
    with map_exceptions({MemoryError: PictureError}, text=_reason):
        return _upright(content, max_pixels, background)


def is_bomb(claims: JpegClaims, max_pixels: int) -> bool:
    """Check whether decoding a JPEG takes far longer than its size lets expect, because it has too many scans.

    All scans together may go through 16 times as many blocks as one component of the largest picture has. A usual
    progressive JPEG of that size in full colour needs 14.
    """
    return claims.scans > MAX_SCANS or claims.blocks > max_pixels // 4


def _upright(content: bytes | bytearray, max_pixels: int, background: Colour) -> NDArray[np.uint8]:
    orientation = stored_orientation(content)  # first, so that its memory is free again when the pixels are there
    stored = _stored(content, max_pixels)
    laid = opaque(
        stored, background, is_premultiplied=content.startswith(STARTS) and has_premultiplied_colours(content)
    )
    if orientation is Orientation.TOP_LEFT:
        return laid
    height, width = laid.shape[:2]
    upright = np.empty((width, height, 3) if orientation.swaps_sides else laid.shape, np.uint8)
    orientation.turn(laid, upright)
    return upright


def _stored(content: bytes | bytearray, max_pixels: int) -> NDArray[np.uint8]:
    """Return the picture as it is stored, not turned: gray, BGR or BGRA."""
    if not content:
        raise PictureError("it is empty")
    _check_claims(content, max_pixels)
    if content.startswith(b"\xff\xd8"):
        check_whole(memoryview(content))
    picture = _decoded(_prepared(content))
    if content.startswith(b"\xff\xd8") and breaks_off(picture):
        raise PictureError("a damaged JPEG: bytes are missing from its middle")
    key = gray_key(content) if content.startswith(b"\x89PNG") and picture.ndim == 2 else None
    if key is not None:
        return np.dstack([*[_to_bytes(picture)] * 3, np.where(picture == key, 0, 255).astype(np.uint8)])
    if content.startswith(b"BM"):
        picture = (
            picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., :3])
        )  # older versions give no more
    return _to_bytes(picture)


def _prepared(content: bytes | bytearray) -> bytes | bytearray:
    """Return *content* without what OpenCV would spend memory on, or do in one version and not in another."""
    if content.startswith(b"\x89PNG"):
        return without_text(bytes(content))
    if content.startswith(SIGNATURE):
        return codestream_of(content)
    return without_tiff_orientation(content) if content.startswith(STARTS) else content


def _decoded(content: bytes | bytearray) -> NDArray[Any]:
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as exc:
        raise PictureError(exc.err or str(exc)) from exc
    if picture is None:
        raise PictureError(f"unknown image type, damaged or cut short ({len(content)} bytes)")
    return picture


def _check_claims(content: bytes | bytearray, max_pixels: int) -> None:
    claims = jpeg_claims(content) if content.startswith(b"\xff\xd8") else None
    width, height = (claims.width, claims.height) if claims else claimed_size(content)
    if width * height > max_pixels:
        raise PictureError(f"the picture is too large: it may have {max_pixels} pixels (got {width} x {height})")
    if claims and is_bomb(claims, max_pixels):
        raise PictureError(f"the picture has too many scans ({claims.scans} of {claims.blocks} blocks)")


def _reason(exc: Exception) -> str:
    return "there is not enough memory for it" if isinstance(exc, MemoryError) else str(exc)


def _to_bytes(picture: NDArray[Any]) -> NDArray[np.uint8]:
    if picture.dtype == np.uint16:
        return (picture >> 8).astype(np.uint8)
    if picture.dtype != np.uint8:
        raise PictureError(f"only 8 and 16 bits per channel are supported (got {picture.dtype})")
    return picture


def _to_rgb(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if picture.ndim == 2:
        return picture
    rgb = np.empty_like(picture)
    cv2.cvtColor(picture, cv2.COLOR_BGR2RGB if picture.shape[2] == 3 else cv2.COLOR_BGRA2RGBA, rgb)
    return rgb
