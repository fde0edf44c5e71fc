"""The daemon in one line, for whoever asks the service manager how it is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from edged.pipeline.camera_stats import CameraStats
from edged.service.systemd_notify import Notifier

__all__ = ["StatusLine"]

RATE_SECONDS = 10.0  # over which the rate is taken, so that the line seldom changes
PAUSE_SECONDS = 1.0  # between two lines


class StatusLine:
    """Tells *notifier* what goes on: on a change, and at most once a second.

    Once the daemon runs that is the state of every camera and how much is published, such as ``front is running, back
    is lost: the driver does not answer; 9.8 messages/s``.
    """

    def __init__(self, tallies: Callable[[], Sequence[CameraStats]], notifier: Notifier) -> None:
        self._tallies = tallies
        self._notifier = notifier
        self.is_outdated = False
        """Whether there is another configuration, which is wrong."""
        self._told = ""
        self._next_tell = -math.inf
        self._rate: float | None = None
        self._rated = time.monotonic()
        self._published = self._count()

    def tell(self) -> None:
        """Tell how the cameras are, and whether the configuration that is there now could not be loaded."""
        self._take_rate()
        line = ", ".join(_camera(tally) for tally in self._tallies())
        if self._rate is not None:
            line += f"; {_rounded(self._rate)} messages/s"
        if self.is_outdated:
            line += "; the configuration could not be reloaded, see the log"
        self.say(line)

    def say(self, line: str) -> None:
        """Tell *line*, unless that was the last one or the last one is too young."""
        now = time.monotonic()
        if line != self._told and now >= self._next_tell:
            self._notifier.status(line)
            self._told, self._next_tell = line, now + PAUSE_SECONDS

    def _take_rate(self) -> None:
        seconds = time.monotonic() - self._rated
        if seconds >= RATE_SECONDS:
            count = self._count()
            self._rate = max(0, count - self._published) / seconds  # less than before where a camera was removed
            self._rated, self._published = time.monotonic(), count

    def _count(self) -> int:
        return sum(tally.published for tally in self._tallies())


def _camera(tally: CameraStats) -> str:
    condition = tally.condition
    return f"{tally.camera} is {condition.state}{f': {condition.reason}' if condition.reason else ''}"


def _rounded(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 9.95 else f"{rate:.1f}"
