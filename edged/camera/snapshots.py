"""Network cameras that send one JPEG for each request (``http://camera/snapshot.jpg``)."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edged.camera.http.client import WebClient
from edged.camera.http.parts import LARGEST_PART
from edged.camera.http.poll import PolledResource
from edged.camera.http.redirects import Follow
from edged.camera.sent_jpegs import SentJpegs
from edged.camera.wake_bell import WakeBell
from edged.errors import SourceError
from edged.values import MAX_PIXELS, Format, Stamp

__all__ = ["DEFAULT_FPS", "SnapshotSource"]

DEFAULT_FPS = 1.0


class SnapshotSource:
    """A `Source` that asks a server for a JPEG again and again.

    A frame has the time at which its picture was asked for. One that has not changed, as the server says, is the same
    frame again, and is not sent again.

    Args:
        url, timeout, reduce, verify_tls, follow_redirects, max_pixels: see `MjpegSource`; *timeout* is for one picture.
        fps: requests per second, as far as the server is quick enough; None for 1.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 10.0,
        fps: float | None = None,
        reduce: Callable[[int, int], int] | None = None,
        verify_tls: bool = True,
        follow_redirects: Follow = "same-host",
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self._client = WebClient(url, timeout, verify_tls, follow_redirects)
        self._timeout = timeout
        self._interval = 1.0 / (fps or DEFAULT_FPS)
        self._pictures = SentJpegs(str(self._client.address), reduce, max_pixels)
        self._bell = WakeBell()
        self._resource: PolledResource | None = None
        self._due = 0.0
        self._damaged_at: float | None = None  # since then no picture was whole

    def open(self) -> Format:
        """Fetch the first picture, which sets the size.

        Raises:
            SourceError: there is none now.
        """
        self.close()
        self._resource = self._client.polled(self._bell.open(), LARGEST_PART)
        try:
            self._client.fetch(self._resource, time.monotonic() + self._timeout)
            with self._client.mapped_errors():
                frame_format = self._pictures.begin(memoryview(self._resource.content), 1.0 / self._interval)
        except BaseException:
            self.close()
            raise
        self._due = time.monotonic()  # the next picture may differ already
        self._damaged_at = None
        return frame_format

    def grab(self, timeout: float) -> Stamp | None:
        assert self._resource is not None, "grab before open"
        wait = self._due - time.monotonic()
        if wait > 0 and (self._bell.woken.wait(min(wait, timeout)) or wait > timeout):
            return None
        asked_ns, begin = time.monotonic_ns(), time.monotonic()
        self._client.fetch(self._resource, begin + self._timeout)
        self._due = max(self._due + self._interval, begin)  # a slow server is not asked for more at once
        return Stamp(asked_ns, "arrival")

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        assert self._resource is not None, "retrieve before grab"
        try:
            self._pictures.decode(memoryview(self._resource.content), slot)
        except SourceError:
            self._damaged_at = self._damaged_at or time.monotonic()
            raise
        self._damaged_at = None

    def last_received(self) -> float:
        """The instant, on the monotonic clock, until which all is well: a camera is not silent until it is asked.

        After a damaged picture, the next one has to be whole.
        """
        due = self._due if self._damaged_at is None else self._damaged_at + self._interval
        return min(due, time.monotonic())

    def expect_rate(self, max_fps: float | None) -> None:
        """Ask *max_fps* times per second from now on; None for once."""
        self._interval = 1.0 / (max_fps or DEFAULT_FPS)
        self._due = min(self._due, time.monotonic() + self._interval)

    def wake(self) -> None:
        self._bell.wake()

    def close(self) -> None:
        if self._resource is not None:
            self._resource.close()
        self._bell.close()
        self._resource = None
