"""Picture files to arrays: what OpenCV decodes, with its refusals said clearly."""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MAX_PIXELS", "decode", "read_file"]

MAX_PIXELS = 1 << 27
"""Larger pictures (134 megapixels) are refused before memory is spent on them."""

_FAILED = "An error occurred while decoding image: "
"""The start of the Task Library's messages about files and bytes that are not pictures."""


def read_file(path: str | bytes | os.PathLike[str]) -> bytes:
    """The bytes of the picture file *path*.

    Raises:
        RuntimeError: there is no such file, or it cannot be read.
        TypeError: *path* is no path.
    """
    file = Path(os.fsdecode(path))
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise RuntimeError(f"{_FAILED}can't fopen {file}: it is no file")
        return file.read_bytes()
    except OSError as exc:
        raise RuntimeError(f"{_FAILED}can't fopen {file}: {exc.strerror}") from exc
    except ValueError as exc:  # a null byte in the name
        raise RuntimeError(f"{_FAILED}can't fopen {str(file)!r}: {exc}") from exc


def decode(content: bytes, *, exif: bool) -> NDArray[np.uint8]:
    """The picture in *content*, the bytes of a JPEG, PNG, WebP, BMP, TIFF or other file that OpenCV reads.

    With *exif* it is RGB and turned upright. Without, it is as stored: ``(height, width)`` gray, ``(height, width, 3)``
    RGB or ``(height, width, 4)`` RGBA, and not turned. 16-bit pictures lose their lower 8 bits. Of several pictures in
    one file the first counts. The array is C-contiguous and ``uint8``.

    Raises:
        RuntimeError: the bytes are no picture, are damaged or cut short, or the picture is too large.
    """
    if not content:
        raise RuntimeError(f"{_FAILED}it is empty")
    width, height = _announced_size(content)
    if width * height > MAX_PIXELS:
        raise RuntimeError(
            f"{_FAILED}the picture is too large: it may have {MAX_PIXELS} pixels (got {width} x {height})"
        )
    flags = cv2.IMREAD_COLOR if exif else cv2.IMREAD_UNCHANGED
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as exc:
        raise RuntimeError(f"{_FAILED}{exc.err or exc}") from exc
    if picture is None:
        raise RuntimeError(f"{_FAILED}unknown image type, damaged or cut short ({len(content)} bytes)")
    return _to_rgb(_to_bytes(picture))


def _to_bytes(picture: NDArray[Any]) -> NDArray[np.uint8]:
    if picture.dtype == np.uint16:
        return (picture >> 8).astype(np.uint8)
    if picture.dtype != np.uint8:
        raise RuntimeError(f"{_FAILED}only 8 and 16 bits per channel are supported (got {picture.dtype})")
    return picture


def _to_rgb(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if picture.ndim == 2:
        return picture
    rgb = np.empty_like(picture)
    cv2.cvtColor(picture, cv2.COLOR_BGR2RGB if picture.shape[2] == 3 else cv2.COLOR_BGRA2RGBA, rgb)
    return rgb


def _announced_size(content: bytes) -> tuple[int, int]:
    """Width and height as the header of a PNG or JPEG has them, 0 and 0 where it is neither."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return width, height
    if content.startswith(b"\xff\xd8"):
        return _jpeg_size(content)
    return 0, 0


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """Walk the segments (marker, length, contents) to the frame header, SOF0 to SOF15, which has the size."""
    place = 2
    while place + 9 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            return width, height
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return 0, 0
