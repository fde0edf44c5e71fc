"""The first directory of a TIFF, as picture files and as EXIF data hold it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from edged.errors import PictureError

__all__ = ["STARTS", "Entry", "first_directory"]

STARTS = (b"II\x2a\0", b"MM\0\x2a", b"II\x2b\0", b"MM\0\x2b")
"""The begins of a TIFF: in the order of Intel or of Motorola, with offsets of 32 or of 64 bits."""

# The types BYTE, SHORT, LONG and LONG8, and the signed ones, which libtiff takes in their place.
NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q", 6: "b", 8: "h", 9: "i", 17: "q"}
MOST_ENTRIES = 4096
MOST_VALUES = 16


class Entry(NamedTuple):
    """An entry: its tag, its numbers, and where these begin; no numbers where the entry holds something else."""

    tag: int
    numbers: tuple[int, ...]
    place: int
    format: str
    """Of the numbers, as `struct` has it."""


def first_directory(content: bytes | bytearray | memoryview, tags: frozenset[int]) -> Iterator[Entry]:
    """Yield the entries of the first directory of *content* that have one of *tags*, in their order.

    Raises:
        PictureError: the directory cannot be read.
        struct.error: *content* ends before it.
    """
    order = "<" if bytes(content[:2]) == b"II" else ">"
    is_big = bytes(content[2:4]).strip(b"\0") == b"\x2b"
    offset = order + ("Q" if is_big else "I")
    (at,) = struct.unpack_from(offset, content, 8 if is_big else 4)
    counted, entry = (order + "Q", order + "HHQ8s") if is_big else (order + "H", order + "HHI4s")
    if at > len(content):
        raise PictureError("a damaged TIFF: its directory is not there")
    (count,) = struct.unpack_from(counted, content, at)
    if count > MOST_ENTRIES:
        raise PictureError(f"a TIFF with more than {MOST_ENTRIES} entries in its directory")
    at += struct.calcsize(counted)
    size = struct.calcsize(entry)
    for place in range(at, at + count * size, size):
        tag, kind, values, field = struct.unpack_from(entry, content, place)
        if tag not in tags:
            continue
        if kind not in NUMBERS or not 0 < values <= MOST_VALUES:
            yield Entry(tag, (), place, "")
            continue
        numbers = struct.Struct(f"{order}{values}{NUMBERS[kind]}")
        begin = place + size - len(field) if numbers.size <= len(field) else struct.unpack(offset, field)[0]
        if begin > len(content):
            raise PictureError("a damaged TIFF: a value is not there")
        yield Entry(tag, numbers.unpack_from(content, begin), begin, numbers.format)
