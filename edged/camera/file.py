"""Video files, played at their own speed or at a given one."""

from __future__ import annotations

import stat
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from edged.camera.ffmpeg import decode_into, format_of
from edged.errors import EndOfStream, SourceError
from edged.values import MAX_PIXELS, Format, Stamp

if TYPE_CHECKING:
    from edged.camera.frame_needs import FrameNeeds
    from edged.config import CameraConfig

__all__ = ["Pace", "VideoFile"]

DEFAULT_FPS = 25.0  # of a file that has neither timestamps nor a rate


class Pace:
    """The times at which the frames of a recording are due: at their distances in the recording, or at a fixed rate.

    A player that falls behind, because it waits downstream, does not rush afterwards: the clock is set anew.
    """

    LARGEST_LAG = 1.0  # seconds of lateness that are caught up with; more is forgotten

    def __init__(self) -> None:
        self._anchor: float | None = None

    def due(self, position: float, now: float) -> float:
        """Return the moment on the clock of *now* at which the frame at *position* seconds of the recording is due."""
        if self._anchor is None or now - (self._anchor + position) > self.LARGEST_LAG:
            self._anchor = now - position
        return self._anchor + position


class VideoFile:
    """A `Source` that plays a video file once or for ever.

    Args:
        path: the file, of any format that OpenCV's FFmpeg reads.
        loop: start again at the end; else the end is an ``EndOfStream``.
        fps: frames per second to play at; None for the file's own timestamps.
        max_pixels: of a frame; a video of larger ones is not opened.
    """

    def __init__(self, path: str | Path, *, loop: bool, fps: float | None, max_pixels: int = MAX_PIXELS) -> None:
        self._path = Path(path)
        self._loop = loop
        self._fps = fps
        self._max_pixels = max_pixels
        self._woken = threading.Event()
        self._capture: cv2.VideoCapture | None = None
        self._pace = Pace()
        self._interval = 1.0 / DEFAULT_FPS  # seconds from one frame to the next, where there are no timestamps
        self._round_start = 0.0  # position of the first frame of this round, in seconds since the first round
        self._position = 0.0  # of the frame in hand, counted likewise
        self._frames = 0  # of this round
        self._in_hand = False  # a grabbed frame is waiting to be due

    @classmethod
    def from_config(cls, camera: CameraConfig, needs: FrameNeeds) -> VideoFile:
        """Return the source that *camera* asks for, not opened yet."""
        return cls(camera.source.target, loop=camera.loop, fps=camera.fps, max_pixels=needs.max_pixels)

    def open(self) -> Format:
        self.close()
        self._capture = _open(self._path)
        frame_format = self._format()
        self._interval = 1.0 / (self._fps or frame_format.fps or DEFAULT_FPS)
        self._pace = Pace()
        self._start_round(at=0.0)
        self._next_frame()  # a file that opens may still hold no frame that can be decoded
        return frame_format

    def grab(self, timeout: float) -> Stamp | None:
        if not self._in_hand:
            self._next_frame()
        now = time.monotonic()
        wait = self._pace.due(self._position, now) - now
        if wait > 0 and (self._woken.wait(min(wait, timeout)) or wait > timeout):
            return None
        self._in_hand = False
        return Stamp(time.monotonic_ns(), "arrival")

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        assert self._capture is not None, "retrieve before open"
        decode_into(self._capture, slot, str(self._path))

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _next_frame(self) -> None:
        assert self._capture is not None, "grab before open"
        if not self._capture.grab():
            self._rewind()
        position = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
        counted = self._frames * self._interval
        # A file without timestamps gives 0 for every frame.
        self._position = self._round_start + (counted if self._fps or not position > 0.0 else position)
        self._frames += 1
        self._in_hand = True

    def _rewind(self) -> None:
        if self._frames == 0:
            raise SourceError(f"{self._path}: no frame can be decoded")
        if not self._loop:
            raise EndOfStream(f"{self._path}: end of the file")
        # Opened anew: not every format can be rewound.
        self._capture = _open(self._path)
        self._format()  # the file may be another one by now
        self._start_round(at=self._position + self._interval)
        if not self._capture.grab():
            raise SourceError(f"{self._path}: no frame can be decoded any more")

    def _format(self) -> Format:
        assert self._capture is not None, "after it is opened"
        return format_of(self._capture, self._max_pixels, str(self._path))

    def _start_round(self, at: float) -> None:
        self._round_start = self._position = at
        self._frames, self._in_hand = 0, False


def _open(path: Path) -> cv2.VideoCapture:
    try:
        kind = path.stat().st_mode
    except FileNotFoundError as exc:
        raise SourceError(f"{path}: no such file") from exc
    except OSError as exc:
        raise SourceError(f"{path}: cannot be opened: {exc.strerror}") from exc
    if not stat.S_ISREG(kind):
        raise SourceError(f"{path}: is not a file")
    # One decoding thread: the processor is the model's.
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not capture.isOpened():
        raise SourceError(
            f"{path}: not a video that OpenCV's FFmpeg can read: it is damaged, or of a codec that is missing there; "
            "H.264 in an .mp4 works"
        )
    return capture
