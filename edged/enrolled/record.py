"""The file of an enrolled reference: written, read and validated."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edged.enrolled.picture_record import PictureRecord, checking, dump, parse, picture_facts
from edged.values import NAME_PATTERN, Rotation, check_name
from edged.whole_files import NEW
from edged.wire.typed import object_reader

__all__ = ["OURS", "Enrolled", "EnrolledRecord", "from_record", "read_record", "to_json"]

VERSION = 1
LONGEST = 1 << 20  # bytes of the file with the vector

OURS = re.compile(rf"(?P<name>{NAME_PATTERN})(?P<kind>\.json|\.[0-9a-f]{{16}}\.png|{NEW})", re.ASCII)
"""The names of the files of a reference: the one with the vector, its picture, and one that is being written."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Enrolled:
    """A picture of a region of a camera that was given a name, and its vector.

    Attributes:
        vector: read-only, of shape ``(dimension,)``, ``float32`` or ``int8``; the very one that was published.
        places: where it is compared, as in ``references.NAME.for``: ``street/path``.
        rotation, decode: the rotation for another embedding, and the decoding that the picture had.
        t_wall_us: when the frame was captured, in microseconds since 1970.
        frames: number of captured frames; this is the one most like the others.
        similarity: to it of the frame least like it, −1…1, not counting those that show something else.
        picture: the PNG, as captured: before any rotation.
        enter, leave, min_seconds, cooldown_seconds: when it makes events; none without ``enter``.
    """

    name: str
    camera: str
    region: str
    places: tuple[str, ...]
    rotation: Rotation
    decode: Literal["full", "reduced"]
    space_id: str
    vector: NDArray[np.float32] | NDArray[np.int8]
    t_wall_us: int
    frames: int
    similarity: float
    picture: Path
    enter: float | None = None
    leave: float | None = None
    min_seconds: float = 0.0
    cooldown_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledRecord(PictureRecord):
    """The file of a reference, as its JSON has it."""

    name: str
    camera: str
    region: str
    places: tuple[str, ...]
    rotation: Rotation
    decode: Literal["full", "reduced"]
    space_id: str
    t_wall_us: int
    frames: int
    similarity: float
    picture: str
    dtype: Literal["<f4", "|i1"]
    vector: str
    enter: float | None = None
    leave: float | None = None
    min_seconds: float = 0.0
    cooldown_seconds: float = 0.0


def to_json(enrolled: Enrolled, picture: str, png: bytes) -> bytes:
    """Return the file of *enrolled*, whose picture *png* is in a file of the name *picture*."""
    plain = {member.name: getattr(enrolled, member.name) for member in fields(enrolled)}
    vector = base64.b64encode(enrolled.vector.tobytes()).decode()
    size, sha256 = picture_facts(png)
    plain |= {"picture": picture, "dtype": enrolled.vector.dtype.str, "vector": vector}
    return dump(EnrolledRecord(**plain, v=VERSION, picture_bytes=size, picture_sha256=sha256))


def read_record(file: Path) -> EnrolledRecord:
    """Return the content of the file of a reference.

    Raises:
        StateError: it is not whole, or of another kind.
    """
    return EnrolledRecord(**parse(file, LONGEST, _read_values, "a reference"))


_read_values = object_reader(EnrolledRecord, "")


def from_record(record: EnrolledRecord, file: Path) -> Enrolled:
    """Return the reference that *record*, read from *file*, is.

    Raises:
        StateError: it cannot be one, or its picture is not there and whole.
    """
    picture = file.parent / record.picture
    with checking(record, VERSION, file, picture):
        _check(record, file.stem)
        vector = _vector(record)
    plain = {member.name: getattr(record, member.name) for member in fields(Enrolled)}
    return Enrolled(**plain | {"vector": vector, "picture": picture})


def _check(record: EnrolledRecord, stem: str) -> None:
    """Raise ValueError if *record* cannot be the reference in a file of that *stem*."""
    if record.name != stem:
        raise ValueError(f"it is named {record.name!r}")
    for name in (record.camera, record.region, *(part for place in record.places for part in place.split("/"))):
        check_name(name)
    match = OURS.fullmatch(record.picture)
    if match is None or match["name"] != record.name or not record.picture.endswith(".png"):
        raise ValueError(f"its picture cannot be {record.picture!r}")
    if record.enter is not None and not (record.leave is not None and -1 <= record.leave <= record.enter <= 1):
        raise ValueError(f"it can begin no events at {record.enter} that end below {record.leave}")
    if min(record.min_seconds, record.cooldown_seconds) < 0:
        raise ValueError("times cannot be negative")


def _vector(record: EnrolledRecord) -> NDArray[np.float32] | NDArray[np.int8]:
    vector: NDArray[np.float32] | NDArray[np.int8]
    vector = np.frombuffer(base64.b64decode(record.vector, validate=True), record.dtype)
    if not vector.size or not np.isfinite(vector).all() or not vector.any():
        raise ValueError("its vector is empty, zero, or not finite")
    return vector
