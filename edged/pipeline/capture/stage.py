"""The thread that reads one camera: it keeps the frame ring fresh, and opens a lost camera again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress

import numpy as np
from numpy.typing import NDArray

from edged.camera import LiveStream, Source
from edged.errors import DamagedFrame, EndOfStream, RingClosed, SourceError, text_of
from edged.pipeline.call_queue import CallQueue
from edged.pipeline.camera_stats import STOPPING, CameraState, CameraStats
from edged.pipeline.capture.freeze import FreezeWatch
from edged.pipeline.capture.lazy_decode import LazyDecode
from edged.pipeline.capture.rate_cap import RateCap
from edged.pipeline.capture.retries import Retries
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.capture.unexpected import UnexpectedError, UnexpectedErrors
from edged.pipeline.demand import Demand
from edged.pipeline.ring import FrameRing
from edged.pipeline.stage import Stage
from edged.values import Stamp

__all__ = ["Capture", "report_condition"]

log = logging.getLogger(__name__)

GRAB_SECONDS = 0.25  # the longest wait for a frame in one step
OPEN_SECONDS = 30.0  # the time that a driver may take to open before it counts as silent
CLOSE_SECONDS = 2.0  # the same for closing one


class Capture(Stage):
    """Opens a source, grabs its frames, and opens it again when it is lost or frozen.

    A lost camera is expected: it is reported in the camera's condition and in one log line. Whatever else its source
    raises is a loss too. The stage fails only after it was opened ``max_reopens`` times in vain, with the last
    ``SourceError``.

    Nothing can end a driver's call that hangs. `abandon` cuts this thread off instead: should the call return, it
    closes its source, and touches neither ring nor stats.
    """

    step_seconds = 60.0  # to close a source and open it again, in several calls of some 10 s at most

    def __init__(
        self,
        source: Source,
        ring: FrameRing,
        stats: CameraStats,
        settings: CaptureSettings,
        demand: Demand,
        retries: Retries | None = None,
    ) -> None:
        super().__init__(f"capture {stats.camera}")
        self._charge = threading.Lock()
        self._is_abandoned = False
        self._retries = retries or Retries(stats.camera)
        self._unexpected = UnexpectedErrors(stats.camera)
        self._stop_reason = ""
        self._source = source
        self._stream = source if isinstance(source, LiveStream) else None
        self._ring = ring
        self._stats = stats
        self._demand = demand
        self._use(settings)
        self._calls = CallQueue(lambda: None)  # a step waits for GRAB_SECONDS at most
        self._is_open = False
        self._unsettled = 0  # frames still to be skipped
        self._last_good = 0.0  # when the last good frame came, or the source was opened
        self._damage = ""  # what was wrong with those since
        self._last_cap_ns = 0
        self._next_seq = 0
        self._dropped_before = 0

    @property
    def next_seq(self) -> int:
        """The number of the next frame."""
        return self._next_seq

    def continue_from(self, next_seq: int) -> None:
        """Number the frames from *next_seq* on, after another capture of this camera. Called before the start."""
        self._next_seq = next_seq

    def use(self, settings: CaptureSettings) -> Future[None]:
        """Go by *settings* from the next frame on; may be called from any thread, and returns at once."""
        return self._calls.submit(lambda: self._use(settings))

    def _use(self, settings: CaptureSettings) -> None:
        self._settings = settings
        self._cap = RateCap(settings.max_fps)
        self._freeze = FreezeWatch(settings.frozen_seconds)
        self._lazy_decode = LazyDecode()
        if self._stream is not None:
            self._stream.expect_rate(settings.max_fps)

    def stop(self, reason: str = STOPPING) -> None:
        """Ask the stage to end, and make *reason* that of its last condition; the first call counts."""
        self._stop_reason = self._stop_reason or reason
        super().stop()

    @property
    def camera(self) -> str:
        """The name of the camera."""
        return self._stats.camera

    @property
    def waiting(self) -> int:
        """Count of frames that wait to be embedded."""
        return self._ring.waiting

    def abandon(self) -> None:
        """Cut this thread off, because it hangs: another one captures the camera from now on. For any thread."""
        with self._charge:
            self._is_abandoned = True
            self._ring.renew_slots()
        super().stop()

    def open(self) -> None:
        """Open a source that must be there. A camera that may be absent is opened by the first step."""
        self.progress()
        self._dropped_before = self._stats.dropped_ring - self._ring.dropped
        if self._settings.refuse is not None:
            try:
                with self._translated():
                    self._open_source()
            except UnexpectedError as error:
                self._lose(CameraState.LOST, error)
            except SourceError as exc:
                raise self._settings.refuse(str(exc)) from exc

    def step(self) -> None:
        try:
            with self._translated():
                self._read()
        except _Frozen as frozen:
            self._lose(CameraState.FROZEN, frozen)
        except SourceError as error:
            self._lose(CameraState.LOST, error)
        except EndOfStream as end:
            with self._in_charge():
                self._stats.expect_return(None)
            self._turn(CameraState.STOPPED, str(end))
            raise

    def wake(self) -> None:
        self._source.wake()
        if not self._is_abandoned:
            self._ring.close()

    def close(self) -> None:
        self._calls.close()
        if not self._is_abandoned:
            self._ring.close()
        with suppress(RingClosed), self._in_charge():  # reported first, because a driver may take long to close
            self._stats.expect_return(None)
            self._stats.format = None
            if self._stats.condition.state is not CameraState.STOPPED:
                report_condition(self._stats, CameraState.STOPPED, self._stop_reason or STOPPING)
        self._close_source()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Make a loss of this camera of whatever is raised inside: no camera takes another one down."""
        try:
            yield
        except (SourceError, EndOfStream, RingClosed):
            raise
        except OSError as exc:  # such as a lack of descriptors
            raise UnexpectedError(text_of(exc)) from exc
        except Exception as exc:  # whatever it is, it is a loss of this camera and not the end of the daemon
            if not self._is_abandoned:
                self._stats.errors += 1
            raise self._unexpected.translate(exc) from exc

    @contextmanager
    def _in_charge(self) -> Iterator[None]:
        """Inside, this thread is not abandoned.

        Raises:
            RingClosed: it is.
        """
        with self._charge:
            if self._is_abandoned:
                raise RingClosed("another thread captures this camera")
            yield

    def _read(self) -> None:
        while self._calls.run_next():
            pass
        if not self._is_open:
            self._open_source()
        elif not self._settings.wait_for_reader or self._ring.wait_taken(GRAB_SECONDS):
            self._take_frame()

    def _open_source(self) -> None:
        self._stats.expect_return(OPEN_SECONDS + self._settings.stall_seconds)
        frame_format = self._source.open()
        with self._in_charge():
            self._ring.allocate(frame_format)
            self._stats.format = frame_format
        self._is_open = True
        self._unsettled = self._settings.settle_frames
        self._last_good, self._damage = time.monotonic(), ""
        self._freeze.expect_opening()
        self._lazy_decode.forget()

    def _take_frame(self) -> None:
        stalls_after = self._settings.stall_seconds
        self._stats.expect_return(GRAB_SECONDS + stalls_after if stalls_after else None)
        stamp = self._grab()
        if stamp is not None:
            self._stats.captured += 1
            stamp = self._plausible(stamp)
            if self._unsettled:
                self._unsettled -= 1
                self._last_good = time.monotonic()  # skipped, but it came: settling is not silence
            elif self._cap.admits(stamp):
                self._pass_on(stamp)
                self._stats.dropped_ring = self._dropped_before + self._ring.dropped
        if stalls_after and time.monotonic() - self._last_sign() > stalls_after:
            raise SourceError(f"no good frame for {stalls_after:g} s{self._damage}")

    def _last_sign(self) -> float:
        """When the camera last showed that all is well: by a good frame, or by sending what need not be decoded."""
        return max(self._last_good, self._stream.last_received() if self._stream else 0.0)

    def _grab(self) -> Stamp | None:
        try:
            return self._source.grab(GRAB_SECONDS)
        except DamagedFrame as error:
            self._stats.captured += error.count
            self._stats.dropped_capture += error.count
            self._damage = f": {error}"
            return None

    def _pass_on(self, stamp: Stamp) -> None:
        # The number is spent whether or not the frame is good: subscribers see the gap.
        seq, self._next_seq = self._next_seq, self._next_seq + 1
        if self._is_unwatched() or self._can_leave_out():
            self._last_good = time.monotonic()  # as far as is known without decoding, after a good one
            return
        with self._in_charge():
            slot = self._ring.slot()
        begin = time.monotonic_ns()
        try:
            self._retrieve(slot)
            decoded = time.monotonic_ns()
            if self._freeze.is_frozen(slot, stamp):
                raise _Frozen(f"the same picture for {self._settings.frozen_seconds:g} s")
        except SourceError as error:
            self._stats.dropped_capture += 1
            self._lazy_decode.forget()
            if isinstance(error, DamagedFrame):
                self._damage = f": {error}"
                return
            raise
        if self._freeze.in_doubt:
            self._stats.dropped_capture += 1
            self._last_good = time.monotonic()  # not silence, but the picture may be old
            return
        with self._in_charge():
            self._ring.commit(seq, stamp, decoded - begin)
        self._lazy_decode.note_decoded(time.monotonic_ns() - begin)
        self._last_good, self._damage = time.monotonic(), ""
        self._retries.note_good()
        self._turn(CameraState.RUNNING)

    def _retrieve(self, slot: NDArray[np.uint8]) -> None:
        try:
            self._source.retrieve(slot)
        except MemoryError as exc:
            raise DamagedFrame("there is not enough memory to decode it") from exc

    def _is_unwatched(self) -> bool:
        """Whether no region is wanted now. The first frame after each opening is decoded all the same."""
        return self._stats.condition.state is CameraState.RUNNING and not self._demand.is_watched(self.camera)

    def _can_leave_out(self) -> bool:
        """Whether the inference will not ask for this frame. Under the policy ``block`` it asks for each."""
        # One that lies ready is to be replaced by each that comes, so that the one taken is never older than need be.
        due_ns = 0 if self._ring.waiting else self._demand.due_ns(self.camera)
        if self._settings.wait_for_reader or not self._lazy_decode.can_wait(time.monotonic_ns(), due_ns):
            return False
        self._ring.count_left_out()
        return True

    def _plausible(self, stamp: Stamp) -> Stamp:
        """Return *stamp*, or the present where a driver's clock went backwards or ahead of ours."""
        now = time.monotonic_ns()
        if not self._last_cap_ns < stamp.t_cap_ns <= now:
            stamp = Stamp(now, "arrival")
        self._last_cap_ns = stamp.t_cap_ns
        return stamp

    def _lose(self, state: CameraState, error: SourceError) -> None:
        if self.stopping:  # it was woken, and the error reports just that; or it was abandoned
            return
        with self._in_charge():
            self._stats.format = None
            report_condition(self._stats, state, str(error))  # before the driver is closed, which may take long
        self._stats.expect_return(CLOSE_SECONDS)
        self._close_source()
        self._stats.expect_return(None)
        with self._in_charge():
            self._stats.turn(state, str(error))  # again, where the driver did not answer meanwhile
        if self._is_open:
            self._stats.reopens += 1
        self._is_open = False
        self.pause(self._retries.next_pause(self._settings, error))

    def _close_source(self) -> None:
        try:
            with self._translated():
                self._source.close()
        except SourceError as exc:
            log.warning("camera %s cannot be closed: %s", self._stats.camera, exc)

    def _turn(self, state: CameraState, reason: str | None = None) -> None:
        with self._in_charge():
            report_condition(self._stats, state, reason)


def report_condition(stats: CameraStats, state: CameraState, reason: str | None = None) -> None:
    """Enter *state*, and log it where that is a change.

    Another reason for the same state is a debug line: a camera that was unplugged first breaks off and then is missing.
    """
    before = stats.condition.state
    if stats.turn(state, reason):
        level = logging.WARNING if state in (CameraState.LOST, CameraState.FROZEN) else logging.INFO
        log.log(
            logging.DEBUG if state is before else level,
            "camera %s is %s%s",
            stats.camera,
            state,
            f": {reason}" if reason else "",
        )


class _Frozen(SourceError):
    """The source delivers the same picture again and again."""
