"""Ages of messages, and the age above which they are stale."""

from __future__ import annotations

import time

from edged.wire import Message, Status

__all__ = ["AgeLimit"]


class AgeLimit:
    """Measures the age of messages, and counts those older than *max_seconds*; with None, no message is too old.

    On the *same_host* a capture time is compared with CLOCK_MONOTONIC, which both share. Between hosts, and for a
    ``status``, it is wall clock against wall clock, and no better than these agree: see ``clock_synced``.

    Attributes:
        stale: the number of messages that were too old.
    """

    def __init__(self, max_seconds: float | None, *, same_host: bool) -> None:
        self.stale = 0
        self._max_seconds = max_seconds
        self._same_host = same_host

    def age_seconds(self, message: Message) -> float:
        """Return the seconds since the frame of *message* was captured, or since a ``status`` was made."""
        if self._same_host and not isinstance(message, Status):
            return (time.monotonic_ns() // 1000 - message.t_cap_us) / 1e6
        return (time.time_ns() // 1000 - message.t_wall_us) / 1e6

    def admits(self, message: Message) -> bool:
        """Return whether *message* is young enough; count it if not."""
        if self._max_seconds is None or self.age_seconds(message) <= self._max_seconds:
            return True
        self.stale += 1
        return False
