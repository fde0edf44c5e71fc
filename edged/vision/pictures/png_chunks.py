"""The chunks of a PNG, and a PNG without what OpenCV and libpng would spend memory on.

Texts are decompressed and kept: 15 kB become 8 MB, a thousand times over. And room is made for as many bytes as a chunk
claims to have, before there is a look at how many came; so 45 bytes took 1.9 GB where the last few were no whole chunk.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from edged.errors import PictureError

__all__ = ["gray_key", "png_chunks", "without_text"]

MAX_CHUNKS = 1 << 16  # a 64 MiB file of libpng has 8,192
_SIGNATURE = 8
_AROUND = 12  # bytes of a chunk beside its content: length, kind, checksum
_END = b"IEND"
_TEXTS = frozenset({b"zTXt", b"iTXt"})


def png_chunks(png: bytes | bytearray) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each chunk up to the end of the picture, and where its content begins and ends.

    Raises:
        PictureError: a chunk claims more bytes than there are, there is no end, or there are more chunks than any
            picture has.
    """
    at = _SIGNATURE
    for _ in range(MAX_CHUNKS):
        length, kind = struct.unpack_from(">I4s", png, at) if at + 8 <= len(png) else (len(png), b"")
        if at + _AROUND + length > len(png):
            raise PictureError(f"unknown image type, damaged or cut short ({len(png)} bytes)")
        yield kind, at + 8, at + 8 + length
        at += _AROUND + length
        if kind == _END:
            return
    raise PictureError(f"a PNG of more than {MAX_CHUNKS} chunks")


def gray_key(png: bytes | bytearray) -> int | None:
    """Return the level of gray that is transparent in a gray PNG, as OpenCV decodes it; None if there is none.

    OpenCV itself heeds such a colour in pictures in colour only.
    """
    depth, colour_type = png[24], png[25]
    for kind, begin, end in png_chunks(png):
        if kind == b"tRNS" and colour_type == 0 and end - begin == 2:
            level = int.from_bytes(png[begin:end], "big")
            return level if depth >= 8 else level * 255 // ((1 << depth) - 1)
    return None


def without_text(png: bytes) -> bytes:
    """Return *png* up to its end, without the chunks of compressed text; the same object where it has no more.

    Raises:
        PictureError: see `png_chunks`.
    """
    kept, start, after = [], 0, 0
    for kind, begin, end in png_chunks(png):
        after = end + _AROUND - 8
        if kind in _TEXTS:
            kept.append(png[start : begin - 8])
            start = after
    return b"".join([*kept, png[start:after]]) if kept or after < len(png) else png
