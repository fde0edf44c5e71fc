"""Log of what the limits of the bridge leave out."""

from __future__ import annotations

import logging

__all__ = ["LimitLog"]

log = logging.getLogger(__name__)

MAX_LIMITS = 256  # that are remembered, because some name a node


class LimitLog:
    """Logs once what each limit leaves out."""

    def __init__(self) -> None:
        self._logged: set[str] = set()

    def report(self, what: str) -> None:
        """Log *what* is beyond a limit, if it was not logged before."""
        if what not in self._logged and len(self._logged) < MAX_LIMITS:
            self._logged.add(what)
            log.warning("%s: the others are left out", what)
