"""What the publisher knows of one camera beside its results: when its status is due, and its rates."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

from edged import wire
from edged.pipeline.camera_stats import CameraStats

__all__ = ["STATUS_SECONDS", "CameraStatus", "resident_bytes"]

STATUS_SECONDS = 2.0
GREETING_SECONDS = 0.2  # newcomers get a fresh status, but a crowd of them makes no more than five a second


class CameraStatus:
    """When a camera's status is due, and how fast its frames came since the last one."""

    def __init__(self, tally: CameraStats) -> None:
        self.tally = tally
        self.next_status = time.monotonic()
        self._greeted = -math.inf
        self._rates: tuple[float | None, float | None] = (None, None)
        self._restart()

    def greet(self) -> None:
        """Make a status due now, or as soon as the last newcomers' one is old enough."""
        self._greeted = max(time.monotonic(), self._greeted + GREETING_SECONDS)
        self.next_status = min(self.next_status, self._greeted)

    def rates(self) -> tuple[float | None, float | None]:
        """Frames captured and messages published a second, over at least `STATUS_SECONDS`; None before that."""
        seconds = time.monotonic() - self._since
        if seconds >= STATUS_SECONDS:
            captured, published = self.tally.captured - self._captured, self.tally.published - self._published
            self._rates = (round(captured / seconds, 2), round(published / seconds, 2))
            self._restart()
        return self._rates

    def drops(self) -> wire.Drops:
        """The counts of the tally as a message has them."""
        return wire.Drops(**self.tally.dropped())

    def _restart(self) -> None:
        self._since = time.monotonic()
        self._captured, self._published = self.tally.captured, self.tally.published


def resident_bytes() -> int | None:
    """The memory that this process holds (RSS); None where the kernel does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
