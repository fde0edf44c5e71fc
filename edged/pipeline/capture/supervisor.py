"""The capture stage of a camera: watches the thread that reads it, and replaces one that hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from edged.camera import Source
from edged.errors import EndOfStream, SourceError
from edged.pipeline.camera_stats import STOPPING, CameraState, CameraStats
from edged.pipeline.capture.left_behind import LeftBehind
from edged.pipeline.capture.retries import Retries
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.capture.stage import Capture, report_condition
from edged.pipeline.capture.unexpected import UnexpectedErrors
from edged.pipeline.demand import Demand
from edged.pipeline.ring import FrameRing
from edged.pipeline.stage import Stage

__all__ = ["CaptureSupervisor"]

CHECK_SECONDS = 1.0


class CaptureSupervisor(Stage):
    """Runs a `Capture`, the thread that reads the camera, and another one with a new source when it hangs.

    A driver may never return, and a picture may take longer to decode than a step may take. That is a loss of this
    camera: the thread is abandoned, and the next one starts after the camera's pause. Nothing else waits for a driver,
    so the watchdog is fed meanwhile. The number of threads that are *left_behind* is bounded; at the bound the camera
    stays lost until one of them ends. ``max_reopens`` counts all of these too.

    Args:
        make_source: makes the source of the camera, for one thread to use.
        ring, stats, demand: see `Capture`.
        settings: how to begin.
        left_behind: the threads that all cameras have left behind.
    """

    def __init__(
        self,
        make_source: Callable[[], Source],
        ring: FrameRing,
        stats: CameraStats,
        settings: CaptureSettings,
        demand: Demand,
        left_behind: LeftBehind,
    ) -> None:
        super().__init__(f"capture {stats.camera}")
        self._make_source = make_source
        self._ring = ring
        self._stats = stats
        self._demand = demand
        self._left_behind = left_behind
        self._retries = Retries(stats.camera)
        self._unexpected = UnexpectedErrors(stats.camera)
        self._changed = threading.Event()
        self._change = threading.Lock()  # of the settings, or of the thread that follows them
        self._settings = settings
        self._next_seq = 0
        self._stop_reason = STOPPING
        self._late_since: float | None = None  # the limit that the thread was seen to have passed
        self._capture: Capture | None = self._make_capture()

    @property
    def camera(self) -> str:
        """The name of the camera."""
        return self._stats.camera

    @property
    def reader(self) -> Capture | None:
        """The thread that reads the camera now; None between two of them."""
        return self._capture

    @property
    def waiting(self) -> int:
        """Count of frames that wait to be embedded."""
        return self._ring.waiting

    @property
    def next_seq(self) -> int:
        """The number of the next frame."""
        capture = self._capture
        return self._next_seq if capture is None else capture.next_seq

    def continue_from(self, next_seq: int) -> None:
        """Number the frames from *next_seq* on, after another capture of this camera. Called before the start."""
        assert self._capture is not None, "it was not started yet"
        self._capture.continue_from(next_seq)

    def use(self, settings: CaptureSettings) -> Future[None]:
        """Go by *settings* from the next frame on; may be called from any thread, and returns at once."""
        with self._change:
            self._settings = settings
            if self._capture is not None:
                return self._capture.use(settings)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def stop(self, reason: str = STOPPING) -> None:
        """Ask the stage to end, and make *reason* that of its last condition; the first call counts."""
        if not self.stopping:
            self._stop_reason = reason
        super().stop()

    @property
    def is_stuck(self) -> bool:
        """Whether the camera cannot have another thread, because too many are left behind."""
        return self.running and self._capture is None and self._left_behind.refusal(self.camera) is not None

    def open(self) -> None:
        """Start the thread, and wait until a source that must be there is open."""
        capture = self._capture
        assert capture is not None, "opened twice"
        if self._left_behind.refusal(self.camera) is not None:
            self._forget(capture)  # the first step finds out again, and reports it
            return
        capture.start(self._changed.set)
        while not (capture.wait_open(0.1) or self.stopping or self._is_hanging(capture)):
            self.progress()
        if capture.error is not None:
            raise capture.error

    def step(self) -> None:
        capture = self._capture
        if capture is not None:
            self._changed.wait(CHECK_SECONDS)
            self._changed.clear()
            if not capture.running:
                raise capture.error or EndOfStream("the thread of the camera has come to its end")
        try:
            if capture is None:
                self._replace()
            elif self._is_hanging(capture):
                self._abandon(capture)
                raise SourceError("the driver does not answer")  # noqa: TRY301 - the same rule for every loss
        except SourceError as error:
            self._lose(error)
        except Exception as exc:  # noqa: BLE001 - such as a thread that the system does not grant
            self._stats.errors += 1
            self._lose(self._unexpected.translate(exc))

    def wake(self) -> None:
        capture = self._capture
        if capture is not None:
            capture.stop(self._stop_reason)
        self._ring.close()
        self._changed.set()

    def close(self) -> None:
        capture = self._capture
        if capture is not None:
            capture.stop(self._stop_reason)
            while not capture.join(CHECK_SECONDS) and not self._is_hanging(capture):
                self.progress()
            if capture.running:
                self._abandon(capture)
        self._ring.close()
        self._stats.expect_return(None)
        if self._stats.condition.state is not CameraState.STOPPED:
            report_condition(self._stats, CameraState.STOPPED, self._stop_reason)

    def _make_capture(self) -> Capture:
        return Capture(self._make_source(), self._ring, self._stats, self._settings, self._demand, self._retries)

    def _is_hanging(self, capture: Capture) -> bool:
        """Whether a step is late at two checks, because a process that was stopped finds every step late at once."""
        late = capture.due if capture.running and time.monotonic() > capture.due else None
        was_late, self._late_since = self._late_since, late
        return late is not None and late == was_late

    def _abandon(self, capture: Capture) -> None:
        capture.abandon()
        self._stats.hangs += 1
        self._left_behind.add(self.camera, capture)
        self._forget(capture)

    def _forget(self, capture: Capture) -> None:
        with self._change:
            self._next_seq, self._capture, self._late_since = capture.next_seq, None, None

    def _replace(self) -> None:
        refusal = self._left_behind.refusal(self.camera)
        if refusal is not None:
            raise SourceError(refusal)
        with self._change:
            capture = self._make_capture()
            capture.continue_from(self._next_seq)
            self._capture = capture
        if self.stopping:
            return
        try:
            capture.start(self._changed.set)
        except RuntimeError:
            self._forget(capture)
            raise
        self._stats.reopens += 1

    def _lose(self, error: SourceError) -> None:
        self._stats.expect_return(None)
        report_condition(self._stats, CameraState.LOST, str(error))
        self.pause(self._retries.next_pause(self._settings, error))
