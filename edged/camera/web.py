"""Cameras behind an ``http://`` or ``https://`` address, whatever they send."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edged.camera.delay import longest_silence
from edged.camera.http.client import WebClient
from edged.camera.http.redirects import Follow
from edged.camera.mjpeg import MjpegSource, NotMjpegError
from edged.camera.relayed import RelayedSource
from edged.camera.stream import StreamSource
from edged.errors import SourceError
from edged.values import MAX_PIXELS, Format, Stamp

if TYPE_CHECKING:
    from edged.camera.frame_needs import FrameNeeds
    from edged.camera.source import Source
    from edged.config import CameraConfig

__all__ = ["WebSource"]


class WebSource:
    """A `Source` that asks the server what it sends: a stream of JPEGs is read by edged itself, others by FFmpeg.

    FFmpeg gets them through edged's own client; where any redirection is allowed, it opens ``http`` by itself, which
    can read lists of addresses and videos that do not begin with their index.

    Args:
        url, timeout, reduce, verify_tls, follow_redirects, max_pixels: see `MjpegSource`. FFmpeg knows no *reduce*.

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
        stream = StreamSource(url, timeout=timeout, verify_tls=verify_tls, max_pixels=max_pixels)
        client = WebClient(url, timeout, verify_tls, follow_redirects)
        # By itself FFmpeg would follow a redirection from https:// to clear text.
        opens_itself = follow_redirects == "any" and client.address.scheme == "http"
        self._stream = stream if opens_itself else RelayedSource(client, stream, timeout)
        self._used: MjpegSource | StreamSource | RelayedSource = self._mjpeg

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
            max_pixels=needs.max_pixels,
        )

    def open(self) -> Format:
        self.close()
        self._used = self._mjpeg
        try:
            return self._mjpeg.open()
        except NotMjpegError as other:
            if other.content_type.startswith(("image/", "text/")):
                raise SourceError(f"{other}: a picture or a page is no stream") from other
        self._used = self._stream
        return self._stream.open()

    def grab(self, timeout: float) -> Stamp | None:
        return self._used.grab(timeout)

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        self._used.retrieve(slot)

    def wake(self) -> None:
        self._mjpeg.wake()
        self._stream.wake()

    def close(self) -> None:
        self._mjpeg.close()
        self._stream.close()
