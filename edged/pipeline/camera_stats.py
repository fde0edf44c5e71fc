"""Counters and state of one camera since the start."""

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
    from edged.states import PictureState
    from edged.values import Format

__all__ = ["STOPPING", "CameraState", "CameraStats", "Condition"]

STOPPING = "the daemon is stopping"
"""The reason for ``stopped`` where there is no other."""


class CameraState(StrEnum):
    """The states of a camera, as status messages have them."""

    STARTING = "starting"
    RUNNING = "running"
    LOST = "lost"
    FROZEN = "frozen"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Condition:
    """A state, its reason, and its beginning (nanoseconds on CLOCK_MONOTONIC)."""

    state: CameraState
    reason: str | None
    since_ns: int


class CameraStats:
    """Counters and state of one camera.

    Each counter is written by one thread at a time: ``dropped_publish`` by a worker of the inference, ``published`` by
    the publisher, all others by the capture. The capture writes the state too, except that another thread may notice
    that it hangs.
    """

    def __init__(self, camera: str, on_change: Callable[[], None] = lambda: None) -> None:
        self.camera = camera
        self.captured = 0
        self.reopens = 0
        self.errors = 0
        """Count of exceptions that no source should raise."""
        self.hangs = 0
        """Count of threads that hung in the driver and were left behind."""
        self.published = 0
        self.dropped_capture = 0
        self.dropped_ring = 0
        self.dropped_publish = 0
        self.format: Format | None = None
        """The format of its frames while it is open."""
        self.picture: PictureState | None = None
        """Whether it shows what it did when examples were enrolled; None where none were. The inference writes it."""
        self.slowed_to: float | None = None
        """The most frames a second while the board is hot; None while the rate is as configured."""
        self.condition = Condition(CameraState.STARTING, None, time.monotonic_ns())
        self.changes: deque[Condition] = deque(maxlen=64)
        """Conditions that were not published yet, oldest first."""
        self.latencies: Latencies | None = None
        """Latencies of published messages, where metrics are configured; the publisher adds them."""
        self._on_change = on_change
        self._state_lock = threading.Lock()
        self._call_due = math.inf

    def take_over(self, before: CameraStats) -> None:
        """Continue the counters of *before*: the camera is captured anew. Called before that begins.

        It is called again when *before* has ended, and the publisher takes over its own counter in
        `Publisher.use_cameras`. A reader of the counters in between sees none go back.
        """
        self.captured = before.captured
        self.published = before.published
        self.reopens = before.reopens
        self.errors = before.errors
        self.hangs = before.hangs
        self.dropped_capture = before.dropped_capture
        self.dropped_ring = before.dropped_ring
        self.dropped_publish = before.dropped_publish
        self.latencies = before.latencies
        self.picture = before.picture

    def dropped(self) -> dict[str, int]:
        """Count of frames and results that were dropped since the start, by cause."""
        return {"capture": self.dropped_capture, "ring": self.dropped_ring, "publish": self.dropped_publish}

    def turn(self, state: CameraState, reason: str | None = None) -> bool:
        """Enter *state*. Returns whether that is a change of state or of its reason."""
        with self._state_lock:
            if (state, reason) == (self.condition.state, self.condition.reason):
                return False
            since = self.condition.since_ns if state is self.condition.state else time.monotonic_ns()
            self.condition = Condition(state, reason, since)
            self.changes.append(self.condition)
        self._on_change()
        return True

    def expect_return(self, seconds: float | None) -> None:
        """Note that the capture calls a driver, which returns within *seconds*; None: it is not in a driver."""
        self._call_due = math.inf if seconds is None else time.monotonic() + seconds

    def notice_silence(self) -> bool:
        """Enter ``lost`` if the driver has not returned in time: a capture that hangs in it cannot report that itself.

        Returns whether it was noticed now. Another thread than the capture's calls it.
        """
        return time.monotonic() > self._call_due and self.turn(CameraState.LOST, "the driver does not answer")
