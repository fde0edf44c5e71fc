"""A reader of FlatBuffers that trusts none of their bytes.

FlatBuffers are made to be used in place: a reader follows offsets from table to table, and a wrong offset is
a wild pointer. Here every offset, vtable, length and alignment is checked while the bytes are read into plain
values. After that, every other reader of the same bytes by the same schema stays inside them too.

The format is described at https://flatbuffers.dev/internals. A table begins with the signed distance back to its
vtable; the vtable holds its own size, the table's, and the place of each field in the table, 0 for none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "Enum",
    "FieldType",
    "FlatbufferError",
    "Record",
    "Scalar",
    "Table",
    "Text",
    "Union",
    "Vector",
    "VectorOf",
    "read_flatbuffer",
]

Record = dict[str, Any]
"""The values of a table by the names of its fields, in the types that its schema names."""

MAX_TABLES = 200_000
"""Most tables in a file. The largest networks have some ten thousand."""

MAX_REUSE = 4
"""Most bytes that are read, in sizes of the file. The parts of a good file hardly overlap."""

_U16 = Struct("<H").unpack_from
_U32 = Struct("<I").unpack_from
_I32 = Struct("<i").unpack_from


class FlatbufferError(ValueError):
    """The bytes are not a FlatBuffer of this schema. The text names the place in the tree, and what was found there."""


@dataclass(slots=True)
class Cursor:
    """The bytes, the path to the table or field that is being read, and how much was read so far."""

    content: bytes
    path: list[str | int] = field(default_factory=list)
    layouts: dict[tuple[str, int], _Layout] = field(default_factory=dict)
    tables: int = 0
    visited: int = 0

    def fail(self, found: str) -> NoReturn:
        """Raise for what was *found* at the present path in the tree."""
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        raise FlatbufferError(f"{place[1:]} {found}" if place else f"the root {found}")

    def visit(self, start: int, length: int) -> None:
        """Check that *length* bytes from *start* lie in the file, and count them."""
        end, size = start + length, len(self.content)
        if start < 0 or end > size:
            self.fail(f"reaches to byte {end} of a file of {size} bytes")
        self.visited += length
        if self.visited > MAX_REUSE * size:
            self.fail("belongs to parts that overlap too often")

    def follow(self, at: int) -> int:
        """The byte that the offset at byte *at* points to: the beginning of a table, vector or string."""
        offset: int = _U32(self.content, at)[0]
        target = at + offset
        if offset == 0 or target % 4:
            self.fail(f"points to byte {target}, where nothing can begin")
        self.visit(target, 4)
        return target

    def elements(self, at: int, width: int) -> tuple[int, int]:
        """First byte and count of the vector that byte *at* points to, of *width* bytes an element."""
        start = self.follow(at) + 4
        count: int = _U32(self.content, start - 4)[0]
        self.visit(start, count * width)
        return start, count


class FieldType(Protocol):
    """The type of a field: ``width`` bytes in its table, aligned to that; ``default`` where it is absent."""

    @property
    def width(self) -> int: ...
    @property
    def default(self) -> Any: ...
    def read(self, cursor: Cursor, at: int) -> Any:
        """Read the field at byte *at*, of which ``width`` bytes are known to exist.

        Raises:
            FlatbufferError: it is damaged.
        """


class Scalar:
    """A number, by its code in ``struct``."""

    def __init__(self, code: str, default: float = 0) -> None:
        form = Struct("<" + code)
        self.code = code
        self.width = form.size
        self.default = default
        self._unpack = form.unpack_from

    def read(self, cursor: Cursor, at: int) -> Any:
        """Read the number."""
        return self._unpack(cursor.content, at)[0]


class Enum(Scalar):
    """A number that stands for one of *count* values, counted from 0."""

    def __init__(self, code: str, count: int, default: int = 0) -> None:
        super().__init__(code, default)
        self._count = count

    def read(self, cursor: Cursor, at: int) -> int:
        """Read the number."""
        number: int = super().read(cursor, at)
        if not 0 <= number < self._count:
            cursor.fail(f"is {number}, and only 0 to {self._count - 1} are known")
        return number


class Text:
    """A string in UTF-8 with a NUL behind it; None where absent."""

    width = 4
    default = None

    def read(self, cursor: Cursor, at: int) -> str:
        """Read the string, without the NUL."""
        start, length = cursor.elements(at, 1)
        end = start + length
        if cursor.content[end : end + 1] != b"\0":
            cursor.fail("is a string without its end mark")
        try:
            return cursor.content[start:end].decode()
        except UnicodeDecodeError:
            cursor.fail("is a string, but not UTF-8")


class Vector:
    """A vector of numbers, by numpy's name of their type; None where absent."""

    width = 4
    default = None

    def __init__(self, dtype: str) -> None:
        self.dtype = np.dtype(dtype).newbyteorder("<")

    def read(self, cursor: Cursor, at: int) -> npt.NDArray[Any]:
        """Read the numbers: a read-only array over the bytes themselves."""
        width = self.dtype.itemsize
        start, count = cursor.elements(at, width)
        if start % width:
            cursor.fail(f"has its numbers of {width} bytes at byte {start}, which is not aligned")
        return np.frombuffer(cursor.content, self.dtype, count, start)


class VectorOf:
    """A vector of tables or strings; None where absent."""

    width = 4
    default = None

    def __init__(self, element: Table | Text) -> None:
        self.element = element

    def read(self, cursor: Cursor, at: int) -> list[Any]:
        """Read the elements."""
        start, count = cursor.elements(at, 4)
        read, path = self.element.read, cursor.path
        values = []
        path.append(0)
        for index in range(count):
            path[-1] = index
            values.append(read(cursor, start + 4 * index))
        path.pop()
        return values


class Union:
    """One of several tables. A byte in the slot before its own holds the number of the table.

    Its value is a pair of the table's name and its record; None where either is absent.
    """

    default = None

    def __init__(self, *members: Table, more: bool = False) -> None:
        """With *more* there may be tables beyond *members*, which are not read."""
        self.members = members
        self.more = more


class _Member:
    """A union's value in one layout of a table: the byte with its number lies *distance* bytes before it."""

    width = 4
    default = None

    def __init__(self, union: Union, distance: int) -> None:
        self._union = union
        self._distance = distance

    def read(self, cursor: Cursor, at: int) -> tuple[str, Record] | None:
        number, members = cursor.content[at - self._distance], self._union.members
        if number == 0:
            return None
        if number > len(members):
            if self._union.more:
                return f"kind {number}", {}
            cursor.fail(f"is of kind {number}, and only 1 to {len(members)} are known")
        member = members[number - 1]
        return member.name, member.read(cursor, at)


_Layout = tuple[int, list[tuple[str, FieldType, int]]]
"""Size of a table in bytes, and name, type and offset of each field that is present."""


class Table:
    """A table: its fields in the order of their slots. None stands for a slot that is out of use."""

    width = 4
    default = None

    def __init__(self, name: str, /, **fields: FieldType | Union | None) -> None:
        self.name = name
        self.slots: list[tuple[int, str, FieldType | Union]] = []
        slot = 0
        for label, kind in fields.items():
            if isinstance(kind, Union):
                slot += 1  # the byte with the number of its table
            if kind is not None:
                self.slots.append((slot, label, kind))
            slot += 1
        self._absent: Record = {label: kind.default for _, label, kind in self.slots}

    def read(self, cursor: Cursor, at: int) -> Record:
        """Read the table that the offset at byte *at* points to: every field, its default where it is absent."""
        start = cursor.follow(at)
        cursor.tables += 1
        if cursor.tables > MAX_TABLES:
            cursor.fail(f"is table number {cursor.tables}, and no model has so many")
        vtable = start - _I32(cursor.content, start)[0]
        layout = cursor.layouts.get((self.name, vtable))
        if layout is None:
            layout = cursor.layouts[self.name, vtable] = self._layout(cursor, vtable)
        size, fields = layout
        cursor.visit(start, size)
        record, path = self._absent.copy(), cursor.path
        for label, kind, place in fields:
            path.append(label)
            if (start + place) % kind.width:
                cursor.fail(f"lies at byte {start + place}, which is not aligned")
            record[label] = kind.read(cursor, start + place)
            path.pop()
        return record

    def _layout(self, cursor: Cursor, vtable: int) -> _Layout:
        cursor.visit(vtable, 4)
        length: int = _U16(cursor.content, vtable)[0]
        size: int = _U16(cursor.content, vtable + 2)[0]
        if vtable % 2 or length % 2 or length < 4 or size < 4:
            cursor.fail(f"has no vtable at byte {vtable}, where it should be")
        cursor.visit(vtable, length)

        def place(slot: int, label: str, width: int) -> int:
            entry = 4 + 2 * slot
            offset: int = _U16(cursor.content, vtable + entry)[0] if entry < length else 0
            if offset and not 4 <= offset <= size - width:
                cursor.fail(f"has {label} at {offset}, outside of its {size} bytes")
            return offset

        fields: list[tuple[str, FieldType, int]] = []
        for slot, label, kind in self.slots:
            if isinstance(kind, Union):
                number, value = place(slot - 1, label, 1), place(slot, label, 4)
                if number and value:
                    fields.append((label, _Member(kind, value - number), value))
            elif offset := place(slot, label, kind.width):
                fields.append((label, kind, offset))
        return size, fields


def read_flatbuffer(content: bytes, root: Table) -> Record:
    """Read *content* as a FlatBuffer whose root is a *root* table. The caller checks the file identifier.

    Raises:
        FlatbufferError: an offset, vtable, length, alignment, string, union or enum in it is wrong, or it
            has more parts than a file of its size can have.
    """
    cursor = Cursor(content)
    cursor.visit(0, 4)
    return root.read(cursor, 0)
