"""PNGs without what OpenCV and libpng would spend memory on.

Texts are decompressed and kept: 15 kB become 8 MB, a thousand times over. And room is made for as many bytes as a chunk
claims to have, before there is a look at how many came; so 45 bytes took 1.9 GB where the last few were no whole chunk.
"""

from __future__ import annotations

import struct

from edged.errors import PictureError

__all__ = ["without_text"]

MAX_CHUNKS = 1 << 16  # a 64 MiB file of libpng has 8,192
_SIGNATURE = 8
_TEXTS = frozenset({b"zTXt", b"iTXt"})
_END = b"IEND"


def without_text(png: bytes) -> bytes:
    """Return *png* up to its end, without the chunks of compressed text; the same object where it has no more.

    Raises:
        PictureError: a chunk claims more bytes than there are, there is no end, or there are more chunks than any
            picture has.
    """
    kept, at, start = [], _SIGNATURE, 0
    for _ in range(MAX_CHUNKS):
        length, kind = struct.unpack_from(">I4s", png, at) if at + 8 <= len(png) else (len(png), b"")
        after = at + 12 + length
        if after > len(png):
            raise PictureError(f"unknown image type, damaged or cut short ({len(png)} bytes)")
        if kind in _TEXTS:
            kept.append(png[start:at])
            start = after
        at = after
        if kind == _END:
            return b"".join([*kept, png[start:at]]) if kept or at < len(png) else png
    raise PictureError(f"a PNG of more than {MAX_CHUNKS} chunks")
