"""Network streams that FFmpeg reads: RTSP, and whatever comes over HTTP that is no stream of JPEGs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from edged.camera.delay import Delay, Sleep
from edged.camera.ffmpeg import decode_into, format_of
from edged.config.problems import redacted
from edged.errors import SourceError
from edged.values import MAX_PIXELS, Format, Stamp

if TYPE_CHECKING:
    from edged.camera.frame_needs import FrameNeeds
    from edged.config import CameraConfig

__all__ = ["SILENCE", "Backlog", "StreamSource", "is_from_before", "longest_silence"]

SCHEMES = ("rtsp", "rtsps", "http", "https")
SILENCE = 1.0  # seconds without a frame, after which one may come that had been on its way all the time
SLOW_START, LONG_SILENCE = 10.0, 30.0  # seconds: some streams take so long to begin; a longer silence is a dead link
USUAL_FPS = 25.0  # where a stream does not give its rate


class StreamSource:
    """A `Source` over OpenCV's FFmpeg, such as ``rtsp://camera/stream``.

    Frames come with the time of their arrival. ``grab`` blocks until there is a frame, up to *timeout* and not the one
    that it is given, and ``wake`` cannot end it: FFmpeg has no way to be asked. It leaves out frames that are old:
    those of RTSP that had gathered while the stream was opened or hung or nobody grabbed, and one from before a
    silence, as far as the stream gives the times of its frames. RTSP that is decoded more slowly than it comes is lost
    when it is some 2 s behind. Frames keep the size that the stream had at the start; if that changes they are scaled.
    User and password in the URL appear in no text.

    Args:
        url: ``rtsp://``, ``rtsps://``, ``http://`` or ``https://…``.
        timeout: seconds within which the stream must have been opened, and after which one without a frame is lost.
        verify_tls: refuse to open ``rtsps`` and ``https``, since FFmpeg, as OpenCV has it, takes any certificate.
        max_pixels: of a frame; a stream of larger ones is not opened.

    Raises:
        ValueError: *url* is none of these.
    """

    def __init__(
        self, url: str, *, timeout: float = 10.0, verify_tls: bool = True, max_pixels: int = MAX_PIXELS
    ) -> None:
        if url.partition("://")[0].lower() not in SCHEMES:
            raise ValueError(f"must begin with {', '.join(f'{s}://' for s in SCHEMES)} (got {redacted(url)})")
        self._url = url
        self._shown = redacted(url)
        self._timeout = timeout
        self._max_pixels = max_pixels
        self._is_rtsp = url.lower().startswith("rtsp")  # others may be a video that comes as fast as it is read
        self._is_trusted = not verify_tls or not url.lower().startswith(("rtsps:", "https:"))
        self._capture: cv2.VideoCapture | None = None
        self._position = 0.0  # of the last frame, in the stream's own seconds
        self._was_old = False  # the last frame, from before a silence
        self._backlog = Backlog(USUAL_FPS)
        self._delay = Delay(USUAL_FPS)

    @classmethod
    def from_config(cls, camera: CameraConfig, needs: FrameNeeds) -> StreamSource:
        """The source that *camera* asks for, not opened yet."""
        timeout = longest_silence(camera.stall_seconds)
        return cls(camera.source.target, timeout=timeout, verify_tls=camera.verify_tls, max_pixels=needs.max_pixels)

    def open(self) -> Format:
        self.close()
        if not self._is_trusted:
            raise SourceError(
                f"{self._shown}: FFmpeg cannot verify the certificate of such a stream; "
                "set verify_tls: false to take any"
            )
        return self.open_path(self._url)

    def open_path(self, path: str) -> Format:
        """Open the stream at *path* in place of the URL, such as a pipe that it comes through. Raises as ``open``."""
        self.close()
        limit = max(1, round(self._timeout * 1000))
        begin = time.monotonic()
        capture = cv2.VideoCapture(
            path,
            cv2.CAP_FFMPEG,
            [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                limit,
                cv2.CAP_PROP_READ_TIMEOUT_MSEC,
                limit,
                cv2.CAP_PROP_N_THREADS,
                1,  # the processor is the model's
            ],
        )
        if not capture.isOpened():
            capture.release()
            in_time = time.monotonic() - begin < 0.9 * self._timeout
            why = "cannot be opened (wrong address, user or password, or no video)" if in_time else "does not answer"
            raise SourceError(f"{self._shown}: {why}")
        self._capture = capture
        self._position = 0.0
        frame_format = format_of(capture, self._max_pixels, self._shown)
        self._backlog = Backlog(frame_format.fps or USUAL_FPS)
        self._delay = Delay(frame_format.fps or USUAL_FPS)
        self._begin_anew()
        return frame_format

    def grab(self, timeout: float) -> Stamp | None:  # noqa: ARG002 - FFmpeg waits as long as it was set to at the start
        assert self._capture is not None, "grab before open"
        asleep = Sleep.until_now() if self._is_rtsp else None
        begin = time.monotonic()
        grabbed = self._capture.grab()
        waited = time.monotonic() - begin
        # After a wait that ran out FFmpeg hands out an old frame once, as if it were new.
        if waited >= 0.9 * self._timeout:
            raise SourceError(f"{self._shown}: no frame for {self._timeout:g} s")
        if not grabbed:
            # A stream that failed once stays dead: it has to be opened anew.
            raise SourceError(f"{self._shown}: stopped delivering")
        before, self._position = self._position, self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
        # Never twice in a row: a slow camera may count its frames instead of giving their times.
        self._was_old = not self._was_old and is_from_before(waited, self._position - before)
        if self._was_old:
            self._begin_anew()
            return None
        if self._backlog.holds(waited) | self._is_late(asleep):  # both take note of it
            return None
        return Stamp(time.monotonic_ns(), "arrival")

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        assert self._capture is not None, "retrieve before open"
        decode_into(self._capture, slot, self._shown)

    def wake(self) -> None:
        """Nothing can end a read of FFmpeg's; its own limit does."""

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _begin_anew(self) -> None:
        if self._is_rtsp:
            self._backlog.gather()

    def _is_late(self, asleep: Sleep | None) -> bool:
        """Check whether the frame lay in FFmpeg's queue for too long; *asleep*: before its grab, for RTSP only."""
        if asleep is None:
            return False
        now = time.monotonic()
        self._delay.note(now, self._position, Sleep.until_now().since(asleep))
        if self._delay.is_hopeless(now):
            # What is opened anew begins with the present.
            raise SourceError(
                f"{self._shown}: this machine cannot keep up with the stream ({self._delay.seconds:.1f} s behind): "
                "use the camera's smaller stream, or let it send fewer frames per second"
            )
        return self._delay.is_late


def longest_silence(stall_seconds: float) -> float:
    """Seconds without a frame after which a stream of a camera that is lost after *stall_seconds* is dead."""
    return min(max(stall_seconds or LONG_SILENCE, SLOW_START), LONG_SILENCE)


class Backlog:
    """Frames that gathered while nobody read them: they come at once, and the first that does not is a new one.

    Args:
        fps: frames per second that the camera sends.
    """

    MOST = 200  # frames in a row; a sender of more of them at once is not a camera

    def __init__(self, fps: float) -> None:
        self._at_once = 0.5 / fps
        self._left = 0

    def gather(self) -> None:
        """There may be some now."""
        self._left = self.MOST

    def holds(self, waited: float) -> bool:
        """Check whether a frame that was *waited* for, in seconds, is one of them."""
        self._left = self._left - 1 if self._left and waited < self._at_once else 0
        return self._left > 0


def is_from_before(waited: float, advanced: float) -> bool:
    """Check whether a frame that was *waited* for is from before that: its time *advanced* much less (in seconds).

    A stream that hung goes on with what had been held up, and one that was cut off ends with it. Where the stream's
    times stand still or go back they mean nothing.
    """
    return waited > SILENCE and 0.0 < advanced < waited / 2
