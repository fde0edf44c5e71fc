"""The EXIF orientation of JPEG, PNG, WebP and TIFF files.

It is read here because OpenCV's decoders do not agree: before version 5 they pass over that of a WebP, turn a TIFF even
where they are asked not to, and turn a PNG or not. They are given nothing to turn, and edged turns the picture.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from edged.errors import PictureError
from edged.vision.pictures.jpeg_claims import jpeg_segments
from edged.vision.pictures.png_chunks import png_chunks
from edged.vision.pictures.tiff_directory import STARTS, first_directory
from edged.vision.pixels.orientation import Orientation

__all__ = ["stored_orientation", "without_tiff_orientation"]

_ORIENTATION = 0x0112
_TAGS = frozenset({_ORIENTATION})
_PREFIX = b"Exif\0\0"
_APP1, _SCAN = 0xE1, 0xDA
_MOST_CHUNKS = 1 << 16


def stored_orientation(content: bytes | bytearray) -> Orientation:
    """Return how the picture in the file *content* is stored. Without usable EXIF data it is upright."""
    found = (orientation for block in _exif_blocks(content) if (orientation := _orientation_in(block)) is not None)
    return next(found, Orientation.TOP_LEFT)


def without_tiff_orientation(content: bytes | bytearray) -> bytes | bytearray:
    """Return the TIFF *content* with pixels that are said to be upright; the same object where they are."""
    stored = content
    for entry in first_directory(content, _TAGS):
        if entry.numbers and set(entry.numbers) != {Orientation.TOP_LEFT}:
            content = bytearray(content) if content is stored else content
            assert isinstance(content, bytearray)
            ones = [int(Orientation.TOP_LEFT)] * len(entry.numbers)
            struct.pack_into(entry.format, content, entry.place, *ones)
    return content


def _exif_blocks(content: bytes | bytearray) -> Iterator[bytes | bytearray | memoryview]:
    """Yield the EXIF data of a file, which is a TIFF without pixels; the first block with an orientation counts."""
    if content.startswith(b"\xff\xd8"):
        for marker, segment in jpeg_segments(content):
            if marker == _SCAN:
                return
            if marker == _APP1 and segment.startswith(_PREFIX):
                yield segment[len(_PREFIX) :]
    elif content.startswith(b"\x89PNG"):
        yield from (memoryview(content)[begin:end] for kind, begin, end in png_chunks(content) if kind == b"eXIf")
    elif content.startswith(b"RIFF"):
        yield from _webp_exif(content)
    elif content.startswith(STARTS):
        yield content


def _webp_exif(content: bytes | bytearray) -> Iterator[memoryview]:
    at = 12
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(content):
            return
        kind, size = struct.unpack_from("<4sI", content, at)
        if kind == b"EXIF":
            block = memoryview(content)[at + 8 : at + 8 + size]
            yield block[len(_PREFIX) :] if block[: len(_PREFIX)] == _PREFIX else block
        at += 8 + size + size % 2


def _orientation_in(block: bytes | bytearray | memoryview) -> Orientation | None:
    if not bytes(block[:4]).startswith(STARTS):
        return None
    try:
        for entry in first_directory(block, _TAGS):
            if len(entry.numbers) == 1 and entry.numbers[0] in set(Orientation):
                return Orientation(entry.numbers[0])
    except (PictureError, struct.error):
        pass  # EXIF data that cannot be read are as good as none
    return None
