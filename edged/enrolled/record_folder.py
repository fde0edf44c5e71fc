"""A folder of records, each a JSON file with a picture and other files of its own; it is what survives a kill."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from edged.enrolled.durable import as_state_errors, make_folder
from edged.errors import StateError
from edged.label_text import shown_path
from edged.whole_files import replace_file, sync_folder, write_file

__all__ = ["MOST_NAMED", "RecordFolder", "RecordKind"]

log = logging.getLogger(__name__)

Entry = TypeVar("Entry")

MOST_NAMED = 5  # files that are not records, one by one in the log
LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class RecordKind(Generic[Entry]):
    """The files of one kind of records.

    Attributes:
        noun: a record in the log, such as ``reference``.
        names: matches the names of their files: ``name`` is that of the record, ``kind`` the rest, such as ``.json``.
        passed: matches the names of other files of the same owner in the folder, which are passed over.
        read: returns what is in a JSON file, or raises StateError.
        key: the name of an entry.
        order: what entries are sorted by.
        picture: the path of its picture.
        owns: whether a record of that JSON file owns another file of its name; it may raise StateError.
    """

    noun: str
    names: re.Pattern[str]
    passed: re.Pattern[str]
    read: Callable[[Path], Entry]
    key: Callable[[Entry], str]
    order: Callable[[Entry], tuple[int | str, ...]]
    picture: Callable[[Entry], Path]
    owns: Callable[[Path, Path], bool]


class RecordFolder(Generic[Entry]):
    """The records of one *kind* in *folder*, which need not exist yet. Any thread may use it.

    Only one process at a time writes into a folder; that one keeps it locked from its first change until ``close``.
    """

    def __init__(self, folder: Path, kind: RecordKind[Entry]) -> None:
        self.folder = folder
        self._kind = kind
        self._using = threading.Lock()
        self._lock: int | None = None
        self._logged: list[str] = []
        self._known: dict[str, tuple[object, Entry]] = {}
        self._entries: tuple[Entry, ...] | None = None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every record in order, as `load` found them last; the same tuple as long as nothing changes."""
        entries = self._entries
        return tuple(self.load()) if entries is None else entries

    def load(self) -> list[Entry]:
        """Return every record in order. Other files in the folder are logged, once, and left alone."""
        with self._using:
            found, odd = self.read_all()
            if tuple(found) != self._entries:
                self._entries = tuple(found)
            if odd == self._logged:
                return found
            self._logged = odd
        for rule in odd[:MOST_NAMED]:
            log.warning("enrolled %ss: %s; it is left alone", self._kind.noun, rule)
        if len(odd) > MOST_NAMED:
            log.warning("enrolled %ss: and %d more files in %s", self._kind.noun, len(odd) - MOST_NAMED, self.folder)
        return found

    def file(self, name: str) -> Path:
        """Return the JSON file of the record *name*."""
        return self.folder / f"{name}.json"

    def __contains__(self, name: str) -> bool:
        return os.path.lexists(self.file(name))

    def __len__(self) -> int:
        return len(list(self.folder.glob("*.json")))

    @contextmanager
    def reading(self, path: Path) -> Iterator[None]:
        """Inside, nobody else uses the folder, and an OSError becomes a StateError that names its file, or *path*."""
        with self._using, as_state_errors(path):
            yield

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Inside, nobody else uses the folder, it is there, and an OSError becomes a StateError."""
        with self._using, as_state_errors(self.folder):
            self._begin_to_write()
            yield

    def put(self, name: str, record: bytes, others: Mapping[Path, bytes]) -> None:
        """Keep *record* in place of any other of its *name*, with its *others*: new files. Inside `changing` only."""
        try:
            for path, content in others.items():
                write_file(path, content)
            replace_file(self.file(name), record)
        except BaseException:
            for path in others:
                path.unlink(missing_ok=True)
            raise
        sync_folder(self.folder)
        self.sweep(name)

    def replace(self, path: Path, content: bytes) -> None:
        """Put *content* at *path* in the folder, in place of what was there. Inside `changing` only."""
        replace_file(path, content)
        sync_folder(self.folder)

    def remove(self, *names: str) -> None:
        """Remove these records from the disk, one after the other. Inside `changing` only."""
        for name in names:
            self.file(name).unlink(missing_ok=True)
        sync_folder(self.folder)
        for name in names:
            self.sweep(name)

    def sweep(self, name: str = "*") -> None:
        """Remove what a process that was killed, or a record that was replaced, has left behind."""
        for file in self.folder.glob(f"{name}.*"):
            match = self._kind.names.fullmatch(file.name)
            if file.suffix == ".new":
                is_left = bool(match or self._kind.passed.fullmatch(file.name))
            else:
                is_left = match is not None and file.suffix != ".json" and not self._may_belong(file, match["name"])
            if is_left:
                with suppress(OSError):  # then it stays until the next time
                    file.unlink(missing_ok=True)

    def close(self) -> None:
        """Let another process write. Harmless when done twice."""
        with self._using:
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def read_all(self) -> tuple[list[Entry], list[str]]:
        """Return every record in order, and a line about each file that is not one. Only inside `changing`."""
        found, odd = [], []
        try:
            files = sorted(self.folder.iterdir())
        except FileNotFoundError:
            return [], []
        except OSError as exc:
            return [], [f"{self.folder} cannot be read: {exc.strerror}"]
        for file in files:
            match = self._kind.names.fullmatch(file.name)
            if match is None:
                if file.name != LOCK and not self._kind.passed.fullmatch(file.name):
                    odd.append(f"{shown_path(file)} is not a {self._kind.noun}")
            elif match["kind"] == ".json":
                try:
                    found.append(self._read_one(file))
                except StateError as exc:
                    odd.append(str(exc))
        self._known = {self._kind.key(entry): self._known[self._kind.key(entry)] for entry in found}
        return sorted(found, key=self._kind.order), odd

    def _read_one(self, file: Path) -> Entry:
        """Return the record in *file*; as it was read last, if neither that nor its picture has changed."""
        known = self._known.get(file.stem)
        if known is not None and known[0] == _signature(file, self._kind.picture(known[1])):
            return known[1]
        entry = self._kind.read(file)
        self._known[file.stem] = _signature(file, self._kind.picture(entry)), entry
        return entry

    def _begin_to_write(self) -> None:
        """Make the folder and lock it, at the first change."""
        if self._lock is not None:
            return
        make_folder(self.folder)
        lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(lock)
            raise StateError(
                f"{self.folder}: another edged writes there; give each daemon its own STATE_DIRECTORY"
            ) from exc
        self._lock = lock
        self.sweep()

    def _may_belong(self, file: Path, name: str) -> bool:
        """Return whether *file* is one of the record *name*; True if that cannot be read."""
        with suppress(StateError):
            return self._kind.owns(self.file(name), file)
        return name in self


def _signature(*files: Path) -> object:
    """Return a value that changes with each of *files*; it equals no other if one is missing."""
    try:
        stats = [file.lstat() for file in files]
    except OSError:
        return object()
    return hash(tuple((each.st_dev, each.st_ino, each.st_size, each.st_mtime_ns) for each in stats))
