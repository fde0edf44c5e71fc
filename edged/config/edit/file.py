"""The replacement of a configuration's file: whole or not at all, with the one before kept beside it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edged.config.problems import ConfigFileError, Problem
from edged.errors import EdgedError
from edged.whole_files import replace_file, sync_folder

__all__ = ["ConfigFile", "FileChangedError", "NotWritableError", "opened"]

ONLY_OWNER = 0o600  # until it has the mode of the one before
LOCK_SECONDS = 30.0  # another change loads a model at most
POLL_SECONDS = 0.05


class NotWritableError(EdgedError, OSError):
    """The file may not be written, or not as what it is. The text says what to do."""


class FileChangedError(EdgedError):
    """The file was changed by somebody else meanwhile, or is being changed."""


class ConfigFile:
    """A file of a configuration while it is locked against other changes by edged.

    ``path`` is the file itself, and not a link to it; ``backup`` is where the one before is kept.
    """

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.backup = path.with_name(f"{path.name}.bak")
        self._before = os.fstat(fd)
        self._fd = fd

    def replace(self, old: bytes, new: bytes) -> None:
        """Put *new* in place of *old*, which the file holds. It is on the disk then, and *old* is at ``backup``.

        Mode, owner and extended attributes stay, as far as this user may set them. A process that is killed leaves
        either of the two there, and maybe a file that ends in ``.new``.

        Raises:
            NotWritableError: it may not be written; nothing has changed.
            FileChangedError: it was changed meanwhile; it stays so.
        """
        try:
            for path, content in ((self.backup, old), (self.path, new)):
                replace_file(path, content, ONLY_OWNER, self._make_alike, self._check_unchanged)
                sync_folder(path.parent)
        except OSError as exc:
            if isinstance(exc, EdgedError):
                raise
            raise NotWritableError(f"{self.path}: cannot be replaced: {exc.strerror or exc}") from exc

    def _make_alike(self, fd: int) -> None:
        """Give the open file *fd* the owner, mode and attributes of the one before."""
        before = self._before
        for owner, group in ((before.st_uid, before.st_gid), (-1, before.st_gid)):
            with contextlib.suppress(PermissionError):
                os.fchown(fd, owner, group)
                break
        now = os.fstat(fd)
        if now.st_gid != before.st_gid and before.st_mode & (stat.S_IRGRP | stat.S_IROTH) == stat.S_IRGRP:
            raise NotWritableError(
                f"{self.path}: its group cannot be kept, and may read it: the daemon could not read it any more"
            )
        os.fchmod(fd, stat.S_IMODE(before.st_mode))
        with contextlib.suppress(OSError):  # a file system without them
            for name in os.listxattr(self._fd):
                with contextlib.suppress(OSError):
                    os.setxattr(fd, name, os.getxattr(self._fd, name))

    def _check_unchanged(self) -> None:
        if not _is_same(self._before, _stat(self.path)):
            raise FileChangedError(f"{self.path}: was changed meanwhile, and stays as it is now; try again")


@contextmanager
def opened(path: Path) -> Iterator[ConfigFile]:
    """Lock the file at *path*, or that it is a link to, against other changes by edged.

    Raises:
        ConfigFileError: there is no such file, or it cannot be read.
        FileChangedError: another change does not end.
    """
    real = Path(os.path.realpath(path))
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        fd = _open(path, real)
        try:
            if _lock(fd) and _is_same(os.fstat(fd), _stat(real)):  # else it was replaced before we had the lock
                yield ConfigFile(real, fd)
                return
        finally:
            os.close(fd)
        if time.monotonic() > deadline:
            raise FileChangedError(f"{path}: another edged changes it, for {LOCK_SECONDS:g} s now; try again")
        select.select([], [], [], POLL_SECONDS)


def _open(path: Path, real: Path) -> int:
    try:
        return os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as exc:
        rule = "there is no such file" if isinstance(exc, FileNotFoundError) else f"cannot be read: {exc.strerror}"
        raise ConfigFileError([Problem(str(path), 0, 0, "", rule)]) from exc


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system that knows no locks: changes are still noticed, at the end
        return True
    return True


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _is_same(one: os.stat_result, other: os.stat_result | None) -> bool:
    def identity(status: os.stat_result) -> tuple[int, ...]:
        return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size

    return other is not None and identity(one) == identity(other)
