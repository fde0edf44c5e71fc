"""The thread that reads one camera: it keeps the frame ring fresh, and opens a lost camera again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress

from edged.camera import Source
from edged.camera.pixel_regions import check_regions
from edged.errors import EndOfStream, RingClosed, SourceError, text_of
from edged.pipeline.call_queue import CallQueue
from edged.pipeline.camera_stats import STOPPING, CameraState, CameraStats
from edged.pipeline.capture.retries import Retries
from edged.pipeline.capture.ring_writer import Frozen, RingWriter
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.capture.unexpected import UnexpectedError, UnexpectedErrors
from edged.pipeline.demand import Demand
from edged.pipeline.ring import FrameRing
from edged.pipeline.stage import Stage

__all__ = ["Capture", "report_condition"]

log = logging.getLogger(__name__)

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
        self._ring = ring
        self._stats = stats
        self._writer = RingWriter(source, ring, stats, settings, demand, self._in_charge)
        self._calls = CallQueue(lambda: None)  # a step waits for a frame no longer than a moment
        self._is_open = False

    @property
    def next_seq(self) -> int:
        """The number of the next frame."""
        return self._writer.next_seq

    def continue_from(self, next_seq: int) -> None:
        """Number the frames from *next_seq* on, after another capture of this camera. Called before the start."""
        self._writer.next_seq = next_seq

    def use(self, settings: CaptureSettings) -> Future[None]:
        """Go by *settings* from the next frame on; may be called from any thread, and returns at once."""
        return self._calls.submit(lambda: self._writer.use(settings))

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
        self._writer.continue_counts()
        if self._writer.settings.refuse is not None:
            try:
                with self._translated():
                    self._open_source()
            except UnexpectedError as error:
                self._lose(CameraState.LOST, error)
            except SourceError as exc:
                raise self._writer.settings.refuse(str(exc)) from exc

    def step(self) -> None:
        try:
            with self._translated():
                self._read()
        except Frozen as frozen:
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
        elif self._writer.take_frame():
            self._retries.note_good()
            self._turn(CameraState.RUNNING)

    def _open_source(self) -> None:
        self._stats.expect_return(OPEN_SECONDS + self._writer.settings.stall_seconds)
        frame_format = self._source.open()
        check_regions(dict(self._writer.settings.regions), frame_format)
        with self._in_charge():
            self._ring.allocate(frame_format)
            self._stats.format = frame_format
        self._is_open = True
        self._writer.begin()

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
        self.pause(self._retries.next_pause(self._writer.settings, error))

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
