"""The size of a picture as its header claims it, for every format that is decoded here: nothing is decoded for it."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from edged.errors import PictureError
from edged.vision.pictures.foreign_formats import foreign_format
from edged.vision.pictures.jpeg2000_size import CODESTREAM, SIGNATURE, jpeg2000_size
from edged.vision.pictures.tiff_directory import STARTS
from edged.vision.pictures.tiff_size import tiff_size

__all__ = ["claimed_size"]

Size = tuple[int, int]

_HEADER = 4096  # bytes in which the header of a PNM ends, comments and all
_GAP = rb"(?:[ \t\n\v\f\r]|#[^\r\n]*[\r\n])+"
_PNM = re.compile(rb"P[1-6](?=[ \t\n\v\f\r])" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})[ \t\n\v\f\r#]")


def claimed_size(content: bytes | bytearray) -> Size:
    """Return width and height in pixels of a PNG, WebP, BMP, TIFF, JPEG 2000 or PNM. For a JPEG see `jpeg_claims`.

    Raises:
        PictureError: *content* is none of these, or ends before its size. The text names the formats of other pictures.
    """
    for start, size in _SIZES:
        if content.startswith(start):
            try:
                return size(content)
            except struct.error as exc:
                raise PictureError(_unknown(content)) from exc
    name = foreign_format(content)
    if name is not None:
        raise PictureError(f"its format is {name}, which edged does not read; convert it to PNG or JPEG")
    raise PictureError(_unknown(content))


def _png(content: bytes | bytearray) -> Size:
    if content[12:16] != b"IHDR":
        raise PictureError(_unknown(content))
    width, height = struct.unpack_from(">II", content, 16)
    return width, height


def _bmp(content: bytes | bytearray) -> Size:
    (header,) = struct.unpack_from("<I", content, 14)
    width, height = struct.unpack_from("<HH" if header == 12 else "<ii", content, 18)
    return abs(width), abs(height)  # a negative height: the first row is the top one


def _webp(content: bytes | bytearray) -> Size:
    kind = content[12:16]
    if content[8:12] != b"WEBP" or len(content) < 30:
        raise PictureError(_unknown(content))
    if kind == b"VP8X":
        return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise PictureError(_unknown(content))


def _pnm(content: bytes | bytearray) -> Size:
    found = _PNM.match(content[:_HEADER])
    if found is None:
        raise PictureError(_unknown(content))
    return int(found[1]), int(found[2])


def _unknown(content: bytes | bytearray) -> str:
    return f"unknown image type, damaged or cut short ({len(content)} bytes)"


_SIZES: tuple[tuple[tuple[bytes, ...], Callable[[bytes | bytearray], Size]], ...] = (
    ((b"\x89PNG\r\n\x1a\n",), _png),
    ((b"BM",), _bmp),
    (STARTS, tiff_size),
    ((b"RIFF",), _webp),
    ((SIGNATURE, CODESTREAM), jpeg2000_size),
    ((b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"), _pnm),
)
"""The begin of a file of each format, and the place of its size. Others are refused, even if OpenCV decodes them."""
