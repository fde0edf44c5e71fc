"""The watchdog: checks that every stage makes progress."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable

from edged.pipeline.stage import Stage
from edged.service.systemd_notify import Notifier

__all__ = ["Watchdog", "hanging"]

log = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
LEAST_SECONDS = 0.05  # between two checks and two signs of life, or they would take up a processor


def hanging(stages: Iterable[Stage]) -> list[Stage]:
    """The stages in which a step takes longer than it may."""
    now = time.monotonic()
    return [stage for stage in stages if stage.running and now > stage.due]


class Watchdog:
    """Gives the service manager signs of life, as long as no stage hangs.

    A stage hangs when a step of it takes longer than its ``step_seconds``. From then on there is no sign of life until
    it goes on, and a service manager that gets none for *seconds* ends the daemon and starts it again.

    Args:
        notifier: gets the signs of life.
        seconds: ``$WATCHDOG_USEC``; None without a service manager that waits. Stages that hang are logged anyway.
    """

    def __init__(self, notifier: Notifier, seconds: float | None) -> None:
        self.check_seconds = (
            CHECK_SECONDS if seconds is None else min(CHECK_SECONDS, max(seconds / 8, LEAST_SECONDS))
        )  # so that no gap is over a half
        """The longest time between two checks."""
        self._notifier = notifier
        self._feed_seconds = math.inf if seconds is None else max(seconds / 3, LEAST_SECONDS)
        self._next_feed = math.inf if seconds is None else 0.0
        self._consequence = "" if seconds is None else "; unless it goes on, the service manager starts edged again"
        self._hanging: frozenset[str] = frozenset()

    def check(self, stages: Iterable[Stage]) -> None:
        """Log the stages that hang, and give a sign of life if none does and one is due."""
        now = time.monotonic()
        late = {stage.name: stage.step_seconds for stage in hanging(stages)}
        for name in sorted(late.keys() - self._hanging):
            log.error("%s hangs: a step takes more than %g s%s", name, late[name], self._consequence)
        for name in sorted(self._hanging - late.keys()):
            log.warning("%s goes on", name)
        self._hanging = frozenset(late)
        if not late and now >= self._next_feed:
            self._notifier.alive()
            self._next_feed = now + self._feed_seconds
