"""What has happened to one camera since the start: its state, and how many frames went which way."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["CameraState", "Condition", "Tally"]


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


class Tally:
    """Counts and state of one camera.

    Each number has one thread that writes it: ``dropped_publish`` the inference, ``published`` the publisher, all
    others and the state the capture. Others only read.
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
        self._on_change = on_change

    def dropped(self) -> dict[str, int]:
        """Frames and results that were dropped since the start, by cause."""
        return {"capture": self.dropped_capture, "ring": self.dropped_ring, "publish": self.dropped_publish}

    def turn(self, state: CameraState, reason: str | None = None) -> bool:
        """Enter *state*. Returns whether that is a change of state or of its reason."""
        if (state, reason) == (self.condition.state, self.condition.reason):
            return False
        since = self.condition.since_ns if state is self.condition.state else time.monotonic_ns()
        self.condition = Condition(state, reason, since)
        self.changes.append(self.condition)
        self._on_change()
        return True
