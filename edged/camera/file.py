"""Video files, played at their own speed or at a given one."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edged.camera.video.decoder_choice import DecoderChoice
from edged.camera.video.frames import VideoFrames
from edged.camera.video.local_input import LocalInput
from edged.camera.video.timeline import DEFAULT_FPS, Pace, Timeline
from edged.errors import EndOfStream, SourceError
from edged.values import MAX_PIXELS, Format, Stamp

if TYPE_CHECKING:
    from edged.camera.frame_needs import FrameNeeds
    from edged.config import CameraConfig

__all__ = ["VideoFile"]

OPEN_SECONDS = 20.0  # to the first frame of a file, on a slow medium


class VideoFile:
    """A `Source` that plays a video file once or for ever.

    Its frames are upright, as the file's metadata has it. Those that have another size than the first are scaled.

    Args:
        path: the file, of any format that FFmpeg reads.
        loop: start again at the end; else the end is an ``EndOfStream``.
        fps: frames per second to play at; None for the file's own timestamps.
        max_pixels: of a frame; a video of larger ones is not opened, and larger ones that come later are damaged.
        decoder: FFmpeg's name of a decoder to use where that can be opened.
    """

    def __init__(
        self, path: str | Path, *, loop: bool, fps: float | None, max_pixels: int = MAX_PIXELS, decoder: str = ""
    ) -> None:
        self._path = Path(path)
        self._loop = loop
        self._fps = fps
        self._max_pixels = max_pixels
        self._decoder = DecoderChoice(decoder, str(path))
        self._woken = threading.Event()
        self._frames: VideoFrames | None = None
        self._size = (0, 0)
        self._pace = Pace()
        self._timeline = Timeline(1.0 / DEFAULT_FPS)
        self._position = 0.0  # of the frame in hand
        self._in_hand = False  # a frame is waiting to be due
        self._round_is_empty = True

    @classmethod
    def from_config(cls, camera: CameraConfig, needs: FrameNeeds) -> VideoFile:
        """Return the source that *camera* asks for, not opened yet."""
        return cls(
            camera.source.target,
            loop=camera.loop,
            fps=camera.fps,
            max_pixels=needs.max_pixels,
            decoder=camera.decoder or "",
        )

    def open(self) -> Format:
        self.close()
        self._start_round()
        self._await_first_frame(time.monotonic() + OPEN_SECONDS)
        assert self._frames is not None
        assert self._frames.size is not None
        self._size = width, height = self._frames.size
        fps, codec, decoder = self._frames.fps, self._frames.codec, self._frames.decoder_name
        self._pace = Pace()
        self._timeline = Timeline(1.0 / (self._fps or fps or DEFAULT_FPS))
        self._take_in_hand(self._frames)
        return Format(width=width, height=height, fps=fps, codec=codec, decoder=decoder)

    def grab(self, timeout: float) -> Stamp | None:
        deadline = time.monotonic() + timeout
        if self._woken.is_set() or not (self._in_hand or self._next_frame(deadline)):
            return None
        now = time.monotonic()
        wait = self._pace.due(self._position, now) - now
        if wait > 0 and (self._woken.wait(min(wait, deadline - now)) or wait > deadline - now):
            return None
        self._in_hand = False
        return Stamp(time.monotonic_ns(), "arrival")

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        assert self._frames is not None, "retrieve before open"
        if slot.shape != (self._size[1], self._size[0], 3):
            raise SourceError(f"{self._path}: a frame has the size {self._size[0]}×{self._size[1]}")
        self._frames.write_into(slot)

    def wake(self) -> None:
        self._woken.set()
        frames = self._frames
        if frames is not None:
            frames.wake()

    def close(self) -> None:
        if self._frames is not None:
            self._frames.close()
        self._in_hand = False

    def _start_round(self) -> None:
        """Open the file, which may be another one by now.

        Raises:
            SourceError: there is none, or the thread that read it hangs in its file system.
        """
        if self._frames is not None and self._frames.is_running:
            raise SourceError(f"{self._path}: its file system does not answer")
        source = LocalInput(self._path)
        self._frames = VideoFrames(source, str(self._path), max_pixels=self._max_pixels, decoder=self._decoder)
        self._round_is_empty = True
        if self._woken.is_set():
            self._frames.wake()

    def _await_first_frame(self, deadline: float) -> None:
        assert self._frames is not None
        damage = ""
        while True:
            try:
                if not self._frames.advance(deadline):
                    if self._woken.is_set():
                        raise SourceError(f"{self._path}: told to stop")
                    raise SourceError(f"{self._path}: no frame within {OPEN_SECONDS:g} s{damage}")
            except EndOfStream as exc:
                raise SourceError(f"{self._path}: no frame can be decoded{damage}") from exc
            if not self._frames.damage:
                return
            damage = f": {self._frames.damage}"

    def _next_frame(self, deadline: float) -> bool:
        """Take the next frame in hand. Returns whether there was one by *deadline*."""
        assert self._frames is not None, "grab before open"
        try:
            if not self._frames.advance(deadline):
                return False
        except EndOfStream as exc:
            if self._round_is_empty:
                raise SourceError(f"{self._path}: no frame can be decoded any more") from exc
            if not self._loop:
                raise EndOfStream(f"{self._path}: end of the file") from exc
            self._frames.close()
            self._start_round()
            return self._next_frame(deadline)
        self._take_in_hand(self._frames)
        return True

    def _take_in_hand(self, frames: VideoFrames) -> None:
        if frames.is_cut:
            self._timeline.cut()
        self._position = self._timeline.place(None if self._fps else frames.time)
        self._in_hand = True
        self._round_is_empty = False
