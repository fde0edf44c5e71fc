"""The size of the first picture of a TIFF, from its directory."""

from __future__ import annotations

import struct

from edged.errors import PictureError

__all__ = ["tiff_size"]

_WIDTH, _HEIGHT, _BITS, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 258, 322, 323
_TYPES = {3: "H", 4: "I", 16: "Q"}  # SHORT, LONG, LONG8
_DEEPEST = 16  # bits per channel
_MOST_ENTRIES = 4096


def tiff_size(content: bytes | bytearray) -> tuple[int, int]:
    """Return width and height in pixels; of its tiles, where these are larger, because one tile is decoded as a whole.

    Raises:
        PictureError: the directory cannot be read, or the pixels have more than 16 bits per channel.
        struct.error: *content* ends before it.
    """
    order = "<" if content.startswith(b"II") else ">"
    is_big = content[2:4].strip(b"\0") == b"\x2b"
    (at,) = struct.unpack_from(order + ("Q" if is_big else "I"), content, 8 if is_big else 4)
    counted, entry = (order + "Q", order + "HHQ8s") if is_big else (order + "H", order + "HHI4s")
    if at > len(content):
        raise PictureError("a damaged TIFF: its directory is not there")
    (count,) = struct.unpack_from(counted, content, at)
    if count > _MOST_ENTRIES:
        raise PictureError(f"a TIFF with more than {_MOST_ENTRIES} entries in its directory")
    at += struct.calcsize(counted)
    found: dict[int, int] = {}
    for place in range(at, at + count * struct.calcsize(entry), struct.calcsize(entry)):
        tag, kind, values, field = struct.unpack_from(entry, content, place)
        if tag in (_WIDTH, _HEIGHT, _BITS, _TILE_WIDTH, _TILE_HEIGHT):
            found[tag] = max(found.get(tag, 0), _largest(content, order, kind, values, field))
    if found.get(_BITS, 1) > _DEEPEST:
        raise PictureError(f"only 8 and 16 bits per channel are supported (got {found[_BITS]})")
    if _WIDTH not in found or _HEIGHT not in found:
        raise PictureError("a damaged TIFF: it has no size")
    return max(found[_WIDTH], found.get(_TILE_WIDTH, 0)), max(found[_HEIGHT], found.get(_TILE_HEIGHT, 0))


def _largest(content: bytes | bytearray, order: str, kind: int, count: int, field: bytes) -> int:
    """Return the largest of the values of an entry, which stand in its *field* or, without room, where that points."""
    if kind not in _TYPES or not 0 < count <= 16:
        raise PictureError("a damaged TIFF: its size is not a number")
    numbers = struct.Struct(f"{order}{count}{_TYPES[kind]}")
    if numbers.size <= len(field):
        return int(max(numbers.unpack_from(field)))
    (at,) = struct.unpack(order + ("Q" if len(field) == 8 else "I"), field)
    if at > len(content):
        raise PictureError("a damaged TIFF: a value is not there")
    return int(max(numbers.unpack_from(content, at)))
