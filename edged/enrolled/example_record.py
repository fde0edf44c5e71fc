"""The file of an enrolled example: written, read and validated."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, fields
from pathlib import Path

from edged.enrolled.picture_record import SetPicture, SetPictureRecord, checking, dump, parse
from edged.values import NAME_PATTERN, UNKNOWN, check_name
from edged.whole_files import NEW
from edged.wire.typed import object_reader

__all__ = ["HEADS", "OURS", "EnrolledExample", "ExampleRecord", "from_record", "read_record", "to_json"]

VERSION = 1
LONGEST = 1 << 16  # bytes of the file

OURS = re.compile(
    rf"(?P<name>(?P<set>{NAME_PATTERN})\.(?P<id>[0-9a-f]{{16}}))(?P<kind>\.json|\.png|\.vectors|{NEW})", re.ASCII
)
"""The names of the files of an example: its record, picture and vectors, and one that is being written."""

HEADS = re.compile(rf"{NAME_PATTERN}(?:\.head|{NEW})", re.ASCII)
"""The names of the files of heads, and of one that is being written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledExample(SetPicture):
    """A picture that shows a state of a set. Its vectors are on the disk only.

    There may be a thousand of them in memory, so what they have in common is there once.

    Attributes:
        number: the order of enrolment; the newest has the highest.
        places: where its set applies, as in ``states.SET.for``: ``street/path``.
    """

    number: int
    state: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleRecord(SetPictureRecord):
    """The file of an example, as its JSON has it."""

    number: int
    state: str
    places: tuple[str, ...]


_OWN = tuple(member.name for member in fields(EnrolledExample) if member.name != "folder")
_read_values = object_reader(ExampleRecord, "")


def to_json(example: EnrolledExample, size: int, sha256: str) -> bytes:
    """Return the file of *example*, whose picture has *size* bytes with that *sha256*."""
    plain = {name: getattr(example, name) for name in _OWN}
    return dump(ExampleRecord(**plain, v=VERSION, picture_bytes=size, picture_sha256=sha256))


def read_record(file: Path) -> ExampleRecord:
    """Return the content of the file of an example.

    Raises:
        StateError: it is not whole, or of another kind.
    """
    return ExampleRecord(**parse(file, LONGEST, _read_values, "an example"))


def from_record(record: ExampleRecord, file: Path) -> EnrolledExample:
    """Return the example that *record*, read from *file*, is.

    Raises:
        StateError: it cannot be one, or its picture is not there and whole.
    """
    with checking(record, VERSION, file, file.with_suffix(".png")):
        _check(record, file.stem)
    plain = {name: getattr(record, name) for name in _OWN}
    shared = {name: sys.intern(plain[name]) for name in ("set", "state", "camera", "region", "decode")}
    places = tuple(map(sys.intern, record.places))
    return EnrolledExample(**plain | shared | {"places": places, "folder": sys.intern(str(file.parent))})


def _check(record: ExampleRecord, stem: str) -> None:
    """Raise ValueError if *record* cannot be the example in a file of that *stem*."""
    if f"{record.set}.{record.id}" != stem:
        raise ValueError(f"it is named {record.set}.{record.id}")
    parts = (part for place in record.places for part in place.split("/"))
    for name in (record.state, record.camera, record.region, *parts):
        check_name(name)
    if record.state == UNKNOWN:
        raise ValueError(f"its state cannot be {UNKNOWN}")
