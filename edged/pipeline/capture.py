"""The capture stage: one thread per camera that keeps its frame ring fresh."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass

from edged.camera import Source
from edged.errors import EdgedError, EndOfStream, SourceError
from edged.pipeline.ring import FrameRing
from edged.pipeline.stage import Stage
from edged.pipeline.tally import CameraState, Tally
from edged.values import Stamp

__all__ = ["Capture", "CaptureSettings", "RateCap"]

log = logging.getLogger(__name__)

GRAB_SECONDS = 0.25  # how long one step may wait for a frame


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """How frames are taken from a source.

    ``wait_for_reader`` is the policy ``block``: no frame is taken before the last one has been. ``max_fps`` caps a live
    source. ``retry_seconds`` is the first pause before a lost source is opened again; pauses double up to
    ``retry_max_seconds``. ``refuse`` makes the error with which the daemon refuses to start when the source cannot be
    opened then; without it that is weather too.
    """

    wait_for_reader: bool = False
    max_fps: float | None = None
    retry_seconds: float = 0.5
    retry_max_seconds: float = 30.0
    refuse: Callable[[str], EdgedError] | None = None


class Capture(Stage):
    """Opens a source, grabs its frames, and opens it again when it is lost.

    A lost camera is weather and never an error of this stage: it is told in the camera's condition and in one log line.
    """

    def __init__(self, source: Source, ring: FrameRing, tally: Tally, settings: CaptureSettings) -> None:
        super().__init__(f"capture {tally.camera}")
        self._source = source
        self._ring = ring
        self._tally = tally
        self._settings = settings
        self._gate = RateCap(settings.max_fps)
        self._is_open = False
        self._pause_seconds = settings.retry_seconds
        self._next_seq = 0

    def open(self) -> None:
        """Open a source that must be there. A camera that may be absent is opened by the first step."""
        if self._settings.refuse is not None:
            try:
                self._open_source()
            except SourceError as exc:
                raise self._settings.refuse(str(exc)) from exc

    def step(self) -> None:
        try:
            if not self._is_open:
                self._open_source()
            elif not self._settings.wait_for_reader or self._ring.wait_taken(GRAB_SECONDS):
                self._take_frame()
        except SourceError as error:
            self._lose(str(error))
        except EndOfStream as end:
            self._turn(CameraState.STOPPED, str(end))
            raise

    def wake(self) -> None:
        self._source.wake()
        self._ring.close()

    def close(self) -> None:
        self._ring.close()
        self._source.close()
        if self._tally.condition.state is not CameraState.STOPPED:
            self._turn(CameraState.STOPPED, "the daemon is stopping")

    def _open_source(self) -> None:
        self._ring.allocate(self._source.open())
        self._is_open = True

    def _take_frame(self) -> None:
        stamp = self._source.grab(GRAB_SECONDS)
        if stamp is None:
            return
        self._tally.captured += 1
        if not self._gate.admits(stamp):
            return
        # The number is spent whether or not the frame can be decoded: subscribers see the gap.
        seq, self._next_seq = self._next_seq, self._next_seq + 1
        try:
            self._source.retrieve(self._ring.slot())
        except SourceError:
            self._tally.dropped_capture += 1
            raise
        self._ring.commit(seq, stamp)
        self._tally.dropped_ring = self._ring.dropped
        self._pause_seconds = self._settings.retry_seconds
        self._turn(CameraState.RUNNING)

    def _lose(self, reason: str) -> None:
        self._source.close()
        if self._is_open:
            self._tally.reopens += 1
        self._is_open = False
        self._turn(CameraState.LOST, reason)
        # Jitter, so that several cameras behind one hub do not all come back at the same moment.
        self.pause(self._pause_seconds * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
        self._pause_seconds = min(self._pause_seconds * 2, self._settings.retry_max_seconds)

    def _turn(self, state: CameraState, reason: str | None = None) -> None:
        if self._tally.turn(state, reason):
            level = logging.WARNING if state is CameraState.LOST else logging.INFO
            log.log(level, "camera %s is %s%s", self._tally.camera, state, f": {reason}" if reason else "")


class RateCap:
    """Lets at most so many frames a second pass, evenly spaced, by their capture times."""

    def __init__(self, max_fps: float | None) -> None:
        self._interval_ns = int(1e9 / max_fps) if max_fps else 0
        self._next_ns = 0

    def admits(self, stamp: Stamp) -> bool:
        """Whether the frame of *stamp* may pass."""
        if stamp.t_cap_ns < self._next_ns:
            return False
        # Counted from the slot that was due, not from this frame, so that 30 frames/s capped at 20 give 20 and not 15;
        # but after a gap there is no debt to catch up with.
        late_ns = stamp.t_cap_ns - self._next_ns
        self._next_ns = (self._next_ns if late_ns < self._interval_ns else stamp.t_cap_ns) + self._interval_ns
        return True
