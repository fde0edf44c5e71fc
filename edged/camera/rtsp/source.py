"""Cameras behind an ``rtsp://`` or ``rtsps://`` address."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edged.bell import Bell
from edged.camera.delay import LONG_SILENCE, Backlog, Delay, longest_silence
from edged.camera.http.address import Address
from edged.camera.http.connection import Woken
from edged.camera.http.redirects import Follow
from edged.camera.key_frames import DecodeFrames, KeyFrames
from edged.camera.own_time import OwnTime
from edged.camera.rtsp.failures import failure_of
from edged.camera.rtsp.rtcp import SenderReport
from edged.camera.rtsp.session import RtspSession, Transport
from edged.camera.rtsp.video import Video
from edged.camera.video.decoder_choice import DecoderChoice
from edged.camera.wake_bell import WakeBell
from edged.errors import DamagedFrame, SourceError, map_exceptions
from edged.peer_text import peer_text
from edged.values import MAX_PIXELS, Format, Stamp, StreamClock

if TYPE_CHECKING:
    from edged.camera.frame_needs import FrameNeeds
    from edged.config import CameraConfig

__all__ = ["RtspSource"]

LONGEST_LOSS = 1.5  # distances of key frames for which frames may be damaged by a loss
REST = 0.1  # seconds between two reads where no key frame is due; a second of a fast camera fits into the kernel
UNTIL_KEY = 0.8  # of the shortest distance, after which the next one may come
MOST_MISSING_KEYS = 3.0  # distances of key frames after which another one must have come


class RtspSource:
    """A `LiveStream` over RTSP, over TCP in the same connection or over UDP: H.264, H.265 or JPEG.

    User and password in the URL are sent to a server that asks for them, by Digest or Basic, to no other host, and
    appear in no text. Frames come with their own time, as far as that can be right (`OwnTime`). ``grab`` decodes what
    has arrived, because most frames build on the ones before, and gives out the newest: what had gathered while nobody
    grabbed, or before a silence, is passed over. Key frames, where they are enough, are decoded by ``retrieve``. A
    frame of which a part was lost, or that builds on one, is damaged. Frames keep the size of the first; if it changes,
    they are scaled.

    Args:
        url: ``rtsp://…`` or ``rtsps://…``.
        timeout: seconds within which the first frame must have come, and after which a stream without another one is
            lost. Only the look-up of a host name is not bound by it.
        verify_tls: refuse an RTSPS server whose certificate no authority has signed that this machine trusts.
        follow_redirects: follow redirections to the same host, on any port, or to any host. None is followed from RTSPS
            to clear text.
        transport: how the video is to come; see `RtspSession`.
        decode_frames: the frames that are decoded and given out; ``auto`` judges by the rate that is wanted.
        ts_from: ``pts`` makes nothing of the camera's wall clock.
        decoder: FFmpeg's name of a decoder to use where that can be opened.
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
        transport: Transport = "auto",
        decode_frames: DecodeFrames = "auto",
        ts_from: StreamClock = "rtcp",
        decoder: str = "",
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self._address = Address.parse(url, ("rtsp", "rtsps"))
        self._timeout = timeout
        self._verify_tls = verify_tls
        self._follow: Follow = follow_redirects
        self._transport: Transport = transport
        self._decode_frames: DecodeFrames = decode_frames
        self._use_wall_clock = ts_from == "rtcp"
        self._decoder = DecoderChoice(decoder, str(self._address))
        self._max_pixels = max_pixels
        self._bell = WakeBell()
        self._session: RtspSession | None = None
        self._video: Video | None = None
        self._key_frames = KeyFrames(decode_frames)
        self._own_time = OwnTime()
        self._report: SenderReport | None = None  # the one that the own time goes by
        self._backlog = Backlog()
        self._newest: Stamp | None = None  # of the frame that was decoded last and was not given out
        self._waited = 0.0  # seconds since the last frame in which nothing came
        self._silent_since = 0.0
        self._picture_at = self._good_at = 0.0  # when the last picture came, and the last one that is not damaged
        self._have_gathered = True  # there may be frames from while it was opened, or silent

    @classmethod
    def from_config(cls, camera: CameraConfig, needs: FrameNeeds) -> RtspSource:
        """The source that *camera* asks for, not opened yet."""
        return cls(
            camera.source.target,
            timeout=longest_silence(camera.stall_seconds),
            verify_tls=camera.verify_tls,
            follow_redirects=camera.follow_redirects,
            transport=camera.rtsp_transport,
            decode_frames=camera.decode_frames,
            ts_from=camera.ts_from,
            decoder=camera.decoder or "",
            max_pixels=needs.max_pixels,
        )

    def open(self) -> Format:
        self.close()
        bell = self._bell.open()
        deadline = time.monotonic() + self._timeout
        with ExitStack() as undo:
            undo.callback(self.close)
            with self._mapped_errors():
                fps = self._start(bell, deadline)
                width, height = self._first_size(deadline)
            undo.pop_all()
        self._silent_since = self._picture_at = self._good_at = time.monotonic()
        assert self._video is not None, "it has a size"
        return Format(width=width, height=height, fps=fps, codec=self._video.codec, decoder=self._video.decoder_name)

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
        with map_exceptions({DamagedFrame: DamagedFrame}, str(self._address), text=str):
            self._video.decode()
            self._video.write_into(slot)

    @property
    def lost_packets(self) -> int:
        """Packets of the present stream that are missing, so far."""
        return self._video.lost if self._video is not None else 0

    @property
    def wall_ns(self) -> int | None:
        """Unix time, in nanoseconds, at which the camera took the newest frame; None if it does not send that."""
        return self._video.wall_ns if self._video is not None else None

    def last_received(self) -> float:
        # Damage ends with a key frame, which comes sooner or later; where that is overdue, something else is wrong.
        assert self._video is not None, "last_received before open"
        longest = self._key_frames.longest
        wait = LONGEST_LOSS * longest if self._video.damage else max(LONG_SILENCE, MOST_MISSING_KEYS * longest)
        return min(self._picture_at, self._good_at + wait)

    def expect_rate(self, max_fps: float | None) -> None:
        self._key_frames.max_fps = max_fps

    def wake(self) -> None:
        self._bell.wake()

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
        self._bell.close()
        self._session = self._video = self._newest = None

    def _start(self, bell: Bell, deadline: float) -> float | None:
        """Connect and let the video come; returns its frames per second, if the camera gives them."""
        self._session = RtspSession(
            self._address,
            verify_tls=self._verify_tls,
            follow=self._follow,
            transport=self._transport,
            bell=bell,
            woken=self._bell.woken,
            on_video=self._take_packet,
            on_report=self._take_report,
        )
        track = self._session.describe(deadline)
        max_fps, self._key_frames = self._key_frames.max_fps, KeyFrames(self._decode_frames)
        self._key_frames.max_fps = max_fps
        self._video = Video(track, self._max_pixels, self._key_frames, self._decoder)
        self._own_time = OwnTime(use_wall_clock=self._use_wall_clock)
        self._backlog = Backlog()
        self._waited = 0.0
        self._have_gathered = True
        self._session.play(deadline)
        return track.fps

    def _first_size(self, deadline: float) -> tuple[int, int]:
        assert self._session is not None
        assert self._video is not None
        while self._video.size is None:
            if self._bell.woken.is_set():
                raise Woken
            if time.monotonic() >= deadline:
                raise SourceError(self._nothing_came(self._session, self._video))
            if not self._session.advance():
                with suppress(TimeoutError):
                    self._session.wait(deadline)
        return self._video.size

    def _nothing_came(self, session: RtspSession, video: Video) -> str:
        """Return the sentence for a stream of which no frame could be decoded."""
        begin = f"no whole frame within {self._timeout:g} s"
        if session.came_by_udp == 0:
            return f"{begin}: nothing comes over UDP, which a firewall or a NAT may hold up; use rtsp_transport: tcp"
        if video.damage:
            return f"{begin}: {video.damage}"
        if video.pictures:
            return f"{begin}: no key frame has come; let the camera send more of them, or give it more stall_seconds"
        return begin

    def _take_what_came(self, session: RtspSession, deadline: float) -> None:
        """Decode what arrives, and wait until there is a frame, the deadline has come, or ``wake`` is called.

        Frames that gathered, or that are behind, are passed over up to the last one that has arrived. That has no end
        where this machine is too slow, so the deadline and ``wake`` are looked at between two packets.
        """
        while time.monotonic() < deadline and not self._bell.woken.is_set():
            if self._newest is not None and not self._have_gathered and self._backlog.seconds <= Delay.LITTLE:
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
                if not self._is_between_keys(begin) or not session.rest(min(deadline, begin + REST)):
                    session.wait(deadline)
            self._waited += time.monotonic() - begin

    def _is_between_keys(self, now: float) -> bool:
        """Check whether nothing that is wanted can come soon."""
        assert self._video is not None
        due = self._good_at + UNTIL_KEY * self._key_frames.shortest
        return self._video.keys_only and not self._video.damage and now + REST < due

    def _take_packet(self, content: memoryview) -> None:
        video, session = self._video, self._session
        assert video is not None
        assert session is not None
        frames, pictures = video.frames, video.pictures
        self._silent_since = time.monotonic()
        video.push(content)
        if video.pictures != pictures:
            self._picture_at = self._silent_since
        passed_over = video.passed_over
        if passed_over is not None:
            packets, last = session.skip(passed_over)
            if packets:
                video.skipped(packets, last)
        if video.frames != frames:
            self._take_frame(video, time.monotonic())

    def _take_frame(self, video: Video, now: float) -> None:
        """Take note of a frame that came, and judge whether it is a new one."""
        if not video.damage:
            self._good_at = now
        is_new = self._backlog.note(now, video.position_ns / 1e9, self._waited)
        self._have_gathered |= self._backlog.has_old
        self._waited = 0.0
        self._newest = self._stamp(video) if is_new else None

    def _stamp(self, video: Video) -> Stamp:
        now, wall_ns = time.monotonic_ns(), video.wall_ns
        if video.report is not self._report and wall_ns is not None:
            self._report = video.report
            self._own_time.note_wall_clock(wall_ns, video.position_ns, now, time.time_ns())
        return self._own_time.stamp(video.position_ns, now)

    def _take_report(self, content: memoryview) -> None:
        assert self._video is not None
        self._video.take_report(content)

    def _mapped_errors(self) -> AbstractContextManager[None]:
        return map_exceptions(
            {OSError: SourceError, Woken: SourceError, MemoryError: SourceError}, str(self._address), text=self._reason
        )

    def _reason(self, exc: Exception) -> str:
        asked = self._address if self._session is None else self._session.asked
        reason = failure_of(exc, asked, self._timeout)
        return reason if str(asked) == str(self._address) else f"redirected to {peer_text(str(asked))}: {reason}"
