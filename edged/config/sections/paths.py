"""Paths in the config: relative to the file that names them, ``~`` is the home of the user."""

from __future__ import annotations

from pathlib import Path

__all__ = ["absolute"]


def absolute(text: str, folder: Path) -> Path:
    """*text* as an absolute path, seen from *folder*. Nothing need exist there.

    Raises:
        ValueError: *text* is empty, or names the home of a user who has none.
    """
    if not text:
        raise ValueError("must be a path (got an empty text)")
    try:
        return folder / Path(text).expanduser()
    except RuntimeError as exc:  # Path reports an unknown user so
        raise ValueError(f"must be a path; there is no home folder for {text.partition('/')[0]}") from exc
