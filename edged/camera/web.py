"""Cameras behind an ``http://`` or ``https://`` address, whatever they send."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from edged.camera.delay import longest_silence
from edged.camera.http.redirects import Follow
from edged.camera.key_frames import DecodeFrames
from edged.camera.mjpeg import OTHER_ADDRESS, MjpegSource, NotMjpegError
from edged.camera.snapshots import SnapshotSource
from edged.errors import SourceError
from edged.values import MAX_PIXELS, Format, Stamp

if TYPE_CHECKING:
    from edged.camera.frame_needs import FrameNeeds
    from edged.camera.source import Source
    from edged.camera.stream import StreamSource
    from edged.config import CameraConfig

__all__ = ["WebSource"]


class WebSource:
    """A `LiveStream` that asks the server what it sends: JPEGs, in a stream or one by one, or a video.

    Args:
        url, timeout, stall_seconds, reduce, verify_tls, follow_redirects, max_pixels: see `MjpegSource`. A video cannot
            be reduced; with *reduce* it is refused.
        fps: requests per second where each gives one picture, see `SnapshotSource`.
        decode_frames, decoder: of a video, see `StreamSource`.

    Raises:
        ValueError: *url* is none.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 10.0,
        stall_seconds: float = 0.0,
        fps: float | None = None,
        reduce: Callable[[int, int], int] | None = None,
        verify_tls: bool = True,
        follow_redirects: Follow = "same-host",
        decode_frames: DecodeFrames = "auto",
        decoder: str = "",
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self._reduces = reduce is not None
        self._snapshots = SnapshotSource(
            url,
            timeout=timeout,
            fps=fps,
            reduce=reduce,
            verify_tls=verify_tls,
            follow_redirects=follow_redirects,
            max_pixels=max_pixels,
        )
        self._mjpeg = MjpegSource(
            url,
            timeout=timeout,
            stall_seconds=stall_seconds,
            reduce=reduce,
            verify_tls=verify_tls,
            follow_redirects=follow_redirects,
            max_pixels=max_pixels,
        )

        def make_stream() -> StreamSource:
            # Imported only now: PyAV takes 17 MiB, which a camera that sends JPEGs does not need.
            from edged.camera.stream import StreamSource

            return StreamSource(
                url,
                timeout=timeout,
                verify_tls=verify_tls,
                follow_redirects=follow_redirects,
                decode_frames=decode_frames,
                decoder=decoder,
                max_pixels=max_pixels,
            )

        self._make_stream = make_stream
        self._stream: StreamSource | None = None
        self._max_fps: float | None = None
        self._woken = threading.Event()
        self._url_path = urlsplit(url).path
        self._used: MjpegSource | SnapshotSource | StreamSource = self._mjpeg

    @classmethod
    def from_config(cls, camera: CameraConfig, needs: FrameNeeds) -> Source:
        """The source that *camera* asks for, not opened yet."""
        return cls(
            camera.source.target,
            timeout=longest_silence(camera.stall_seconds),
            stall_seconds=camera.stall_seconds,
            fps=camera.fps,
            reduce=needs.reduction,
            verify_tls=camera.verify_tls,
            follow_redirects=camera.follow_redirects,
            decode_frames=camera.decode_frames,
            decoder=camera.decoder or "",
            max_pixels=needs.max_pixels,
        )

    def open(self) -> Format:
        self.close()
        self._used = self._mjpeg
        try:
            return self._mjpeg.open()
        except NotMjpegError as other:
            if other.is_jpeg:
                self._used = self._snapshots
                return self._snapshots.open()
            is_list = self._url_path.endswith((".m3u8", ".m3u")) and other.content_type == "text/plain"
            if self._reduces or (other.content_type.startswith(("image/", "text/")) and not is_list):
                raise SourceError(f"{other}: a picture or a page is no stream; {OTHER_ADDRESS}") from other
            return self._open_stream(other)

    def _open_stream(self, other: NotMjpegError) -> Format:
        self._used = self._stream = self._stream or self._make_stream()
        self._stream.expect_rate(self._max_fps)
        if self._woken.is_set():
            self._stream.wake()
        try:
            return self._stream.open()
        except SourceError as exc:
            if other.content_type:
                raise
            raise SourceError(str(other)) from exc

    def grab(self, timeout: float) -> Stamp | None:
        return self._used.grab(timeout)

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        self._used.retrieve(slot)

    def last_received(self) -> float:
        """See `SnapshotSource` and `StreamSource`; long ago for a stream of JPEGs."""
        return 0.0 if isinstance(self._used, MjpegSource) else self._used.last_received()

    def expect_rate(self, max_fps: float | None) -> None:
        """See `SnapshotSource` and `StreamSource`."""
        self._max_fps = max_fps
        self._snapshots.expect_rate(max_fps)
        if self._stream is not None:
            self._stream.expect_rate(max_fps)

    def wake(self) -> None:
        self._woken.set()
        self._mjpeg.wake()
        self._snapshots.wake()
        stream = self._stream
        if stream is not None:
            stream.wake()

    def close(self) -> None:
        self._mjpeg.close()
        self._snapshots.close()
        if self._stream is not None:
            self._stream.close()
