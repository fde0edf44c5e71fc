"""Folders and files of what is enrolled: made, read with a limit, and their errors."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edged.errors import StateError
from edged.whole_files import sync_folder

__all__ = ["as_state_errors", "make_folder", "read_bounded"]


@contextmanager
def as_state_errors(path: Path) -> Iterator[None]:
    """Inside, an OSError becomes a StateError that names its file, or *path*."""
    try:
        yield
    except StateError:
        raise
    except OSError as exc:
        raise StateError(f"{exc.filename or path}: {exc.strerror or exc}") from exc


def make_folder(folder: Path) -> None:
    """Make *folder*, for its owner and group only, if it is not there."""
    if not folder.exists():
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        sync_folder(folder.parent)


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
