"""PNGs without their texts, which libpng would decompress and keep: 15 kB become 8 MB, a thousand times over."""

from __future__ import annotations

import struct

from edged.errors import PictureError

__all__ = ["without_text"]

MAX_CHUNKS = 1 << 16  # a 64 MiB file of libpng has 8,192
_SIGNATURE = 8
_TEXTS = frozenset({b"zTXt", b"iTXt"})


def without_text(png: bytes) -> bytes:
    """*png* without the chunks of compressed text; the same object where it has none. What is not whole stays.

    Raises:
        PictureError: it has more chunks than any picture.
    """
    kept, at, start = [], _SIGNATURE, 0
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(png):
            break
        length, kind = struct.unpack_from(">I4s", png, at)
        after = at + 12 + length
        if kind in _TEXTS:
            kept.append(png[start:at])
            start = after
        at = after
    else:
        raise PictureError(f"a PNG of more than {MAX_CHUNKS} chunks")
    return b"".join([*kept, png[start:]]) if kept else png
