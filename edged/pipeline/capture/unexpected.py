"""Exceptions of a source that no source should raise: they cost the camera a loss, and the log a traceback."""

from __future__ import annotations

import logging
import time
import traceback
from math import inf

from edged.errors import SourceError
from edged.peer_text import peer_text

__all__ = ["UnexpectedError", "UnexpectedErrors"]

log = logging.getLogger(__name__)

PAUSE_SECONDS = 60.0  # between two tracebacks
MOST_TRACED = 4000  # characters of a traceback; its end says most


class UnexpectedError(SourceError):
    """A loss of a camera by an exception that its source does not raise on purpose."""


class UnexpectedErrors:
    """The log of one camera's unexpected exceptions: one traceback a minute at most, and the count of the others."""

    def __init__(self, camera: str) -> None:
        self._camera = camera
        self._next = -inf
        self._left_out = 0

    def translate(self, exc: Exception) -> UnexpectedError:
        """Log *exc* if it is time, and return the loss that it is."""
        what = f"unexpected {type(exc).__name__}: {peer_text(str(exc))}"
        if time.monotonic() < self._next:
            self._left_out += 1
        else:
            more = f" ({self._left_out} more since the last one that was logged)" if self._left_out else ""
            trace = "".join(traceback.format_exception(exc))[-MOST_TRACED:]
            log.error(
                "camera %s: %s%s\n%s",
                self._camera,
                what,
                more,
                "\n".join(peer_text(line, MOST_TRACED) for line in trace.splitlines()),
            )
            self._next, self._left_out = time.monotonic() + PAUSE_SECONDS, 0
        return UnexpectedError(what)
