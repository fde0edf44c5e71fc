"""Cameras behind an ``http://`` or ``https://`` address, whatever they send."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edged.camera.mjpeg import MjpegSource, NotMjpegError
from edged.camera.stream import StreamSource, longest_silence
from edged.errors import SourceError
from edged.values import Format, Stamp

if TYPE_CHECKING:
    from edged.camera.frame_needs import FrameNeeds
    from edged.camera.source import Source
    from edged.config import CameraConfig

__all__ = ["WebSource"]


class WebSource:
    """A `Source` that asks the server what it sends: a stream of JPEGs is read by edged itself, others by FFmpeg.

    Args:
        url, timeout, reduce, verify_tls: see `MjpegSource`. FFmpeg knows no *reduce*, and reads ``https`` only where
            *verify_tls* is False.

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
    ) -> None:
        self._mjpeg = MjpegSource(url, timeout=timeout, reduce=reduce, verify_tls=verify_tls)
        self._stream = StreamSource(url, timeout=timeout, verify_tls=verify_tls)
        self._used: MjpegSource | StreamSource = self._mjpeg

    @classmethod
    def from_config(cls, camera: CameraConfig, needs: FrameNeeds) -> Source:
        """The source that *camera* asks for, not opened yet."""
        url, timeout = camera.source.target, longest_silence(camera.stall_seconds)
        if needs.is_reduced:  # what is no stream of JPEGs is refused: it could not be reduced
            return MjpegSource(url, timeout=timeout, reduce=needs.reduction, verify_tls=camera.verify_tls)
        return cls(url, timeout=timeout, verify_tls=camera.verify_tls)

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
