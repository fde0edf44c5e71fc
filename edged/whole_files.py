"""Files that are written whole or not at all, and are on the disk once a function returns."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

__all__ = ["NEW", "replace_file", "sync_folder", "write_file"]

NEW = r"\.[0-9a-f]{16}\.new"
"""The end of the name of a file that is being written by `replace_file`: a process that is killed leaves it behind."""

USUAL_MODE = 0o640


def write_file(
    path: Path, content: bytes, mode: int = USUAL_MODE, prepare: Callable[[int], None] | None = None
) -> None:
    """Make a new file whose *content* is on the disk; its name is there once its folder is synced.

    *prepare* is called with the open file while that is empty: to give it another owner or mode.
    """
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(fd, "wb") as file:
        if prepare is not None:
            prepare(fd)
        file.write(content)
        file.flush()
        os.fsync(fd)


def replace_file(
    path: Path,
    content: bytes,
    mode: int = USUAL_MODE,
    prepare: Callable[[int], None] | None = None,
    check: Callable[[], None] | None = None,
) -> None:
    """Put *content* at *path*, in place of what was there; for good once its folder is synced.

    *mode* and *prepare* are as in `write_file`; *check* is called at the last moment, and may raise to leave what is
    there. A process that is killed leaves one of the two there, and maybe a file of the name `NEW`.
    """
    new = path.with_name(f"{path.stem}.{secrets.token_hex(8)}.new")
    try:
        write_file(new, content, mode, prepare)
        sync_folder(path.parent)
        if check is not None:
            check()
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Bring the names in *folder* to the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
