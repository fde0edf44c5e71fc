"""The file of a picture that waits to be answered: written, read and validated."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from edged.enrolled.durable import NEW, read_bounded
from edged.errors import StateError
from edged.values import NAME_PATTERN, UNKNOWN, Rotation, check_name
from edged.wire.typed import object_reader

__all__ = ["OURS", "ReviewPicture", "ReviewRecord", "from_record", "read_record", "to_json"]

VERSION = 1
LONGEST = 1 << 16  # bytes of the file

OURS = re.compile(rf"(?P<name>(?P<set>{NAME_PATTERN})\.(?P<id>[0-9a-f]{{16}}))(?P<kind>\.json|\.png|{NEW})", re.ASCII)
"""The names of the files of a picture: its record, the PNG, and one that is being written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPicture:
    """A picture of a region of a camera of which a set of states was not sure.

    Attributes:
        id: 16 hex digits; the example that it becomes has the same.
        guess, p: the most probable state, and its probability.
        rotation, decode: the rotation for another embedding, and the decoding that the picture had.
        t_wall_us: when the frame was captured, in microseconds since 1970.
        width, height: of the picture in pixels.
        answer: the state that a person has said it shows; None before. It is an example then, as soon as another
            state has an answer too.
        folder: where its files are.
    """

    id: str
    set: str
    guess: str
    p: float
    camera: str
    region: str
    rotation: Rotation
    decode: Literal["full", "reduced"]
    t_wall_us: int
    width: int
    height: int
    answer: str | None = None
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
class ReviewRecord:
    """The file of a picture, as its JSON has it."""

    v: int
    id: str
    set: str
    guess: str
    p: float
    camera: str
    region: str
    rotation: Rotation
    decode: Literal["full", "reduced"]
    t_wall_us: int
    width: int
    height: int
    answer: str | None
    picture_bytes: int
    picture_sha256: str


_OWN = tuple(member.name for member in fields(ReviewPicture) if member.name != "folder")
_read_values = object_reader(ReviewRecord, "")


def to_json(picture: ReviewPicture, size: int, sha256: str) -> bytes:
    """Return the file of *picture*, whose PNG has *size* bytes with that *sha256*."""
    plain = {name: getattr(picture, name) for name in _OWN}
    record = ReviewRecord(**plain | {"v": VERSION, "picture_bytes": size, "picture_sha256": sha256})
    return json.dumps(asdict(record), indent=1, allow_nan=False).encode() + b"\n"


def read_record(file: Path) -> ReviewRecord:
    """Return the content of the file of a picture.

    Raises:
        StateError: it is not whole, or of another kind.
    """
    try:
        return ReviewRecord(**_read_values(json.loads(read_bounded(file, LONGEST))))
    except OSError as exc:
        raise StateError(f"{file} cannot be read: {exc.strerror}") from exc
    except (ValueError, RecursionError) as exc:
        raise StateError(f"{file} is not a picture to review, or is incomplete: {exc}") from exc


def from_record(record: ReviewRecord, file: Path) -> ReviewPicture:
    """Return the picture that *record*, read from *file*, is.

    Raises:
        StateError: it cannot be one, or its PNG is not there and whole.
    """
    png = file.with_suffix(".png")
    try:
        _check(record, file.stem)
        size = png.stat().st_size
    except OSError as exc:
        raise StateError(f"{file} cannot be used: its picture {png.name}: {exc.strerror}") from exc
    except ValueError as exc:
        raise StateError(f"{file} cannot be used: {exc}") from exc
    if size != record.picture_bytes:
        raise StateError(f"{file} cannot be used: its picture {png.name} is not whole")
    return ReviewPicture(**{name: getattr(record, name) for name in _OWN}, folder=str(file.parent))


def is_picture(record: ReviewRecord, png: bytes) -> bool:
    """Return whether *png* is the picture of *record*, as it was kept."""
    return hashlib.sha256(png).hexdigest() == record.picture_sha256


def _check(record: ReviewRecord, stem: str) -> None:
    """Raise ValueError if *record* cannot be the picture in a file of that *stem*."""
    if record.v != VERSION:
        raise ValueError(f"it is of version {record.v}, and this edged knows version {VERSION}")
    if f"{record.set}.{record.id}" != stem:
        raise ValueError(f"it is named {record.set}.{record.id}")
    for name in (record.camera, record.region, record.guess, record.answer):
        if name is not None:
            check_name(name)
    if UNKNOWN in (record.guess, record.answer):
        raise ValueError(f"its state cannot be {UNKNOWN}")
    if not 0 <= record.p <= 1:
        raise ValueError(f"its p must be in 0…1 (got {record.p})")
