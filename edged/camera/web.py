"""Cameras behind an ``http://`` or ``https://`` address, whatever they send."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edged.camera.delay import longest_silence
from edged.camera.http.client import WebClient
from edged.camera.http.redirects import Follow
from edged.camera.mjpeg import OTHER_ADDRESS, MjpegSource, NotMjpegError
from edged.camera.relayed import RelayedSource
from edged.camera.snapshots import SnapshotSource
from edged.camera.stream import StreamSource
from edged.errors import SourceError
from edged.values import MAX_PIXELS, Format, Stamp

if TYPE_CHECKING:
    from edged.camera.frame_needs import FrameNeeds
    from edged.camera.source import Source
    from edged.config import CameraConfig

__all__ = ["WebSource"]

JPEG_TYPES = frozenset({"image/jpeg", "image/jpg", "image/pjpeg"})


class WebSource:
    """A `Source` that asks the server what it sends: JPEGs, in a stream or one by one, or a video.

    FFmpeg gets them through edged's own client; where any redirection is allowed, it opens ``http`` by itself, which
    can read lists of addresses and videos that do not begin with their index.

    Args:
        url, timeout, stall_seconds, reduce, verify_tls, follow_redirects, max_pixels: see `MjpegSource`. A video cannot
            be reduced; with *reduce* it is refused.
        fps: requests per second where each gives one picture, see `SnapshotSource`.

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
        stream = StreamSource(url, timeout=timeout, verify_tls=verify_tls, max_pixels=max_pixels)
        client = WebClient(url, timeout, verify_tls, follow_redirects)
        # By itself FFmpeg would follow a redirection from https:// to clear text.
        opens_itself = follow_redirects == "any" and client.address.scheme == "http"
        self._stream = stream if opens_itself else RelayedSource(client, stream, timeout)
        self._used: MjpegSource | SnapshotSource | StreamSource | RelayedSource = self._mjpeg

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
            max_pixels=needs.max_pixels,
        )

    def open(self) -> Format:
        self.close()
        self._used = self._mjpeg
        try:
            return self._mjpeg.open()
        except NotMjpegError as other:
            if other.content_type in JPEG_TYPES:
                self._used = self._snapshots
                return self._snapshots.open()
            if self._reduces or other.content_type.startswith(("image/", "text/")):
                raise SourceError(f"{other}: a picture or a page is no stream; {OTHER_ADDRESS}") from other
            return self._open_stream(other)

    def _open_stream(self, other: NotMjpegError) -> Format:
        self._used = self._stream
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
        """See `SnapshotSource`; long ago for other kinds."""
        return self._snapshots.last_received() if self._used is self._snapshots else 0.0

    def expect_rate(self, max_fps: float | None) -> None:
        """See `SnapshotSource`."""
        self._snapshots.expect_rate(max_fps)

    def wake(self) -> None:
        self._mjpeg.wake()
        self._snapshots.wake()
        self._stream.wake()

    def close(self) -> None:
        self._mjpeg.close()
        self._snapshots.close()
        self._stream.close()
