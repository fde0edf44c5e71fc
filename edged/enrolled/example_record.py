"""The file of an enrolled example: written, read and validated."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from edged.enrolled.durable import NEW, read_bounded
from edged.errors import StateError
from edged.values import NAME_PATTERN, UNKNOWN, Rotation, check_name
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
class EnrolledExample:
    """A picture of a region of a camera that shows a state of a set. Its vectors are on the disk only.

    There may be a thousand of them in memory, so what they have in common is there once.

    Attributes:
        id: 16 hex digits that no other example ever has.
        number: the order of enrolment; the newest has the highest.
        places: where its set applies, as in ``states.SET.for``: ``street/path``.
        rotation, decode: the rotation for another embedding, and the decoding that the picture had.
        t_wall_us: when the frame was captured, in microseconds since 1970.
        folder: where its files are.
    """

    id: str
    number: int
    set: str
    state: str
    camera: str
    region: str
    places: tuple[str, ...]
    rotation: Rotation
    decode: Literal["full", "reduced"]
    t_wall_us: int
    folder: str = ""

    @property
    def stem(self) -> str:
        """What the names of its files begin with."""
        return f"{self.set}.{self.id}"

    @property
    def picture(self) -> Path:
        """The PNG, as captured: before any rotation."""
        return Path(self.folder, f"{self.stem}.png")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleRecord:
    """The file of an example, as its JSON has it."""

    v: int
    id: str
    number: int
    set: str
    state: str
    camera: str
    region: str
    places: tuple[str, ...]
    rotation: Rotation
    decode: Literal["full", "reduced"]
    t_wall_us: int
    picture_bytes: int
    picture_sha256: str


def to_json(example: EnrolledExample, size: int, sha256: str) -> bytes:
    """Return the file of *example*, whose picture has *size* bytes with that *sha256*."""
    plain = {member.name: getattr(example, member.name) for member in fields(example) if member.name != "folder"}
    record = ExampleRecord(**plain | {"v": VERSION, "picture_bytes": size, "picture_sha256": sha256})
    return json.dumps(asdict(record), indent=1, allow_nan=False).encode() + b"\n"


def read_record(file: Path) -> ExampleRecord:
    """Return the content of the file of an example.

    Raises:
        StateError: it is not whole, or of another kind.
    """
    try:
        return ExampleRecord(**_read_values(json.loads(read_bounded(file, LONGEST))))
    except OSError as exc:
        raise StateError(f"{file} cannot be read: {exc.strerror}") from exc
    except (ValueError, RecursionError) as exc:
        raise StateError(f"{file} is not an example, or is incomplete: {exc}") from exc


_read_values = object_reader(ExampleRecord, "")


def from_record(record: ExampleRecord, file: Path) -> EnrolledExample:
    """Return the example that *record*, read from *file*, is.

    Raises:
        StateError: it cannot be one, or its picture is not there and whole.
    """
    picture = file.with_suffix(".png")
    try:
        _check(record, file.stem)
        size = picture.stat().st_size
    except OSError as exc:
        raise StateError(f"{file} cannot be used: its picture {picture.name}: {exc.strerror}") from exc
    except ValueError as exc:
        raise StateError(f"{file} cannot be used: {exc}") from exc
    if size != record.picture_bytes:
        raise StateError(f"{file} cannot be used: its picture {picture.name} is not whole")
    plain = {member.name: getattr(record, member.name) for member in fields(EnrolledExample) if member.name != "folder"}
    shared = {name: sys.intern(plain[name]) for name in ("set", "state", "camera", "region", "decode")}
    places = tuple(map(sys.intern, record.places))
    return EnrolledExample(**plain | shared | {"places": places, "folder": sys.intern(str(file.parent))})


def _check(record: ExampleRecord, stem: str) -> None:
    """Raise ValueError if *record* cannot be the example in a file of that *stem*."""
    if record.v != VERSION:
        raise ValueError(f"it is of version {record.v}, and this edged knows version {VERSION}")
    if f"{record.set}.{record.id}" != stem:
        raise ValueError(f"it is named {record.set}.{record.id}")
    named = (
        record.state,
        record.camera,
        record.region,
        *(part for place in record.places for part in place.split("/")),
    )
    for name in named:
        check_name(name)
    if record.state == UNKNOWN:
        raise ValueError(f"its state cannot be {UNKNOWN}")


def is_picture(record: ExampleRecord, png: bytes) -> bool:
    """Return whether *png* is the picture of *record*, as it was enrolled."""
    return hashlib.sha256(png).hexdigest() == record.picture_sha256
