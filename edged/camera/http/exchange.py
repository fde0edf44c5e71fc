"""One GET: the request, the head of the answer, and its body as a stream of bytes."""

from __future__ import annotations

import http.client
import io
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message

from edged.bell import Bell
from edged.camera.http.address import Address
from edged.camera.http.auth import authorization
from edged.camera.http.chunks import Chunks
from edged.camera.http.connection import HttpConnection
from edged.errors import map_exceptions

__all__ = ["Body", "HttpError", "Response", "get"]

REDIRECTIONS = (301, 302, 303, 307, 308)
MOST_REDIRECTIONS = 5
LONGEST_HEAD = 65536
_STATUS = re.compile(rb"(?:HTTP/1\.[01]|ICY) (\d{3})(?: ([^\r\n]*))?\r?\n")
_HEAD_END = re.compile(rb"\r?\n\r?\n")


class HttpError(OSError):
    """The server refuses the request, or its answer makes no sense."""


class Body:
    """The body of an answer, as it arrives."""

    def __init__(self, connection: HttpConnection, begin: bytes, chunked: bool) -> None:
        self._connection = connection
        self._begin = begin  # what came together with the head
        self._chunks = Chunks() if chunked else None

    def receive(self, into: memoryview) -> int | None:
        """Read what has arrived, and do not wait: the number of bytes, 0 at the end, None if there are none now.

        Raises:
            OSError: the connection failed, or the answer makes no sense.
        """
        while True:
            if self._chunks is not None and self._chunks.ended:
                return 0
            count = self._receive_raw(into)
            if not count or self._chunks is None:
                return count
            with map_exceptions({ValueError: HttpError}):
                kept = self._chunks.strip(into[:count])
            if kept:
                return kept

    def wait(self, deadline: float) -> None:
        """Wait until something may have arrived. Raises what `HttpConnection.wait` does."""
        if not self._begin:
            self._connection.wait(deadline)

    def close(self) -> None:
        """Close the connection; harmless when done twice."""
        self._connection.close()

    def _receive_raw(self, into: memoryview) -> int | None:
        if not self._begin:
            return self._connection.receive(into)
        count = min(len(into), len(self._begin))
        into[:count] = self._begin[:count]
        self._begin = self._begin[count:]
        return count


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """The answer to a GET. Its body's owner closes it."""

    address: Address
    status: int
    reason: str
    headers: Message
    body: Body


def get(address: Address, tls: Callable[[], ssl.SSLContext], bell: Bell, deadline: float) -> Response:
    """Ask for *address*, follow redirections, and send user and password if the server asks for them.

    *tls* makes the settings of an encrypted connection, and is called only where one is needed.

    Raises:
        OSError: there is no connection (``TimeoutError``: not by *deadline*), or the answer makes no sense.
        Woken: *bell* has rung.
    """
    credentials: str | None = None
    for _ in range(MOST_REDIRECTIONS + 1):
        response = _ask(address, credentials, tls, bell, deadline)
        location = response.headers.get("Location")
        challenges = response.headers.get_all("WWW-Authenticate") or []
        if response.status in REDIRECTIONS and location:
            response.body.close()
            address, credentials = _moved(address, location), None
        elif response.status == 401 and address.user is not None and credentials is None:
            credentials = authorization(challenges, address)
            if credentials is None:
                return response
            response.body.close()
        else:
            return response
    raise HttpError("it is redirected again and again")


def _moved(address: Address, location: str) -> Address:
    with map_exceptions({ValueError: HttpError}, "it is redirected to what is no address"):
        return address.moved_to(location)


def _ask(
    address: Address, credentials: str | None, tls: Callable[[], ssl.SSLContext], bell: Bell, deadline: float
) -> Response:
    lines = [
        f"GET {address.target} HTTP/1.1",
        f"Host: {address.host_header}",
        "User-Agent: edged",
        "Accept: */*",
        "Connection: close",
    ]
    if credentials is not None:
        lines.append(f"Authorization: {credentials}")
    connection = HttpConnection(address, tls() if address.scheme == "https" else None, bell, deadline)
    try:
        connection.send("\r\n".join([*lines, "", ""]).encode(), deadline)
        return _read_head(address, connection, deadline)
    except BaseException:
        connection.close()
        raise


def _read_head(address: Address, connection: HttpConnection, deadline: float) -> Response:
    received = bytearray()
    buffer = memoryview(bytearray(4096))
    while (end := _HEAD_END.search(received)) is None:
        if len(received) > LONGEST_HEAD:
            raise HttpError("it does not answer as a web server does")
        connection.wait(deadline)
        count = connection.receive(buffer)
        if count == 0:
            raise HttpError("it closes the connection without an answer")
        received += buffer[: count or 0]
    status = _STATUS.match(received)
    if status is None:
        raise HttpError("it does not answer as a web server does")
    headers = _headers(bytes(received[status.end() : end.end()]))
    chunked = headers.get("Transfer-Encoding", "").lower() == "chunked"
    body = Body(connection, bytes(received[end.end() :]), chunked)
    reason = (status[2] or b"").decode("latin-1").strip()
    return Response(address, int(status[1]), reason, headers, body)


def _headers(text: bytes) -> Message:
    try:
        return http.client.parse_headers(io.BytesIO(text))
    except http.client.HTTPException as exc:
        raise HttpError("its answer has too many or too long headers") from exc
