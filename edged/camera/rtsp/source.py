"""Cameras behind an ``rtsp://`` or ``rtsps://`` address."""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from edged.bell import Bell
from edged.camera.delay import Delay, is_from_before, longest_silence
from edged.camera.http.address import Address
from edged.camera.http.connection import Woken
from edged.camera.http.failures import reason_of
from edged.camera.http.redirects import Follow
from edged.camera.rtsp.session import RtspSession
from edged.camera.rtsp.video import Video
from edged.errors import DamagedFrame, SourceError, map_exceptions
from edged.values import MAX_PIXELS, Format, Stamp

if TYPE_CHECKING:
    from edged.camera.frame_needs import FrameNeeds
    from edged.config import CameraConfig

__all__ = ["DecodeFrames", "RtspSource"]

DecodeFrames = Literal["all", "key"]
"""The frames that are decoded: all, or those only that are coded without another one."""


class RtspSource:
    """A `Source` over RTSP, with the video in the same TCP connection: H.264, H.265 or JPEG.

    User and password in the URL are sent to a server that asks for them, by Digest or Basic, to no other host, and
    appear in no text. Frames come with the time of their arrival. ``grab`` decodes what has arrived, because most
    frames build on the ones before, and gives out the newest: what had gathered while nobody grabbed, or before a
    silence, is passed over. A frame of which a part was lost, or that builds on one, is damaged.

    Args:
        url: ``rtsp://…`` or ``rtsps://…``.
        timeout: seconds within which the first frame must have come, and after which a stream without another one is
            lost. Only the look-up of a host name is not bound by it.
        verify_tls: refuse an RTSPS server whose certificate no authority has signed that this machine trusts.
        follow_redirects: follow redirections to the same host, on any port, or to any host. None is followed from RTSPS
            to clear text.
        decode_frames: the frames that are decoded and given out.
        max_pixels: of a frame; a stream of larger ones is not decoded.

    Raises:
        ValueError: *url* is none.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 10.0,
        verify_tls: bool = True,
        follow_redirects: Follow = "same-host",
        decode_frames: DecodeFrames = "all",
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self._address = Address.parse(url, ("rtsp", "rtsps"))
        self._timeout = timeout
        self._verify_tls = verify_tls
        self._follow: Follow = follow_redirects
        self._keys_only = decode_frames == "key"
        self._max_pixels = max_pixels
        self._woken = threading.Event()
        self._bell: Bell | None = None
        self._session: RtspSession | None = None
        self._video: Video | None = None
        self._delay = Delay()
        self._size = (0, 0)  # of the frames, since the first
        self._newest: Stamp | None = None  # of the frame that was decoded last and was not given out
        self._position = 0.0  # of the last frame, in the stream's own seconds
        self._waited = 0.0  # seconds since that in which nothing came
        self._was_old = False  # the last frame, from before a silence
        self._silent_since = 0.0
        self._have_gathered = True  # there may be frames from while it was opened, or silent

    @classmethod
    def from_config(cls, camera: CameraConfig, needs: FrameNeeds) -> RtspSource:
        """The source that *camera* asks for, not opened yet."""
        return cls(
            camera.source.target,
            timeout=longest_silence(camera.stall_seconds),
            verify_tls=camera.verify_tls,
            follow_redirects=camera.follow_redirects,
            max_pixels=needs.max_pixels,
        )

    def open(self) -> Format:
        self.close()
        self._bell = Bell()
        if self._woken.is_set():
            self._bell.ring()
        deadline = time.monotonic() + self._timeout
        with ExitStack() as undo:
            undo.callback(self.close)
            with self._mapped_errors():
                fps = self._start(self._bell, deadline)
                self._size = self._first_size(deadline)
            undo.pop_all()
        self._silent_since = time.monotonic()
        width, height = self._size
        return Format(width=width, height=height, fps=fps)

    def grab(self, timeout: float) -> Stamp | None:
        assert self._session is not None, "grab before open"
        with self._mapped_errors():
            self._take_what_came(self._session, time.monotonic() + timeout)
        stamp, self._newest = self._newest, None
        if stamp is not None:
            self._silent_since = time.monotonic()
        return stamp

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        assert self._video is not None, "retrieve before open"
        if self._video.damage:
            raise DamagedFrame(f"{self._address}: {self._video.damage}")
        size = self._video.size
        if size != self._size or slot.shape[:2] != (self._size[1], self._size[0]):
            now = f"{size[0]}×{size[1]}" if size else "unknown"
            raise SourceError(
                f"{self._address}: the size of the frames has changed: {now} now instead of "
                f"{self._size[0]}×{self._size[1]}"
            )
        with map_exceptions({DamagedFrame: DamagedFrame}, str(self._address), text=str):
            self._video.write_into(slot)

    @property
    def lost_packets(self) -> int:
        """Packets of the present stream that are missing, so far."""
        return self._video.lost if self._video is not None else 0

    @property
    def wall_ns(self) -> int | None:
        """Unix time, in nanoseconds, at which the camera took the newest frame; None if it does not send that."""
        return self._video.wall_ns if self._video is not None else None

    def wake(self) -> None:
        self._woken.set()
        bell = self._bell
        if bell is not None:
            bell.ring()

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
        if self._bell is not None:
            self._bell.close()
        self._session = self._bell = self._video = self._newest = None

    def _start(self, bell: Bell, deadline: float) -> float | None:
        """Connect and let the video come; returns its frames per second, if the camera gives them."""
        self._session = RtspSession(
            self._address,
            verify_tls=self._verify_tls,
            follow=self._follow,
            bell=bell,
            woken=self._woken,
            on_video=self._take_packet,
            on_report=self._take_report,
        )
        track = self._session.describe(deadline)
        self._video = Video(track, self._max_pixels, keys_only=self._keys_only)
        self._delay = Delay()
        self._position = self._waited = 0.0
        self._have_gathered = True
        self._session.play(deadline)
        return track.fps

    def _first_size(self, deadline: float) -> tuple[int, int]:
        assert self._session is not None
        assert self._video is not None
        while self._video.size is None:
            if self._woken.is_set():
                raise Woken
            if time.monotonic() >= deadline:
                damage = f": {self._video.damage}" if self._video.damage else ""
                raise SourceError(f"no whole frame within {self._timeout:g} s{damage}")
            if not self._session.advance():
                with suppress(TimeoutError):
                    self._session.wait(deadline)
        return self._video.size

    def _take_what_came(self, session: RtspSession, deadline: float) -> None:
        """Decode what arrives, and wait until there is a frame, the deadline has come, or ``wake`` is called.

        Frames that gathered, or that are behind, are passed over up to the last one that has arrived. That has no end
        where this machine is too slow, so the deadline and ``wake`` are looked at between two packets.
        """
        while time.monotonic() < deadline and not self._woken.is_set():
            if self._newest is not None and not self._have_gathered and self._delay.seconds <= Delay.LITTLE:
                return
            if session.advance():
                continue
            self._have_gathered = False
            if self._newest is not None:
                return
            begin = time.monotonic()
            if begin - self._silent_since > self._timeout:
                raise SourceError(f"no frame for {self._timeout:g} s")
            with suppress(TimeoutError, Woken):
                session.wait(deadline)
            self._waited += time.monotonic() - begin

    def _take_packet(self, content: memoryview) -> None:
        assert self._video is not None
        frames = self._video.frames
        self._silent_since = time.monotonic()
        self._video.push(content)
        if self._video.frames != frames:
            self._take_frame(self._video.position)

    def _take_frame(self, position: float) -> None:
        """Take note of a frame that was decoded, and judge whether it is a new one."""
        now = time.monotonic()
        advanced, self._position = position - self._position, position
        # Never twice in a row: a slow camera may count its frames instead of giving their times.
        self._was_old = not self._was_old and is_from_before(self._waited, advanced)
        self._have_gathered |= self._was_old
        # Whatever was waited for did not lie in a queue, because nothing is waited for while that holds anything.
        self._delay.note(now, position, was_awaited=self._waited > 0)
        self._waited = 0.0
        if self._delay.is_hopeless(now):
            # What is opened anew begins with the present.
            raise SourceError(
                f"this machine cannot keep up with the stream ({self._delay.seconds:.1f} s behind): "
                "use the camera's smaller stream, or let it send fewer frames per second"
            )
        is_new = not (self._was_old or self._delay.is_late)
        self._newest = Stamp(time.monotonic_ns(), "arrival") if is_new else None

    def _take_report(self, content: memoryview) -> None:
        assert self._video is not None
        self._video.report(content)

    def _mapped_errors(self) -> AbstractContextManager[None]:
        return map_exceptions(
            {OSError: SourceError, Woken: SourceError, MemoryError: SourceError}, str(self._address), text=self._reason
        )

    def _reason(self, exc: Exception) -> str:
        return reason_of(exc, self._address.host, self._timeout)
