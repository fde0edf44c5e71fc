"""Refused peers: counted by reason, and logged in few lines."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

__all__ = ["Refusals"]

QUIET_SECONDS = 60.0
MOST_LINES = 10

log = logging.getLogger(__name__)


class Refusals:
    """Counts refused peers by *reasons*. One thread counts, any may read.

    Each kind of refusal is logged once a minute, and at most ten kinds: a peer can be refused all the time.
    """

    def __init__(self, reasons: Iterable[str]) -> None:
        self.counts = dict.fromkeys(reasons, 0)
        self._logged: set[str] = set()
        self._since = -QUIET_SECONDS

    def note(self, reason: str, kind: str, line: str) -> None:
        """Count one for *reason*, and log *line* unless that *kind* was logged a moment ago."""
        self.counts[reason] += 1
        now = time.monotonic()
        if now - self._since >= QUIET_SECONDS:
            self._logged.clear()
            self._since = now
        if kind in self._logged or len(self._logged) > MOST_LINES:
            return
        self._logged.add(kind)
        if len(self._logged) > MOST_LINES:
            log.warning("more clients are refused; the next line about them comes within a minute")
        else:
            log.warning("%s", line)
