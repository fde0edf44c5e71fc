"""The folder that enrolled references are kept in."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from edged.enrolled.record import OURS, Enrolled, from_record, read_record, to_json
from edged.errors import StateError
from edged.label_text import shown_path
from edged.values import check_name

__all__ = ["MOST", "MOST_NAMED", "EnrolledStore"]

log = logging.getLogger(__name__)

MOST = 1000  # references; each is compared with every frame, and named in every message
MOST_NAMED = 5  # files that are not references, one by one in the log
LOCK = ".lock"


class EnrolledStore:
    """The enrolled references in *folder*, which need not exist yet. Any thread may use it.

    Only one process at a time writes into a folder; that one keeps it locked from its first change until ``close``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._using = threading.Lock()
        self._lock: int | None = None
        self._logged: list[str] = []
        self._known: dict[str, tuple[object, Enrolled]] = {}
        self._entries: tuple[Enrolled, ...] | None = None

    @property
    def entries(self) -> tuple[Enrolled, ...]:
        """Every reference, by name, as `load` found them last; the same tuple as long as nothing changes.

        This does not read the folder, which takes longer the more there are: it is for what may be asked at any rate.
        """
        entries = self._entries
        return tuple(self.load()) if entries is None else entries

    def load(self) -> list[Enrolled]:
        """Return every reference, by name. Other files in the folder are logged, once, and left alone."""
        with self._using:
            found, odd = self._read_all()
            if tuple(found) != self._entries:
                self._entries = tuple(found)
            if odd == self._logged:
                return found
            self._logged = odd
        for rule in odd[:MOST_NAMED]:
            log.warning("enrolled references: %s; it is left alone", rule)
        if len(odd) > MOST_NAMED:
            log.warning("enrolled references: and %d more files in %s", len(odd) - MOST_NAMED, self.folder)
        return found

    def __contains__(self, name: str) -> bool:
        """Return whether there is a file for the reference *name*, whole or not."""
        return os.path.lexists(self._file(name))

    def add(self, enrolled: Enrolled, png: bytes) -> Enrolled:
        """Keep *enrolled* with its picture in place of any other of its name; it is on the disk when this returns.

        Returns the reference with the path of its picture.

        Raises:
            StateError: it cannot be kept; what was there before still is.
        """
        with self._using, _as_state_errors(self.folder):
            self._begin_to_write()
            if enrolled.name not in self and len(self._records()) >= MOST:
                raise StateError(f"{self.folder}: there are {MOST} enrolled references already; forget one first")
            picture = self.folder / f"{enrolled.name}.{secrets.token_hex(8)}.png"
            new = picture.with_suffix(".new")
            try:
                _write(picture, png)
                _write(new, to_json(enrolled, picture.name, png))
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
        with self._using, _as_state_errors(self.folder):
            self._begin_to_write()
            self._file(name).unlink(missing_ok=True)
            _sync_folder(self.folder)
            self._sweep(name)

    def picture_of(self, enrolled: Enrolled) -> bytes:
        """Return the PNG of *enrolled*, as it was written.

        Raises:
            StateError: it is not there any more, or another one.
        """
        with self._using, _as_state_errors(enrolled.picture):
            record = read_record(self._file(enrolled.name))
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
            match = OURS.fullmatch(file.name)
            if match is None:
                if file.name != LOCK:
                    odd.append(f"{shown_path(file)} is not a reference")
            elif match["kind"] == ".json":
                try:
                    found.append(self._read_one(file))
                except StateError as exc:
                    odd.append(str(exc))
        self._known = {entry.name: self._known[entry.name] for entry in found}
        return found, odd

    def _read_one(self, file: Path) -> Enrolled:
        """Return the reference in *file*; as it was read last, if neither that nor its picture has changed."""
        known = self._known.get(file.stem)
        if known is not None and known[0] == _signature(file, known[1].picture):
            return known[1]
        entry = from_record(read_record(file), file)
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
        lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
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
            match = OURS.fullmatch(file.name)
            if match is None or match["kind"] == ".json":
                continue
            if file.suffix == ".new" or not self._may_belong(file, match["name"]):
                with suppress(OSError):  # then it stays until the next time
                    file.unlink(missing_ok=True)

    def _may_belong(self, picture: Path, name: str) -> bool:
        """Return whether *picture* is that of the reference *name*; True if its record cannot be read."""
        with suppress(StateError):
            return read_record(self._file(name)).picture == picture.name
        return name in self


@contextmanager
def _as_state_errors(path: Path) -> Iterator[None]:
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
    """Return a value that changes with each of *files*; it equals no other if one is missing."""
    try:
        stats = [file.lstat() for file in files]
    except OSError:
        return object()
    return [(each.st_dev, each.st_ino, each.st_size, each.st_mtime_ns) for each in stats]
