"""Who runs a configuration, and how its last reload came out: a small file in the folder of sockets.

``edged reload`` finds the daemon by it, and reads from it what came of the signal that it sends. It lies in memory, not
on a disk, and is written at the start and after a reload only.
"""

from __future__ import annotations

import contextlib
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

__all__ = ["Outcome", "Record", "RecordFile", "running_daemons"]

log = logging.getLogger(__name__)

LONGEST = 1 << 20  # bytes
LONGEST_PROBLEM = 100_000  # characters


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reload came out: what was changed, or the *problem* for which nothing was.

    ``began_ns`` is on CLOCK_MONOTONIC, before the file was read.
    """

    began_ns: int
    changes: tuple[str, ...] = ()
    problem: str | None = None
    is_config_problem: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A daemon: its process and when that was started (in ticks since boot), what it runs, and its last reload.

    ``began_ns`` is when that began, on CLOCK_MONOTONIC; 0: there was none.
    """

    pid: int
    started: int
    config: str
    began_ns: int = 0
    changes: tuple[str, ...] = ()
    problem: str | None = None
    is_config_problem: bool = False

    @property
    def is_running(self) -> bool:
        """Whether that very process is there still."""
        return _started(self.pid) == self.started


_read = object_reader(Record, "")


class RecordFile:
    """The record of this process, which runs the configuration *config*, in *folder*; None: there is no such folder.

    Without it edged runs as well, and reloads at a SIGHUP.
    """

    def __init__(self, folder: Path | None, config: Path) -> None:
        config = config.resolve()
        self._path = None if folder is None else folder / f"{_prefix(config)}.{os.getpid()}.json"
        self._record = Record(os.getpid(), _started(os.getpid()) or 0, str(config))

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Inside, the file is there."""
        self._write(self._record)
        try:
            yield
        finally:
            if self._path is not None:
                with contextlib.suppress(OSError):
                    self._path.unlink(missing_ok=True)

    def report(self, outcome: Outcome) -> None:
        """Say how a reload came out."""
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

    def _write(self, record: Record) -> None:
        if self._path is None:
            return
        new = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(mode=0o750, exist_ok=True)
            new.write_text(json.dumps(asdict(record)))
            new.replace(self._path)
        except OSError as exc:
            log.warning("%s: cannot be written (%s), so 'edged reload' does not find this daemon", new, exc.strerror)
            self._path = None


def running_daemons(folders: Iterable[Path], config: Path | None = None) -> list[Record]:
    """The daemons that have a record in one of *folders*, and run *config* (None: any).

    Raises:
        PermissionError: a folder is there and may not be read.
    """
    pattern = f"{'edged-*' if config is None else _prefix(config.resolve())}.*.json"
    found = []
    for folder in folders:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            with os.scandir(folder) as entries:  # unlike glob, it tells what may not be read
                paths = sorted(Path(entry.path) for entry in entries if fnmatch(entry.name, pattern))
            found += [record for path in paths if (record := _record(path))]
    return [record for record in found if record.is_running]


def _prefix(config: Path) -> str:
    return f"edged-{hashlib.sha256(os.fsencode(config)).hexdigest()[:12]}"


def _record(path: Path) -> Record | None:
    """What *path* holds; None if that is no record, or gone."""
    try:
        with path.open("rb") as file:
            return Record(**_read(json.loads(file.read(LONGEST))))
    except (OSError, ValueError, WireError, RecursionError):
        return None


def _started(pid: int) -> int | None:
    """When the process *pid* was started, in ticks since boot, see proc(5); None if there is no such process."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2]
        return int(after_name.split()[19])
    except (OSError, IndexError, ValueError):
        return None
