"""Files of records: a dataclass as JSON, and the picture beside it, whose size and hash it holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edged.enrolled.durable import read_bounded
from edged.errors import StateError
from edged.values import Rotation

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = [
    "PictureRecord",
    "SetPicture",
    "SetPictureRecord",
    "checking",
    "dump",
    "parse",
    "picture_facts",
    "read_picture",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRecord:
    """The fields that every record has: its version, and what its picture has to be."""

    v: int
    picture_bytes: int
    picture_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPicture:
    """A picture of a region of a camera that belongs to a set of states.

    Attributes:
        id: 16 hex digits that no other picture ever has.
        rotation, decode: the rotation for another embedding, and the decoding that the picture had.
        t_wall_us: when the frame was captured, in microseconds since 1970.
        folder: where its files are.
    """

    id: str
    set: str
    camera: str
    region: str
    rotation: Rotation
    decode: Literal["full", "reduced"]
    t_wall_us: int
    folder: str = ""

    @property
    def stem(self) -> str:
        """The begin of the names of its files."""
        return f"{self.set}.{self.id}"

    @property
    def picture(self) -> Path:
        """The PNG, as captured: before any rotation."""
        return Path(self.folder, f"{self.stem}.png")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPictureRecord(PictureRecord):
    """The file of a `SetPicture`, as its JSON has it."""

    id: str
    set: str
    camera: str
    region: str
    rotation: Rotation
    decode: Literal["full", "reduced"]
    t_wall_us: int


def picture_facts(png: bytes) -> tuple[int, str]:
    """Return what a record holds of its picture *png*: ``picture_bytes`` and ``picture_sha256``."""
    return len(png), hashlib.sha256(png).hexdigest()


def dump(record: DataclassInstance) -> bytes:
    """Return the content of the file of *record*."""
    return json.dumps(asdict(record), indent=1, allow_nan=False).encode() + b"\n"


def parse(file: Path, longest: int, read: Callable[[Any], dict[str, Any]], noun: str) -> dict[str, Any]:
    """Return the fields of the record in *file*, which may have *longest* bytes, as *read* makes them of its JSON.

    Raises:
        StateError: it is not whole, or not *noun*, such as ``an example``.
    """
    try:
        return read(json.loads(read_bounded(file, longest)))
    except OSError as exc:
        raise StateError(f"{file} cannot be read: {exc.strerror}") from exc
    except (ValueError, RecursionError) as exc:
        raise StateError(f"{file} is not {noun}, or is incomplete: {exc}") from exc


@contextmanager
def checking(record: PictureRecord, version: int, file: Path, picture: Path) -> Iterator[None]:
    """Inside, *record* is checked, and a ValueError becomes a StateError that names its *file*.

    Before, its version is checked, and after it that *picture* is there and as long as it was.
    """
    try:
        _check_version(record, version)
        yield
        _check_size(record, picture)
    except OSError as exc:
        raise StateError(f"{file} cannot be used: its picture {picture.name}: {exc.strerror}") from exc
    except ValueError as exc:
        raise StateError(f"{file} cannot be used: {exc}") from exc


def _check_version(record: PictureRecord, version: int) -> None:
    if record.v != version:
        raise ValueError(f"it is of version {record.v}, and this edged knows version {version}")


def _check_size(record: PictureRecord, picture: Path) -> None:
    if picture.stat().st_size != record.picture_bytes:
        raise ValueError(f"its picture {picture.name} is not whole")


def read_picture(picture: Path, record: PictureRecord, written: str) -> bytes:
    """Return the PNG in the file *picture*, as it was when *record* was *written*, such as ``enrolled``.

    Raises:
        OSError: it cannot be read.
        StateError: it is another one.
    """
    png = picture.read_bytes()
    if picture_facts(png) != (record.picture_bytes, record.picture_sha256):
        raise StateError(f"{picture}: is not the picture that was {written}")
    return png
