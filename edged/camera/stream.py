"""Videos over HTTP: every stream that is not one of JPEGs."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import numpy as np
from numpy.typing import NDArray

from edged.camera.delay import LONG_SILENCE, Backlog
from edged.camera.http.client import WebClient
from edged.camera.http.redirects import Follow
from edged.camera.key_frames import DecodeFrames, KeyFrames
from edged.camera.own_time import OwnTime
from edged.camera.video.decoder_choice import DecoderChoice
from edged.camera.video.frames import VideoFrames
from edged.camera.video.timeline import DEFAULT_FPS, Pace, Timeline
from edged.camera.web_video import WebVideo
from edged.errors import EndOfStream, SourceError, map_exceptions
from edged.values import MAX_PIXELS, Format, Stamp

__all__ = ["StreamSource"]

MOST_MISSING_KEYS = 3.0  # distances of key frames after which another one must have come
NO_INDEX = "; an .mp4 whose index is at its end needs a server that sends parts of files (Accept-Ranges)"
_SECOND = 1_000_000_000


class StreamSource:
    """A `Source` over HTTP or HTTPS, such as ``http://camera/stream.ts``, a video file, or an HLS playlist.

    edged itself receives it, as any HTTP camera: user and password go to no other host and appear in no text. What
    comes as it is captured is given out at once, and the newest of it where it is behind. What comes as a whole or in
    pieces, a file or HLS, is played at the speed of its own times. Frames keep the size of the first; if that changes
    they are scaled.

    Args:
        url: ``http://…`` or ``https://…``.
        timeout: seconds within which the first frame must have come, and after which a stream without another packet is
            lost.
        verify_tls, follow_redirects: see `MjpegSource`; the addresses in a playlist count as redirections.
        decode_frames: the frames that are decoded.
        max_fps: frames per second that are wanted at most; None: all that come.
        decoder: FFmpeg's name of a decoder to use where that can be opened.
        max_pixels: of a frame; a stream of larger ones is not decoded.

    Raises:
        ValueError: *url* is none of these.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 10.0,
        verify_tls: bool = True,
        follow_redirects: Follow = "same-host",
        decode_frames: DecodeFrames = "all",
        max_fps: float | None = None,
        decoder: str = "",
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self._client = WebClient(url, timeout, verify_tls, follow_redirects)
        self._shown = str(self._client.address)
        self._timeout = timeout
        self._decode_frames = decode_frames
        self._decoder = DecoderChoice(decoder, self._shown)
        self._max_pixels = max_pixels
        self._woken = threading.Event()
        self._frames: VideoFrames | None = None
        self._left_behind: VideoFrames | None = None  # the one before, whose thread may wait for a name server
        self._size = (0, 0)
        self._key_frames = KeyFrames(decode_frames)
        self._key_frames.max_fps = max_fps
        self._play: _AsItComes | _Played = _AsItComes(self._shown)
        self._is_in_hand = False  # a frame was decoded, and is not due yet
        self._good_at = 0.0  # when the last frame came that is not damaged

    def open(self) -> Format:
        self.close()
        if self._left_behind is not None and self._left_behind.is_running:
            raise SourceError(f"{self._shown}: the name server does not answer")
        max_fps, self._key_frames = self._key_frames.max_fps, KeyFrames(self._decode_frames)
        self._key_frames.max_fps = max_fps
        video = WebVideo(self._client, self._timeout)
        self._frames = frames = VideoFrames(
            video,
            self._shown,
            max_pixels=self._max_pixels,
            decoder=self._decoder,
            key_frames=self._key_frames,
        )
        if self._woken.is_set():
            frames.wake()
        with ExitStack() as undo:
            undo.callback(self.close)
            self._size = width, height = self._first_size(frames)
            undo.pop_all()
        self._play = _Played(frames.fps) if video.is_recorded else _AsItComes(self._shown)
        self._is_in_hand = self._play.take(frames, 0.0)
        self._good_at = time.monotonic()
        return Format(width=width, height=height, fps=frames.fps, codec=frames.codec, decoder=frames.decoder_name)

    def grab(self, timeout: float) -> Stamp | None:
        assert self._frames is not None, "grab before open"
        deadline = time.monotonic() + timeout
        if self._woken.is_set() or not (self._is_in_hand or self._next_frame(self._frames, deadline)):
            return None
        wait = self._play.wait()
        left = deadline - time.monotonic()
        if wait > 0 and (self._woken.wait(max(0.0, min(wait, left))) or wait > left):
            return None
        self._is_in_hand = False
        return self._play.stamp()

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        assert self._frames is not None, "retrieve before open"
        if slot.shape != (self._size[1], self._size[0], 3):
            raise SourceError(f"{self._shown}: a frame has the size {self._size[0]}×{self._size[1]}")
        self._frames.write_into(slot)

    def last_received(self) -> float:
        # Damage ends with a key frame, which comes sooner or later; where that is overdue, something else is wrong.
        assert self._frames is not None, "last_received before open"
        return min(
            self._frames.packet_at, self._good_at + max(LONG_SILENCE, MOST_MISSING_KEYS * self._key_frames.longest)
        )

    def expect_rate(self, max_fps: float | None) -> None:
        self._key_frames.max_fps = max_fps

    def wake(self) -> None:
        self._woken.set()
        frames = self._frames
        if frames is not None:
            frames.wake()

    def close(self) -> None:
        if self._frames is not None:
            self._frames.close()
            self._left_behind = self._frames
        self._frames = None

    def _first_size(self, frames: VideoFrames) -> tuple[int, int]:
        # What the thread finds wrong within the time says more than that the time is over.
        deadline, damage = time.monotonic() + self._timeout + 0.5, ""
        try:
            while frames.advance(deadline):
                if frames.size is not None and not frames.damage:
                    return frames.size
                damage = f": {frames.damage}"
        except EndOfStream as exc:
            raise SourceError(f"{self._shown}: no frame can be decoded{damage or NO_INDEX}") from exc
        if self._woken.is_set():
            raise SourceError(f"{self._shown}: told to stop")
        raise SourceError(f"{self._shown}: no frame within {self._timeout:g} s{damage}")

    def _next_frame(self, frames: VideoFrames, deadline: float) -> bool:
        """Take the next frame in hand that is a new one. Returns whether there was one by *deadline*."""
        while True:
            was_awaited, begin = frames.is_read, time.monotonic()
            try:
                if not frames.advance(deadline):
                    break
            except EndOfStream as exc:  # it has to be opened anew
                raise SourceError(f"{self._shown}: stopped delivering") from exc
            if not frames.damage:
                self._good_at = time.monotonic()
            if self._play.take(frames, time.monotonic() - begin if was_awaited else 0.0):
                self._is_in_hand = True
                return True
        if time.monotonic() - frames.packet_at > self._timeout:
            raise SourceError(f"{self._shown}: no frame for {self._timeout:g} s")
        return False


class _Played:
    """A stream that comes as a whole or in pieces: its frames are due at the distances of their own times."""

    def __init__(self, fps: float | None) -> None:
        self._timeline, self._pace = Timeline(1.0 / (fps or DEFAULT_FPS)), Pace()
        self._position = self._due = 0.0

    def take(self, frames: VideoFrames, waited: float) -> bool:  # noqa: ARG002 - it matters for live streams
        """Take note of the newest frame. Returns whether it is to be given out."""
        if frames.is_cut:
            self._timeline.cut()
        self._position = self._timeline.place(frames.time)
        return True

    def wait(self) -> float:
        """Return the seconds until the frame is due."""
        now = time.monotonic()
        self._due = self._pace.due(self._position, now)
        return self._due - now

    def stamp(self) -> Stamp:
        """Return the time of the frame, which is due."""
        return Stamp(min(round(self._due * _SECOND), time.monotonic_ns()), "driver", "pts")


class _AsItComes:
    """A stream that comes as it is captured: frames are given out at once, except those that are behind."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._backlog = Backlog()
        self._own_time = OwnTime(use_wall_clock=False)
        self._stamp = Stamp(0, "arrival")

    def take(self, frames: VideoFrames, waited: float) -> bool:
        """Take note of the newest frame, for which was *waited*. Returns whether it is to be given out."""
        now, position = time.monotonic_ns(), frames.time
        if position is None:
            self._stamp = Stamp(now, "arrival")
            return True
        with map_exceptions({SourceError: SourceError}, self._shown):
            is_new = self._backlog.note(now / _SECOND, position, waited)
        self._stamp = self._own_time.stamp(round(position * _SECOND), now)
        return is_new

    def wait(self) -> float:
        """Return the seconds until the frame is due."""
        return 0.0

    def stamp(self) -> Stamp:
        """Return the time of the frame."""
        return self._stamp
