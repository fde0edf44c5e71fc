"""A cache on disk of results that the next start reuses: small files in a folder, each whole or absent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["cache_folder", "recall", "remember"]


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The folder of the cache for a program that uses the library: ``$XDG_CACHE_HOME/edged``, else ``~/.cache/edged``.

    It need not exist yet. None for a user without a home.
    """
    cache = Path(environ.get("XDG_CACHE_HOME", ""))
    try:
        return (cache if cache.is_absolute() else Path.home() / ".cache") / "edged"
    except RuntimeError:
        return None


def recall(folder: Path | None, name: str) -> bytes | None:
    """Return what was remembered in *folder* under *name*; None if nothing was, or *folder* is None.

    Raises:
        OSError: there may be something, but it cannot be read.
    """
    if folder is None:
        return None
    try:
        return (folder / name).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def remember(folder: Path | None, name: str, content: bytes) -> None:
    """Keep *content* in *folder*, made when needed, under *name*; a *folder* of None forgets at once.

    A file for each thing needs no lock between programs. What is there already is not written again.

    Raises:
        OSError: it cannot be written.
    """
    if folder is None or _holds(folder / name, content):
        return
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"{name}.{os.getpid()}.new"
    try:
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or a power cut could leave an empty file under the right name
        new.replace(folder / name)
    except OSError:
        new.unlink(missing_ok=True)  # a full disk takes the file, and nothing into it
        raise


def _holds(file: Path, content: bytes) -> bool:
    try:
        return file.read_bytes() == content
    except OSError:
        return False
