"""The body of an answer as a file, for a library that reads files."""

from __future__ import annotations

import io
import re
import select
import time

from edged.bell import Bell
from edged.camera.http.address import Address
from edged.camera.http.client import WebClient
from edged.camera.http.connection import Woken
from edged.camera.http.exchange import RECEIVED_AT_ONCE, EndOfBody, Response
from edged.camera.video.readable import ReadAhead
from edged.errors import SourceError

__all__ = ["MOST_IN_VAIN", "RemoteFile"]

MOST_IN_VAIN = 64 << 20  # bytes that are read without anything being found in them
MOST_JUMPS = 64  # requests likewise
READ_OVER = 1 << 20  # bytes that are rather received than asked for anew

_RANGE = re.compile(r"bytes (\d{1,15})-\d{1,15}/(?:\d{1,15}|\*)")


class RemoteFile(ReadAhead):
    """The body of *response*, which it owns, as a file.

    ``failure`` is what went wrong, which ends the file, because PyAV prints exceptions that it cannot pass on.

    Where the server takes requests for parts of it, one can go to and fro in it, each time with a new request.

    Args:
        client: asks for other parts.
        bell: ends every wait once it rings.
        timeout: seconds after which a silent server is lost.
        length: bytes of the file; None where only the server knows that, or nobody does.
    """

    def __init__(
        self, client: WebClient, response: Response, bell: Bell, timeout: float, length: int | None = None
    ) -> None:
        super().__init__()
        self.failure = ""
        self.length = length if length is not None else _length(response)
        """Bytes of it; None where that is not known, as of a stream without an end."""
        self._client, self._bell, self._timeout = client, bell, timeout
        self._rings = select.poll()
        self._rings.register(bell, select.POLLIN)
        self._at: Address = response.address
        self._body = response.body
        self._can_jump = response.headers.get("Accept-Ranges").strip().lower() == "bytes" and self.length is not None
        self._buffer = memoryview(bytearray(RECEIVED_AT_ONCE))
        self._received = 0  # bytes from its beginning to what comes next
        self._in_vain = self._jumps = 0

    def seekable(self) -> bool:
        """Whether one can go to and fro."""
        return self._can_jump

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to *offset*; returns the place in bytes from the beginning, -1 where that is not possible."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: self.length or 0}.get(whence, -1)
        target = base + offset
        if self.failure or base < 0 or not 0 <= target <= (self.length or 0):
            return -1
        if not 0 <= target - self.tell() <= READ_OVER:
            return self._jump(target)
        while self.tell() < target and self.read(target - self.tell()):
            pass
        return target if self.tell() == target else -1

    def tell(self) -> int:
        """Return the place in bytes from the beginning."""
        return self._received - len(self._ahead)

    def whole(self, most: int, deadline: float) -> bytes:
        """Return all that is left of it.

        Raises:
            SourceError: it breaks off, is longer than *most* bytes, or does not come by *deadline*.
        """
        content = bytearray()
        while received := self.read(RECEIVED_AT_ONCE):
            content += received
            if len(content) > most or time.monotonic() > deadline:
                self._fail("its list is too long, or comes too slowly")
        if self.failure:
            raise SourceError(self.failure)
        return bytes(content)

    def forget_vain(self) -> None:
        """Take note that something was found in what was read so far."""
        self._in_vain = self._jumps = 0

    def close(self) -> None:
        """Close the connection; harmless when done twice."""
        self._body.close()

    def _receive(self, size: int) -> bytes:
        left = size if self.length is None else min(size, self.length - self._received)
        if self.failure or left <= 0:
            return b""
        try:
            with self._client.mapped_errors():
                content = self._await_content(self._buffer[: min(left, RECEIVED_AT_ONCE)])
        except SourceError as exc:
            self.failure = str(exc)
            return b""
        self._received += len(content)
        self._in_vain += len(content)
        if self._in_vain > MOST_IN_VAIN:
            self._fail(f"no video in {MOST_IN_VAIN >> 20} MiB")
        return content

    def _await_content(self, into: memoryview) -> bytes:
        deadline = time.monotonic() + self._timeout
        if self._rings.poll(0):  # a server that never lets this wait would never be left
            raise Woken
        try:
            while not (count := self._body.receive(into)):
                self._body.wait(deadline)
        except EndOfBody:
            return b""
        except TimeoutError:
            raise SourceError(f"nothing has come for {self._timeout:g} s") from None
        return bytes(into[:count])

    def _jump(self, target: int) -> int:
        self._jumps += 1
        if not self._can_jump or self._jumps > MOST_JUMPS:
            return -1
        self._body.close()
        try:
            response = self._client.ask(
                self._bell, time.monotonic() + self._timeout, at=self._at, begin=target, end=self.length
            )
        except SourceError as exc:
            self.failure = str(exc)
            return -1
        self._body = response.body
        found = _RANGE.fullmatch(response.headers.get("Content-Range").strip())
        if found is None or int(found[1]) != target:
            self._fail("it sends another part of the video than was asked for")
            return -1
        self._received, self._ahead = target, b""
        return target

    def _fail(self, reason: str) -> None:
        self.failure = f"{self._client.address}: {reason}"


def _length(response: Response) -> int | None:
    text = response.headers.get("Content-Length").strip()
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text, re.ASCII) else None
