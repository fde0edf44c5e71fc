"""Files that are on the disk once a function returns, whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edged.errors import StateError

__all__ = ["NEW", "as_state_errors", "make_folder", "read_bounded", "replace_file", "sync_folder", "write_file"]

NEW = r"\.[0-9a-f]{16}\.new"
"""The end of the name of a file that is being written by `replace_file`: a process that is killed leaves it behind."""


@contextmanager
def as_state_errors(path: Path) -> Iterator[None]:
    """Inside, an OSError becomes a StateError that names its file, or *path*."""
    try:
        yield
    except StateError:
        raise
    except OSError as exc:
        raise StateError(f"{exc.filename or path}: {exc.strerror or exc}") from exc


def write_file(path: Path, content: bytes) -> None:
    """Make a new file whose *content* is on the disk; its name is there once its folder is synced."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(fd)


def replace_file(path: Path, content: bytes) -> None:
    """Put *content* at *path*, in place of what was there; for good once its folder is synced.

    A process that is killed leaves one of the two there, and maybe a file of the name `NEW`.
    """
    new = path.with_name(f"{path.stem}.{secrets.token_hex(8)}.new")
    try:
        write_file(new, content)
        sync_folder(path.parent)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def make_folder(folder: Path) -> None:
    """Make *folder*, for its owner and group only, if it is not there."""
    if not folder.exists():
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in *folder* to the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def read_bounded(file: Path, most: int) -> bytes:
    """Return the content of *file*.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not a regular file, or has more than *most* bytes.
    """
    fd = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as content:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ValueError("it is not even a file")
        text = content.read(most + 1)
    if len(text) > most:
        raise ValueError(f"it has more than {most} bytes")
    return text
