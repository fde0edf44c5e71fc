"""One GET: the request, the head of the answer, and its body as a stream of bytes."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edged.bell import Bell
from edged.camera.http.address import Address
from edged.camera.http.auth import authorization
from edged.camera.http.chunks import Chunks
from edged.camera.http.connection import HttpConnection
from edged.camera.http.head import LONGEST_HEAD, Head, HeadEnd, Headers, read_head
from edged.camera.http.redirects import MOST_REDIRECTIONS, REDIRECTIONS, Follow, redirected
from edged.errors import map_exceptions
from edged.peer_text import peer_text

__all__ = ["RECEIVED_AT_ONCE", "Body", "EndOfBody", "HttpError", "Response", "get", "read_response"]

_WITH_CONTENT = (200, 206)
RECEIVED_AT_ONCE = 65536  # bytes, between two of which the caller looks at its deadline


class HttpError(OSError):
    """The server refuses the request, or its answer makes no sense."""


class EndOfBody(EOFError):  # noqa: N818 - not an error of its own: what it means is up to the caller
    """The body has come to its end."""


class Body:
    """The body of an answer, as it arrives.

    ``received`` counts the bytes that have come, whatever they hold: a caller that bounds these, and its time, is not
    held up by a server that sends many bytes around little content.
    """

    def __init__(self, connection: HttpConnection, begin: bytes, chunked: bool) -> None:
        self.received = 0
        self._connection = connection
        self._begin = begin  # what came together with the head
        self._chunks = Chunks() if chunked else None

    def receive(self, into: memoryview) -> int | None:
        """Read what has arrived, `RECEIVED_AT_ONCE` bytes at most, and do not wait; None if there are none now.

        Returns the number of bytes of content, which may be 0 where only what stands around it has come.

        Raises:
            EndOfBody: there is no more.
            OSError: the connection failed, or the answer makes no sense.
        """
        if self._chunks is not None and self._chunks.ended:
            raise EndOfBody
        count = self._receive_raw(into[:RECEIVED_AT_ONCE])
        if count == 0:
            raise EndOfBody
        if count is None:
            return None
        self.received += count
        if self._chunks is None:
            return count
        with map_exceptions({ValueError: HttpError}):
            return self._chunks.strip(into[:count])

    def wait(self, deadline: float) -> None:
        """Wait until something may have arrived. Raises what `HttpConnection.wait` does."""
        if not self._begin:
            self._connection.wait(deadline)
        elif time.monotonic() >= deadline:
            raise TimeoutError

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
    headers: Headers
    body: Body


def get(
    origin: Address,
    tls: Callable[[], ssl.SSLContext],
    bell: Bell,
    deadline: float,
    follow: Follow = "same-host",
    on_ask: Callable[[Address], object] = lambda _: None,
    *,
    start: Address | None = None,
    headers: Sequence[str] = (),
) -> Response:
    """Ask for *origin*, follow redirections, and send user and password if the server asks for them.

    *tls* makes the settings of an encrypted connection, and is called only where one is needed. *on_ask* gets each
    address before it is asked: the last one is where a failure happens. *start* is asked for in the place of *origin*,
    to whose host user and password still belong. *headers* are lines of the request.

    Raises:
        OSError: there is no connection (``TimeoutError``: not by *deadline*), the answer makes no sense, or it leads to
            where *follow* does not let us go.
        Woken: *bell* has rung.
    """
    address, credentials = start or origin, None
    for _ in range(MOST_REDIRECTIONS + 1):
        on_ask(address)
        response = _ask(address, credentials, tls, bell, deadline, headers)
        location = response.headers.get("Location")
        if response.status in REDIRECTIONS and location:
            response.body.close()
            with map_exceptions({ValueError: HttpError}):
                address, credentials = redirected(origin, address, location, follow), None
        elif response.status == 401 and address.user is not None and credentials is None:
            credentials = authorization(response.headers.all("WWW-Authenticate"), address)
            if credentials is None:
                return response
            response.body.close()
        else:
            return response
    raise HttpError("it is redirected again and again")


def _ask(
    address: Address,
    credentials: str | None,
    tls: Callable[[], ssl.SSLContext],
    bell: Bell,
    deadline: float,
    headers: Sequence[str],
) -> Response:
    lines = [
        f"GET {address.target} HTTP/1.1",
        f"Host: {address.host_header}",
        "User-Agent: edged",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
        *headers,
    ]
    if credentials is not None:
        lines.append(f"Authorization: {credentials}")
    connection = HttpConnection(address, tls() if address.scheme == "https" else None, bell, deadline)
    try:
        connection.send("\r\n".join([*lines, "", ""]).encode(), deadline)
        return read_response(address, connection, deadline)
    except BaseException:
        connection.close()
        raise


def read_response(address: Address, connection: HttpConnection, deadline: float) -> Response:
    """Return the answer to a request that was sent. Raises what `get` does."""
    received, head_end = bytearray(), HeadEnd()
    buffer = memoryview(bytearray(4096))
    while (end := head_end.find(received, len(received))) is None:
        if len(received) > LONGEST_HEAD:
            raise HttpError(f"it does not answer as a web server does: a head of more than {LONGEST_HEAD} bytes")
        connection.wait(deadline)
        count = connection.receive(buffer)
        if count == 0:
            raise HttpError("it closes the connection without an answer")
        received += buffer[: count or 0]
    with map_exceptions({ValueError: HttpError}):
        head = read_head(bytes(received[:end]))
    _check_coding(head, address)
    chunked = head.headers.get("Transfer-Encoding").lower() == "chunked"
    return Response(address, head.status, head.reason, head.headers, Body(connection, bytes(received[end:]), chunked))


def _check_coding(head: Head, address: Address) -> None:
    coding = head.headers.get("Content-Encoding").strip().lower()
    if head.status in _WITH_CONTENT and coding not in ("", "identity"):
        shown = peer_text(address.without_login(coding), 20)
        raise HttpError(f"its answer is compressed ({shown}), which edged does not ask for: switch that off there")
