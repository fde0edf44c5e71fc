"""The log on stderr: with a time stamp for people, or with a priority for the journal."""

from __future__ import annotations

import logging
import os
from typing import TextIO

__all__ = ["JournalFormatter", "log_to", "worded_for"]

# sd-daemon(3): journald takes <N> at the beginning of a line for its syslog priority.
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))


def log_to(stream: TextIO, level: str, journal: tuple[int, int] | None) -> None:
    """Write log records from *level* on, such as ``info``, to *stream*.

    *journal* is device and inode of the journal's own stream, if the service manager set one. If *stream* is
    that, lines have no time stamp, because the journal adds it, but a priority.
    """
    handler = logging.StreamHandler(stream)
    if journal is not None and _is(stream, journal):
        handler.setFormatter(JournalFormatter("%(levelname)-7s %(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])


class JournalFormatter(logging.Formatter):
    """Begins every line, also each of a traceback, with its priority."""

    def format(self, record: logging.LogRecord) -> str:
        return _marked(super().format(record), record.levelno)


def worded_for(stream: TextIO, journal: tuple[int, int] | None, error: str) -> str:
    """Return *error*, with which a command ends, as text for *stream*: in the journal as an error."""
    return _marked(error, logging.ERROR) if journal is not None and _is(stream, journal) else error


def _marked(text: str, level: int) -> str:
    priority = next(priority for least, priority in _PRIORITIES if level >= least)
    return "\n".join(f"<{priority}>{line}" for line in text.splitlines() or [""])


def _is(stream: TextIO, device_and_inode: tuple[int, int]) -> bool:
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):  # closed, or not a file at all
        return False
    return (found.st_dev, found.st_ino) == device_and_inode
