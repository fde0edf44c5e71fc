"""A writer of records as FlatBuffers: the inverse of ``edged.vision.tflite.flatbuffer``, for tests and for fuzzing.

``write_flatbuffer(read_flatbuffer(content, root), root)`` means the same as *content*, and a record may be changed in
between. Fields that are None, or have their default, are left out.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from edged.vision.tflite.flatbuffer import Scalar, Table, Text, Union, VectorOf

if TYPE_CHECKING:
    from edged.vision.tflite.flatbuffer import FieldType, Record

__all__ = ["write_flatbuffer"]

ALIGNMENT = 16
"""Alignment of every table and vector: the one that TFLite requires for its buffers. The others need less."""


def write_flatbuffer(record: Record, root: Table, identifier: bytes = b"") -> bytes:
    """Return *record* as a FlatBuffer of the table *root*, with *identifier* at byte 4."""
    out = bytearray(4)
    out += identifier
    _point(out, 0, _table(out, root, record))
    return bytes(out)


def _point(out: bytearray, at: int, target: int) -> None:
    struct.pack_into("<I", out, at, target - at)


def _pad(out: bytearray, extra: int = 0) -> None:
    """Pad *out* so that the position *extra* bytes further on is aligned."""
    out += bytes(-(len(out) + extra) % ALIGNMENT)


def _table(out: bytearray, table: Table, record: Record) -> int:
    """Write a vtable, its table, and everything that the table points to, and return the table's position."""
    present = [field for field in table.slots if _is_present(record.get(field[1]), field[2])]
    cells: list[tuple[int, int, str, FieldType | Union | None]] = []  # slot, width, field, and its content
    for slot, label, kind in present:
        if isinstance(kind, Union):
            cells.append((slot - 1, 1, label, None))  # the byte with the number of the member
        cells.append((slot, 4 if isinstance(kind, Union) else kind.width, label, kind))
    cells.sort(key=lambda cell: -cell[1])
    size = 8  # the distance to the vtable, and a gap that aligns wide fields
    vtable = [0] * (1 + max((cell[0] for cell in cells), default=-1))
    for slot, width, _, _ in cells:
        vtable[slot] = size
        size += width
    header = struct.pack(f"<{2 + len(vtable)}H", 4 + 2 * len(vtable), size, *vtable)
    _pad(out, len(header))
    out += header
    start = len(out)
    out += struct.pack("<i", len(header)) + bytes(size - 4)
    unions = {label: kind for _, label, kind in present if isinstance(kind, Union)}
    for slot, _, label, content in cells:
        at, value = start + vtable[slot], record[label]
        if content is None:
            out[at] = 1 + [member.name for member in unions[label].members].index(value[0])
        elif isinstance(content, Scalar):
            struct.pack_into("<" + content.code, out, at, value)
        elif isinstance(content, Union):
            member = next(member for member in content.members if member.name == value[0])
            _point(out, at, _table(out, member, value[1]))
        else:
            _point(out, at, _target(out, content, value))
    return start


def _is_present(value: Any, kind: FieldType | Union) -> bool:
    return value is not None and not (isinstance(kind, Scalar) and value == kind.default)


def _target(out: bytearray, kind: Any, value: Any) -> int:
    """Write the target of an offset, and return its position."""
    if isinstance(kind, Table):
        return _table(out, kind, value)
    if isinstance(kind, VectorOf):
        _pad(out, 4)
        start = len(out)
        out += struct.pack("<I", len(value)) + bytes(4 * len(value))
        for number, element in enumerate(value):
            at = start + 4 + 4 * number
            _point(out, at, _target(out, kind.element, element))
        return start
    data = value.encode() + b"\0" if isinstance(kind, Text) else np.asarray(value, kind.dtype).tobytes()
    count = len(data) - 1 if isinstance(kind, Text) else len(data) // kind.dtype.itemsize
    _pad(out, 4)
    start = len(out)
    out += struct.pack("<I", count) + data
    return start
