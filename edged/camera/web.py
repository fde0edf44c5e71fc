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
from edged.camera.mjpeg import MjpegSource, NotMjpegError
from edged.errors import SourceError
from edged.values import MAX_PIXELS, Format, Stamp

if TYPE_CHECKING:
    from edged.camera.frame_needs import FrameNeeds
    from edged.camera.source import Source
    from edged.camera.stream import StreamSource
    from edged.config import CameraConfig

__all__ = ["WebSource"]


class WebSource:
    """A `LiveStream` that asks the server what it sends: a stream of JPEGs, or a video.

    Args:
        url, timeout, reduce, verify_tls, follow_redirects, max_pixels: see `MjpegSource`. Videos know no *reduce*.
        decode_frames, decoder: of a video, see `StreamSource`.

    Raises:
        ValueError: *url* is none.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 10.0,
        reduce: Callable[[int, int], int] | None = None,
        verify_tls: bool = True,
        follow_redirects: Follow = "same-host",
        decode_frames: DecodeFrames = "auto",
        decoder: str = "",
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self._mjpeg = MjpegSource(
            url,
            timeout=timeout,
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
        self._used: MjpegSource | StreamSource = self._mjpeg

    @classmethod
    def from_config(cls, camera: CameraConfig, needs: FrameNeeds) -> Source:
        """The source that *camera* asks for, not opened yet."""
        url, timeout = camera.source.target, longest_silence(camera.stall_seconds)
        if needs.is_reduced:  # what is no stream of JPEGs is refused: it could not be reduced
            return MjpegSource(
                url,
                timeout=timeout,
                reduce=needs.reduction,
                verify_tls=camera.verify_tls,
                follow_redirects=camera.follow_redirects,
                max_pixels=needs.max_pixels,
            )
        return cls(
            url,
            timeout=timeout,
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
            is_list = self._url_path.endswith((".m3u8", ".m3u")) and other.content_type == "text/plain"
            if other.content_type.startswith(("image/", "text/")) and not is_list:
                raise SourceError(f"{other}: a picture or a page is no stream") from other
        self._used = self._stream = self._stream or self._make_stream()
        self._stream.expect_rate(self._max_fps)
        if self._woken.is_set():
            self._stream.wake()
        return self._stream.open()

    def grab(self, timeout: float) -> Stamp | None:
        return self._used.grab(timeout)

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        self._used.retrieve(slot)

    def last_received(self) -> float:
        return self._stream.last_received() if self._stream is not None and self._used is self._stream else 0.0

    def expect_rate(self, max_fps: float | None) -> None:
        self._max_fps = max_fps
        if self._stream is not None:
            self._stream.expect_rate(max_fps)

    def wake(self) -> None:
        self._woken.set()
        self._mjpeg.wake()
        stream = self._stream
        if stream is not None:
            stream.wake()

    def close(self) -> None:
        self._mjpeg.close()
        if self._stream is not None:
            self._stream.close()
