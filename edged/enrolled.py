"""References that a running daemon was told of: picture, vector and what is known of it, kept through restarts.

A reference is two files in one folder: a picture with a name of its own, such as ``door-shut.5f0c….png``, and
``door-shut.json``, which names that picture and holds the vector. The picture is written and synced first; renaming
the second file into its place is the one moment at which a reference begins to be, is replaced, or (by its removal)
ends. So whatever moment a process is killed at, the folder holds what was promised before that moment or after it, and
never half of one.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import logging
import os
import re
import secrets
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edged.errors import StateError
from edged.values import NAME_PATTERN, Rotation, check_name
from edged.wire.typed import object_reader

__all__ = ["MOST", "Enrolled", "EnrolledStore"]

log = logging.getLogger(__name__)

VERSION = 1
MOST = 1000  # references; each is compared with every frame, and named in every message
LONGEST = 1 << 20  # bytes of the file with the vector
MOST_NAMED = 5  # files that are no reference, one by one in the log

_LOCK = ".lock"
_OURS = re.compile(rf"(?P<name>{NAME_PATTERN})(?P<kind>\.json|\.[0-9a-f]{{16}}\.(?:png|new))", re.ASCII)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Enrolled:
    """What a region of a camera looked like when somebody gave that a name.

    Attributes:
        vector: read-only, of shape ``(dimension,)``, ``float32`` or ``int8``; the very one that was published.
        places: where it is compared, as in ``references.NAME.for``: ``street/path``.
        rotation, decode: how the picture has to be turned, and had been decoded, to be embedded again.
        t_wall_us: when the frame was captured, in microseconds since 1970.
        frames: how many frames were looked at, of which this is the one most like the others.
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
class _Record:
    """The file of a reference, as its JSON has it."""

    v: int
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
    picture_bytes: int
    picture_sha256: str
    dtype: Literal["<f4", "|i1"]
    vector: str
    enter: float | None = None
    leave: float | None = None
    min_seconds: float = 0.0
    cooldown_seconds: float = 0.0


class EnrolledStore:
    """The enrolled references in *folder*, which need not exist yet. Any thread may use it.

    Only one process at a time writes into a folder; that one keeps it locked from its first change until ``close``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._using = threading.Lock()
        self._lock: int | None = None
        self._told: list[str] = []
        self._known: dict[str, tuple[object, Enrolled]] = {}

    def load(self) -> list[Enrolled]:
        """Every reference, by name. What is in the folder and is none is told in the log, once, and left alone."""
        with self._using:
            found, odd = self._read_all()
            if odd == self._told:
                return found
            self._told = odd
        for rule in odd[:MOST_NAMED]:
            log.warning("enrolled references: %s; it is left alone", rule)
        if len(odd) > MOST_NAMED:
            log.warning("enrolled references: and %d more files in %s", len(odd) - MOST_NAMED, self.folder)
        return found

    def __contains__(self, name: str) -> bool:
        """Whether there is a file for the reference *name*, whole or not."""
        return os.path.lexists(self._file(name))

    def add(self, enrolled: Enrolled, png: bytes) -> Enrolled:
        """Keep *enrolled* with its picture in place of any other of its name; it is on the disk when this returns.

        Returns the reference with the path of its picture.

        Raises:
            StateError: it cannot be kept; what was there before still is.
        """
        with self._using, _told(self.folder):
            self._begin_to_write()
            if enrolled.name not in self and len(self._records()) >= MOST:
                raise StateError(f"{self.folder}: there are {MOST} enrolled references already; forget one first")
            picture = self.folder / f"{enrolled.name}.{secrets.token_hex(8)}.png"
            new = picture.with_suffix(".new")
            try:
                _write(picture, png)
                _write(new, _to_json(enrolled, picture.name, png))
                _sync_folder(self.folder)
                new.replace(self._file(enrolled.name))
            except BaseException:
                new.unlink(missing_ok=True)
                picture.unlink(missing_ok=True)
                raise
            _sync_folder(self.folder)
            self._sweep(enrolled.name)
        return replace(enrolled, picture=picture)

    def remove(self, name: str) -> None:
        """Forget the reference *name*; it is gone from the disk when this returns. Harmless if there is none.

        Raises:
            StateError: it cannot be removed.
        """
        with self._using, _told(self.folder):
            self._begin_to_write()
            self._file(name).unlink(missing_ok=True)
            _sync_folder(self.folder)
            self._sweep(name)

    def picture_of(self, enrolled: Enrolled) -> bytes:
        """The PNG of *enrolled*, as it was written.

        Raises:
            StateError: it is not there any more, or another one.
        """
        with self._using, _told(enrolled.picture):
            record = _read_record(self._file(enrolled.name))
            png = enrolled.picture.read_bytes()
            if hashlib.sha256(png).hexdigest() != record.picture_sha256:
                raise StateError(f"{enrolled.picture}: is not the picture that was enrolled")
            return png

    def close(self) -> None:
        """Let another process write. Harmless when done twice."""
        with self._using:
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def _file(self, name: str) -> Path:
        return self.folder / f"{check_name(name)}.json"

    def _read_all(self) -> tuple[list[Enrolled], list[str]]:
        found, odd = [], []
        try:
            files = sorted(self.folder.iterdir())
        except FileNotFoundError:
            return [], []
        except OSError as exc:
            return [], [f"{self.folder} cannot be read: {exc.strerror}"]
        for file in files:
            match = _OURS.fullmatch(file.name)
            if match is None:
                if file.name != _LOCK:
                    odd.append(f"{file} is no reference")
            elif match["kind"] == ".json":
                try:
                    found.append(self._read_one(file))
                except StateError as exc:
                    odd.append(str(exc))
        self._known = {entry.name: self._known[entry.name] for entry in found}
        return found, odd

    def _read_one(self, file: Path) -> Enrolled:
        """The reference in *file*; as it was read last, if neither that nor its picture has changed."""
        known = self._known.get(file.stem)
        if known is not None and known[0] == _signature(file, known[1].picture):
            return known[1]
        entry = _from_record(_read_record(file), file)
        self._known[file.stem] = _signature(file, entry.picture), entry
        return entry

    def _records(self) -> list[Path]:
        return list(self.folder.glob("*.json"))

    def _begin_to_write(self) -> None:
        """Make the folder and lock it, at the first change."""
        if self._lock is not None:
            return
        if not self.folder.exists():
            self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            _sync_folder(self.folder.parent)
        lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(lock)
            raise StateError(
                f"{self.folder}: another edged writes there; give each daemon its own STATE_DIRECTORY"
            ) from exc
        self._lock = lock
        self._sweep()

    def _sweep(self, name: str = "*") -> None:
        """Remove what a process that was killed, or a reference that was replaced, has left behind."""
        for file in self.folder.glob(f"{name}.*"):
            match = _OURS.fullmatch(file.name)
            if match is None or match["kind"] == ".json":
                continue
            if file.suffix == ".new" or not self._may_belong(file, match["name"]):
                with suppress(OSError):  # then it stays until the next time
                    file.unlink(missing_ok=True)

    def _may_belong(self, picture: Path, name: str) -> bool:
        """Whether *picture* is that of the reference *name*; also if what that is cannot be told."""
        with suppress(StateError):
            return _read_record(self._file(name)).picture == picture.name
        return name in self


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Inside, an OSError becomes a StateError that names its file, or *path*."""
    try:
        yield
    except StateError:
        raise
    except OSError as exc:
        raise StateError(f"{exc.filename or path}: {exc.strerror or exc}") from exc


def _write(path: Path, content: bytes) -> None:
    """A new file whose *content* is on the disk."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(fd)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _signature(*files: Path) -> object:
    """What tells whether one of *files* has changed; something that is like nothing else if one is not there."""
    try:
        stats = [file.lstat() for file in files]
    except OSError:
        return object()
    return [(each.st_dev, each.st_ino, each.st_size, each.st_mtime_ns) for each in stats]


def _to_json(enrolled: Enrolled, picture: str, png: bytes) -> bytes:
    plain = {member.name: getattr(enrolled, member.name) for member in fields(enrolled)}
    record = _Record(
        **plain
        | {
            "v": VERSION,
            "picture": picture,
            "picture_bytes": len(png),
            "picture_sha256": hashlib.sha256(png).hexdigest(),
            "dtype": enrolled.vector.dtype.str,
            "vector": base64.b64encode(enrolled.vector.tobytes()).decode(),
        }
    )
    return json.dumps(asdict(record), indent=1, allow_nan=False).encode() + b"\n"


def _read_record(file: Path) -> _Record:
    """What the file of a reference says.

    Raises:
        StateError: it is not whole, or of another kind.
    """
    try:
        return _Record(**_read_values(json.loads(_read(file))))
    except OSError as exc:
        raise StateError(f"{file} cannot be read: {exc.strerror}") from exc
    except (ValueError, RecursionError) as exc:
        raise StateError(f"{file} is no reference, or half of one: {exc}") from exc


def _read(file: Path) -> bytes:
    """The content of *file*; ValueError if it is no file, or too large for a reference."""
    fd = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as content:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ValueError("it is not even a file")
        text = content.read(LONGEST + 1)
    if len(text) > LONGEST:
        raise ValueError(f"it has more than {LONGEST} bytes")
    return text


_read_values = object_reader(_Record, "")


def _from_record(record: _Record, file: Path) -> Enrolled:
    picture = file.parent / record.picture
    try:
        _check(record, file.stem)
        size = picture.stat().st_size
        vector = _vector(record)
    except OSError as exc:
        raise StateError(f"{file} cannot be used: its picture {record.picture}: {exc.strerror}") from exc
    except ValueError as exc:
        raise StateError(f"{file} cannot be used: {exc}") from exc
    if size != record.picture_bytes:
        raise StateError(f"{file} cannot be used: its picture {record.picture} is not whole")
    plain = {member.name: getattr(record, member.name) for member in fields(Enrolled)}
    return Enrolled(**plain | {"vector": vector, "picture": picture})


def _check(record: _Record, stem: str) -> None:
    """Raises ValueError if *record* cannot be the reference in a file of that *stem*."""
    if record.v != VERSION:
        raise ValueError(f"it is of version {record.v}, and this edged knows version {VERSION}")
    if record.name != stem:
        raise ValueError(f"it is named {record.name!r}")
    for name in (record.camera, record.region, *(part for place in record.places for part in place.split("/"))):
        check_name(name)
    match = _OURS.fullmatch(record.picture)
    if match is None or match["name"] != record.name or not record.picture.endswith(".png"):
        raise ValueError(f"its picture cannot be {record.picture!r}")
    if record.enter is not None and not (record.leave is not None and -1 <= record.leave <= record.enter <= 1):
        raise ValueError(f"it can begin no events at {record.enter} that end below {record.leave}")
    if min(record.min_seconds, record.cooldown_seconds) < 0:
        raise ValueError("times cannot be negative")


def _vector(record: _Record) -> NDArray[np.float32] | NDArray[np.int8]:
    vector: NDArray[np.float32] | NDArray[np.int8]
    vector = np.frombuffer(base64.b64decode(record.vector, validate=True), record.dtype)
    if not vector.size or not np.isfinite(vector).all() or not vector.any():
        raise ValueError("its vector is empty, zero, or not finite")
    return vector
