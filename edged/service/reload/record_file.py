"""The record file: which process runs a configuration, and the outcome of its last reload.

It lies in the folder of sockets. ``edged reload`` finds the daemon by it, and reads the outcome of the signal that it
sends. That folder is in memory, not on a disk, and the file is written at the start and after a reload only.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from edged.errors import WireError
from edged.wire.typed import object_reader

__all__ = ["Outcome", "RecordFile", "ReloadRecord", "running_daemons"]

log = logging.getLogger(__name__)

LONGEST = 1 << 20  # bytes
LONGEST_PROBLEM = 100_000  # characters


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a reload: the changes, or the *problem* that stopped it, so that nothing was changed.

    ``began_ns`` is on CLOCK_MONOTONIC, before the file was read.
    """

    began_ns: int
    changes: tuple[str, ...] = ()
    problem: str | None = None
    is_config_problem: bool = False


@dataclass(frozen=True, slots=True)
class ReloadRecord:
    """A daemon: its process, its configuration, and its last reload.

    ``began_ns`` is when that began, on CLOCK_MONOTONIC; 0: there was none.
    """

    pid: int
    config: str
    began_ns: int = 0
    changes: tuple[str, ...] = ()
    problem: str | None = None
    is_config_problem: bool = False


_read = object_reader(ReloadRecord, "")


class RecordFile:
    """The record in *folder* of this process, which runs the configuration *config*. Without a folder it does nothing.

    A second file beside it stays locked as long as the process runs; ``/proc`` is not enough, because one part of a
    service may not see another. Without a record edged runs as well, and reloads at a SIGHUP.
    """

    def __init__(self, folder: Path | None, config: Path) -> None:
        config = config.resolve()
        self._path = None if folder is None else folder / f"{_prefix(config)}.{os.getpid()}.json"
        self._record = ReloadRecord(os.getpid(), str(config))

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Inside, the file is there."""
        lock = None
        if self._path is not None:
            try:
                self._path.parent.mkdir(mode=0o750, exist_ok=True)
                _sweep(self._path.parent)
                lock = os.open(_lock_of(self._path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as exc:
                self._give_up(exc)
        self._write(self._record)
        try:
            yield
        finally:
            if self._path is not None:
                _remove(self._path)
            if lock is not None:
                os.close(lock)

    def report(self, outcome: Outcome) -> None:
        """Write the outcome of a reload."""
        own = self._record
        problem = outcome.problem and outcome.problem[:LONGEST_PROBLEM]
        self._write(
            replace(
                own,
                began_ns=outcome.began_ns,
                changes=outcome.changes,
                problem=problem,
                is_config_problem=outcome.is_config_problem,
            )
        )

    def _write(self, record: ReloadRecord) -> None:
        if self._path is None:
            return
        new = self._path.with_suffix(".new")
        try:
            new.write_text(json.dumps(asdict(record)))
            new.replace(self._path)
        except OSError as exc:
            self._give_up(exc)

    def _give_up(self, exc: OSError) -> None:
        log.warning("%s: %s, so 'edged reload' does not find this daemon", self._path, exc.strerror)
        self._path = None


def running_daemons(folders: Iterable[Path], config: Path | None = None) -> list[ReloadRecord]:
    """Find the daemons that have a record in one of *folders*, and run *config* (None: any).

    Raises:
        PermissionError: no daemon is found, and one of the folders may not be read.
    """
    prefix = "edged-" if config is None else _prefix(config.resolve())
    found: list[ReloadRecord] = []
    refused: PermissionError | None = None
    for folder in folders:
        try:
            found += [record for path in _records(folder, prefix) if _is_kept(path) and (record := _record(path))]
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as exc:
            refused = exc
    if refused is not None and not found:
        raise refused
    return found


def _records(folder: Path, prefix: str = "edged-") -> list[Path]:
    with os.scandir(folder) as entries:  # unlike glob, it raises where a folder may not be read
        return sorted(Path(entry.path) for entry in entries if fnmatch(entry.name, f"{prefix}*.json"))


def _sweep(folder: Path) -> None:
    """Remove the files of processes that were killed."""
    for path in _records(folder):
        if not _is_kept(path):
            _remove(path)


def _remove(path: Path) -> None:
    for each in (path, _lock_of(path)):
        with contextlib.suppress(OSError):
            each.unlink(missing_ok=True)


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")


def _is_kept(path: Path) -> bool:
    """Whether the process that wrote *path* still runs."""
    try:
        lock = os.open(_lock_of(path), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _prefix(config: Path) -> str:
    return f"edged-{hashlib.sha256(os.fsencode(config)).hexdigest()[:12]}"


def _record(path: Path) -> ReloadRecord | None:
    """Read the record at *path*; None if it is gone or invalid, or its process does not belong to its writer."""
    try:
        with path.open("rb") as file:
            record = ReloadRecord(**_read(json.loads(file.read(LONGEST))))
            owner = os.fstat(file.fileno()).st_uid
    except (OSError, ValueError, WireError, RecursionError):
        return None
    return record if record.pid > 0 and _is_of(record.pid, owner) else None


def _is_of(pid: int, owner: int) -> bool:
    """Whether the process *pid* belongs to *owner*: root must not signal any process that another user writes down.

    For one that cannot be seen the kernel decides: a user who does not see all processes is not root, and can signal
    only those of their own.
    """
    try:
        return Path(f"/proc/{pid}").stat().st_uid == owner
    except OSError:
        return True
