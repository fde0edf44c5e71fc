"""The file of a picture that waits to be answered: written, read and validated."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path

from edged.enrolled.picture_record import SetPicture, SetPictureRecord, checking, dump, parse
from edged.values import NAME_PATTERN, UNKNOWN, check_name
from edged.whole_files import NEW
from edged.wire.typed import object_reader

__all__ = ["OURS", "ReviewPicture", "ReviewRecord", "from_record", "read_record", "to_json"]

VERSION = 1
LONGEST = 1 << 16  # bytes of the file

OURS = re.compile(rf"(?P<name>(?P<set>{NAME_PATTERN})\.(?P<id>[0-9a-f]{{16}}))(?P<kind>\.json|\.png|{NEW})", re.ASCII)
"""The names of the files of a picture: its record, the PNG, and one that is being written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPicture(SetPicture):
    """A picture of which a set of states was not sure. The example that it becomes has the same id.

    Attributes:
        guess, p: the most probable state, and its probability.
        width, height: of the picture in pixels.
        answer: the state that a person has said it shows; None before. It is an example then, as soon as another
            state has an answer too.
    """

    guess: str
    p: float
    width: int
    height: int
    answer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRecord(SetPictureRecord):
    """The file of a picture, as its JSON has it."""

    guess: str
    p: float
    width: int
    height: int
    answer: str | None


_OWN = tuple(member.name for member in fields(ReviewPicture) if member.name != "folder")
_read_values = object_reader(ReviewRecord, "")


def to_json(picture: ReviewPicture, size: int, sha256: str) -> bytes:
    """Return the file of *picture*, whose PNG has *size* bytes with that *sha256*."""
    plain = {name: getattr(picture, name) for name in _OWN}
    return dump(ReviewRecord(**plain, v=VERSION, picture_bytes=size, picture_sha256=sha256))


def read_record(file: Path) -> ReviewRecord:
    """Return the content of the file of a picture.

    Raises:
        StateError: it is not whole, or of another kind.
    """
    return ReviewRecord(**parse(file, LONGEST, _read_values, "a picture to review"))


def from_record(record: ReviewRecord, file: Path) -> ReviewPicture:
    """Return the picture that *record*, read from *file*, is.

    Raises:
        StateError: it cannot be one, or its PNG is not there and whole.
    """
    with checking(record, VERSION, file, file.with_suffix(".png")):
        _check(record, file.stem)
    return ReviewPicture(**{name: getattr(record, name) for name in _OWN}, folder=str(file.parent))


def _check(record: ReviewRecord, stem: str) -> None:
    """Raise ValueError if *record* cannot be the picture in a file of that *stem*."""
    if f"{record.set}.{record.id}" != stem:
        raise ValueError(f"it is named {record.set}.{record.id}")
    for name in (record.camera, record.region, record.guess, record.answer):
        if name is not None:
            check_name(name)
    if UNKNOWN in (record.guess, record.answer):
        raise ValueError(f"its state cannot be {UNKNOWN}")
    if not 0 <= record.p <= 1:
        raise ValueError(f"its p must be in 0…1 (got {record.p})")
