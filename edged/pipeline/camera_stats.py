"""What has happened to one camera since the start: its state, and how many frames went which way."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edged.pipeline.latencies import Latencies

__all__ = ["CameraState", "CameraStats", "Condition"]


class CameraState(StrEnum):
    """The states of a camera, as subscribers see them."""

    STARTING = "starting"
    RUNNING = "running"
    LOST = "lost"
    FROZEN = "frozen"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Condition:
    """A state, why, and since when (nanoseconds on CLOCK_MONOTONIC)."""

    state: CameraState
    reason: str | None
    since_ns: int


class CameraStats:
    """Counts and state of one camera.

    Each number has one thread that writes it: ``dropped_publish`` the inference, ``published`` the publisher, all
    others the capture. The state is the capture's too, except that another thread may notice that it hangs.
    """

    def __init__(self, camera: str, on_change: Callable[[], None] = lambda: None) -> None:
        self.camera = camera
        self.captured = 0
        self.reopens = 0
        self.published = 0
        self.dropped_capture = 0
        self.dropped_ring = 0
        self.dropped_publish = 0
        self.condition = Condition(CameraState.STARTING, None, time.monotonic_ns())
        self.changes: deque[Condition] = deque(maxlen=64)
        """Conditions that no subscriber was told of yet, oldest first."""
        self.latencies: Latencies | None = None
        """Of what was published, where figures are wanted; the publisher observes."""
        self._on_change = on_change
        self._turning = threading.Lock()
        self._sign_due = math.inf

    def take_over(self, before: CameraStats) -> None:
        """Go on counting where *before* is: the camera is captured anew. Called before that begins.

        Once more when *before* has ended, and by the publisher when it goes on with this one: see
        `Publisher.report_on`. Whoever reads the counts in between sees none go back.
        """
        self.captured = before.captured
        self.published = before.published
        self.reopens = before.reopens
        self.dropped_capture = before.dropped_capture
        self.dropped_ring = before.dropped_ring
        self.dropped_publish = before.dropped_publish
        self.latencies = before.latencies

    def dropped(self) -> dict[str, int]:
        """Frames and results that were dropped since the start, by cause."""
        return {"capture": self.dropped_capture, "ring": self.dropped_ring, "publish": self.dropped_publish}

    def turn(self, state: CameraState, reason: str | None = None) -> bool:
        """Enter *state*. Returns whether that is a change of state or of its reason."""
        with self._turning:
            if (state, reason) == (self.condition.state, self.condition.reason):
                return False
            since = self.condition.since_ns if state is self.condition.state else time.monotonic_ns()
            self.condition = Condition(state, reason, since)
            self.changes.append(self.condition)
        self._on_change()
        return True

    def expect_sign(self, seconds: float | None) -> None:
        """The capture is about to call a driver, and will be back within *seconds*; None: it is not in one."""
        self._sign_due = math.inf if seconds is None else time.monotonic() + seconds

    def notice_silence(self) -> bool:
        """Turn to ``lost`` if the capture is not back when it should be: it hangs in a driver and cannot say so.

        Returns whether it was noticed now. Another thread than the capture's calls it.
        """
        return time.monotonic() > self._sign_due and self.turn(CameraState.LOST, "the driver does not answer")
