"""The status line of the daemon, which the service manager shows."""

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
    """Reports to *notifier*: on a change, and at most once a second.

    Once the daemon runs, the line has the state of every camera and the rate of messages, such as ``front is running,
    back is lost: the driver does not answer; 9.8 messages/s``.
    """

    def __init__(self, all_stats: Callable[[], Sequence[CameraStats]], notifier: Notifier) -> None:
        self._all_stats = all_stats
        self._notifier = notifier
        self.is_outdated = False
        """Whether the last reload failed, so that the file is not the configuration that runs."""
        self._reported = ""
        self._next_report = -math.inf
        self._rate: float | None = None
        self._measured = time.monotonic()
        self._published = self._count()

    def report_state(self) -> None:
        """Report the state of the cameras, and whether the last reload failed."""
        self._measure_rate()
        line = ", ".join(_camera(stats) for stats in self._all_stats())
        if self._rate is not None:
            line += f"; {_rounded(self._rate)} messages/s"
        if self.is_outdated:
            line += "; the configuration could not be reloaded, see the log"
        self.report(line)

    def report(self, line: str) -> None:
        """Report *line*, unless it is the last one or comes too soon after it."""
        now = time.monotonic()
        if line != self._reported and now >= self._next_report:
            self._notifier.status(line)
            self._reported, self._next_report = line, now + PAUSE_SECONDS

    def _measure_rate(self) -> None:
        seconds = time.monotonic() - self._measured
        if seconds >= RATE_SECONDS:
            count = self._count()
            self._rate = max(0, count - self._published) / seconds  # less than before if a camera was removed
            self._measured, self._published = time.monotonic(), count

    def _count(self) -> int:
        return sum(stats.published for stats in self._all_stats())


def _camera(stats: CameraStats) -> str:
    condition = stats.condition
    return f"{stats.camera} is {condition.state}{f': {condition.reason}' if condition.reason else ''}"


def _rounded(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 9.95 else f"{rate:.1f}"
