"""Network cameras that send JPEG after JPEG over HTTP (``multipart/x-mixed-replace``)."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

import numpy as np
from numpy.typing import NDArray

from edged.camera.delay import LONG_SILENCE
from edged.camera.http.address import Address
from edged.camera.http.client import WebClient
from edged.camera.http.connection import Woken
from edged.camera.http.content_type import boundary_of, media_type
from edged.camera.http.exchange import Body, EndOfBody, Response
from edged.camera.http.parts import Parts
from edged.camera.http.redirects import Follow
from edged.camera.sent_jpegs import SentJpegs
from edged.camera.wake_bell import WakeBell
from edged.errors import DamagedFrame, SourceError, map_exceptions
from edged.peer_text import peer_text
from edged.values import MAX_PIXELS, Format, Stamp

__all__ = ["OTHER_ADDRESS", "MjpegSource", "NotMjpegError"]

DRAINED_AT_ONCE = 8 << 20  # bytes, of older pictures or of anything else, that are taken in between two waits at most


OTHER_ADDRESS = "write another address of the camera as the source, such as that of its snapshots or of its RTSP stream"
START = b"\xff\xd8"  # of a JPEG
JPEG_TYPES = frozenset({"image/jpeg", "image/jpg", "image/pjpeg"})
SERIES = (".mjpeg", ".mjpg")  # files of JPEGs one after the other


class NotMjpegError(SourceError):
    """The server answers, but with something else than a stream of JPEGs: ``content_type``, empty if it has none.

    ``is_jpeg``: it is a single one, whatever its type says.
    """

    def __init__(self, address: Address, content_type: str, *, is_jpeg: bool) -> None:
        if content_type:
            what = f"not a stream of JPEGs, but {peer_text(address.without_login(content_type))}"
        else:
            what = f"its answer has no Content-Type, so nothing says what it sends; {OTHER_ADDRESS}"
        super().__init__(f"{address}: {what}")
        self.content_type = content_type
        self.is_jpeg = is_jpeg


class MjpegSource:
    """A `Source` over HTTP or HTTPS that shows the newest picture of a multipart stream of JPEGs.

    User and password in the URL are sent to a server that asks for them, by Digest or Basic, and appear in no text.
    Frames come with the time of their arrival. A picture that is dropped is never decoded.

    Args:
        url: ``http://…`` or ``https://…``.
        timeout: seconds within which the stream must have begun. Only the look-up of a host name is not bound by it.
        stall_seconds: seconds after which a stream without another whole picture is lost; 0: *timeout*.
        reduce: asked by each ``open``, with the width and height of the pictures: 2, 4 or 8 decodes them at that
            fraction of their size, which is then the format's; 1 does not.
        verify_tls: refuse an HTTPS server whose certificate no authority has signed that this machine trusts.
        follow_redirects: follow redirections to the same host, on any port, or to any host. None is followed from HTTPS
            to clear text, and user and password go to no other host.
        max_pixels: of a picture, as it comes; a stream of larger ones is not opened, and lost where they come later.

    Raises:
        ValueError: *url* is none.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 10.0,
        stall_seconds: float = 0.0,
        reduce: Callable[[int, int], int] | None = None,
        verify_tls: bool = True,
        follow_redirects: Follow = "same-host",
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self._client = WebClient(url, timeout, verify_tls, follow_redirects)
        self._address = self._client.address
        self._timeout = timeout
        self._longest = min(stall_seconds or timeout, timeout)
        self._pictures = SentJpegs(str(self._address), reduce, max_pixels)
        self._bell = WakeBell()
        self._body: Body | None = None
        self._parts: Parts | None = None
        self._announced = b""
        self._is_new = False  # the newest picture was not given out yet
        self._arrived_ns = 0
        self._silent_since = 0.0

    def open(self) -> Format:
        """Connect, and wait for the first whole picture, which sets the size.

        Raises:
            NotMjpegError: the server sends something else.
            SourceError: there is no such stream now.
        """
        self.close()
        bell = self._bell.open()
        deadline = time.monotonic() + self._timeout
        with ExitStack() as undo:
            undo.callback(self.close)
            response = self._client.ask(bell, deadline)
            self._body = response.body
            self._parts = Parts(self._boundary(response, deadline), START)
            with self._client.mapped_errors():
                frame_format = self._first_format(deadline)
            undo.pop_all()
        self._silent_since = time.monotonic()
        return frame_format

    def grab(self, timeout: float) -> Stamp | None:
        assert self._body is not None, "grab before open"
        with self._client.mapped_errors():
            if not self._await_picture(self._body, time.monotonic() + timeout):
                return None
        self._is_new = False
        self._silent_since = time.monotonic()
        return Stamp(self._arrived_ns, "arrival")

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        picture = self._parts.newest if self._parts is not None else None
        assert picture is not None, "retrieve before grab"
        self._pictures.decode(picture, slot)

    def wake(self) -> None:
        self._bell.wake()

    def close(self) -> None:
        if self._body is not None:
            self._body.close()
        self._bell.close()
        self._body = self._parts = None
        self._is_new = False

    def _await_picture(self, body: Body, deadline: float) -> bool:
        """Wait for a whole picture that was not given out. Returns whether there is one."""
        try:
            while not (self._is_new or self._receive(deadline)):
                self._check_silence()
                body.wait(deadline)
        except (TimeoutError, Woken):
            self._check_silence()
            return False
        return True

    def _check_silence(self) -> None:
        if time.monotonic() - self._silent_since > self._longest:
            cure = "set stall_seconds to more, up to 30, or " if self._longest < LONG_SILENCE else ""
            cure += "write the address of its snapshots as the source"
            raise SourceError(f"no whole picture for {self._longest:g} s; if it sends one that rarely, {cure}")

    def _receive(self, deadline: float) -> bool:
        """Take in what has arrived, within budgets of bytes and time. Returns whether there is a new whole picture.

        What is taken in may be anything, so neither budget is by what is found in it; the deadline and a wish to stop
        are looked at between two receives.
        """
        assert self._body is not None
        assert self._parts is not None
        self._parts.forget()
        budget = self._body.received + DRAINED_AT_ONCE
        try:
            while (count := self._body.receive(self._parts.free_space())) is not None:
                self._count_received(self._parts, count)
                if self._body.received >= budget or time.monotonic() >= deadline or self._bell.woken.is_set():
                    break
        except EndOfBody as exc:
            if not self._is_new:
                raise SourceError("the server has ended the stream") from exc
        return self._is_new

    def _count_received(self, parts: Parts, count: int) -> None:
        with map_exceptions({ValueError: SourceError}, "not a stream of pictures"):
            if parts.received(count):
                self._is_new = True
                self._arrived_ns = time.monotonic_ns()

    def _boundary(self, response: Response, deadline: float) -> bytes:
        content_type = response.headers.get("Content-Type")
        with map_exceptions({ValueError: SourceError}, str(self._address)):
            boundary = boundary_of(content_type)
        kind = media_type(content_type)
        if boundary is None and kind.startswith("multipart/"):
            raise SourceError(f"{self._address}: its answer announces parts, but no boundary of these; {OTHER_ADDRESS}")
        if boundary is None:
            raise NotMjpegError(self._address, kind, is_jpeg=self._is_jpeg(response, kind, deadline))
        self._announced = boundary
        return boundary

    def _is_jpeg(self, response: Response, kind: str, deadline: float) -> bool:
        """Check whether the answer is a JPEG of a known length: the type that a camera gives it is not always right."""
        if kind in JPEG_TYPES:
            return True
        is_many = kind.startswith("video/") or response.address.target.partition("?")[0].lower().endswith(SERIES)
        if is_many or not response.headers.get("Content-Length"):
            return False
        begin, room = b"", memoryview(bytearray(len(START)))
        with self._client.mapped_errors(), suppress(EndOfBody):
            while len(begin) < len(START):
                count = response.body.receive(room[: len(START) - len(begin)])
                if count is None:
                    response.body.wait(deadline)
                begin += room[: count or 0]
        return begin == START

    def _first_format(self, deadline: float) -> Format:
        assert self._body is not None
        damage = ""
        while time.monotonic() < deadline:
            if self._bell.woken.is_set():
                raise Woken
            if not self._receive(deadline):
                with suppress(TimeoutError):
                    self._body.wait(deadline)
                continue
            assert self._parts is not None
            assert self._parts.newest is not None
            try:
                return self._pictures.begin(self._parts.newest)
            except DamagedFrame as exc:
                damage = f": {exc}"
                self._is_new = False
        raise SourceError(f"no whole picture within {self._timeout:g} s{damage or self._why_none()}")

    def _why_none(self) -> str:
        """Return the reason why nothing was found in what has come, if there is one that can be seen."""
        assert self._body is not None
        assert self._parts is not None
        if not self._body.received:
            return ""
        if not self._parts.found:
            boundary = peer_text(self._announced)
            return f": the boundary that it announces ({boundary}) is not in what it sends; {OTHER_ADDRESS}"
        return f": none of its {self._parts.others} parts is a JPEG; {OTHER_ADDRESS}" if self._parts.others else ""
