"""Requests and responses over one connection, between which packets come in."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edged.camera.http.address import Address
from edged.camera.http.auth import authorization
from edged.camera.http.connection import HttpConnection, Woken
from edged.camera.rtsp.failures import RtspError
from edged.camera.rtsp.flood import FloodLimit
from edged.camera.rtsp.messages import Interleaved, RtspMessage, RtspReader, request

__all__ = ["Conversation"]

MOST_BEFORE_ANSWER = 8 << 20  # bytes; packets may come before the answer to PLAY
MOST_ATTEMPTS = 3  # of one request: without a password, with it, and with a newer nonce


class Conversation:
    """One connection to an RTSP server.

    Its methods raise ``OSError`` when the connection fails or what comes makes no sense, ``TimeoutError`` past a
    *deadline*, and ``Woken`` once the bell of the connection has rung.

    Args:
        connection: to the server at *address*, whose user and password are sent to it if it asks for them.
        woken: set together with the bell of the connection.
        on_packet: called with each interleaved packet as it comes.
    """

    def __init__(
        self,
        connection: HttpConnection,
        address: Address,
        woken: threading.Event,
        on_packet: Callable[[Interleaved], None],
    ) -> None:
        self.address = address
        self._connection = connection
        self._woken = woken
        self._on_packet = on_packet
        self._reader = RtspReader()
        self._sent = 0  # the number of the last request
        self._received = 0  # bytes
        self._flood_limit = FloodLimit()
        self._challenges: Sequence[str] = ()
        self._response: RtspMessage | None = None  # the newest that has not been looked at

    def ask(self, method: str, uri: str, headers: Mapping[str, str], deadline: float) -> RtspMessage:
        """Send a request and wait for its response; repeat it with user and password if the server asks for them."""
        for _ in range(MOST_ATTEMPTS):
            self.send(method, uri, headers, deadline)
            response = self._await_response(deadline)
            if response.status != 401 or not self.learn(response):
                break
        return response

    def send(self, method: str, uri: str, headers: Mapping[str, str], deadline: float) -> None:
        """Send a request and do not wait for its response."""
        self._sent += 1
        self._response = None
        own = {"CSeq": str(self._sent), "User-Agent": "edged"}
        if self._challenges:
            own["Authorization"] = authorization(self._challenges, self.address, method=method, uri=uri) or ""
        self._connection.send(request(method, uri, own | dict(headers)), deadline)

    def learn(self, refusal: RtspMessage) -> bool:
        """Take note of what a 401 asks for. Returns whether the request is worth repeating."""
        challenges = refusal.headers.all("WWW-Authenticate")
        known, self._challenges = self._challenges, ()
        if self.address.user is None or challenges == known:
            return False
        if authorization(challenges, self.address) is None:
            return False
        self._challenges = challenges
        return True

    def response(self) -> RtspMessage | None:
        """Return the response to the last request that was sent, once."""
        response, self._response = self._response, None
        return response

    def advance(self) -> bool:
        """Take in the next message or packet, or some bytes of it, and do not wait. Returns whether there was anything.

        A caller that looks at its deadline between two calls is held up by no flood.
        """
        try:  # a context manager would cost more than the rest, for each of hundreds of packets a second
            item = self._reader.take()
        except ValueError as exc:
            raise RtspError(str(exc)) from exc
        if isinstance(item, Interleaved):
            self._flood_limit.count()
            self._on_packet(item)
        elif item is not None:
            self._flood_limit.count(messages=1)
            if item.status >= 200 and item.headers.get("CSeq") in ("", str(self._sent)):
                self._response = item
        elif not self._receive():
            return False
        return True

    def skip(self, channel: int, timestamp: int) -> tuple[int, int]:
        """Pass over RTP packets that have come; see `RtspReader.skip`."""
        packets, last = self._reader.skip(channel, timestamp)
        if packets:
            self._flood_limit.count(packets)
        return packets, last

    def wait(self, deadline: float, also: Sequence[socket.socket] = ()) -> None:
        """Wait until something may have arrived, at one of the sockets in *also* too."""
        self._connection.wait(deadline, also)

    def rest(self, deadline: float) -> None:
        """Wait until *deadline*, whatever arrives meanwhile."""
        self._connection.rest(deadline)

    @property
    def own_end(self) -> tuple[Any, ...]:
        """The address of this end of the connection, as sockets have it."""
        return self._connection.own_end

    @property
    def other_end(self) -> tuple[Any, ...]:
        """The address of the server, as sockets have it."""
        return self._connection.other_end

    def close(self) -> None:
        """Close the connection; harmless when done twice."""
        self._connection.close()

    def _receive(self) -> bool:
        count = self._connection.receive(self._reader.free_space(), saves_calls=True)
        if count is None:
            return False
        if count == 0:
            raise RtspError("it has closed the connection")
        self._reader.received(count)
        self._received += count
        return True

    def _await_response(self, deadline: float) -> RtspMessage:
        limit = self._received + MOST_BEFORE_ANSWER
        while True:
            response = self.response()
            if response is not None:
                return response
            if time.monotonic() >= deadline:
                raise TimeoutError
            if self._received > limit:
                raise RtspError(f"it sends more than {MOST_BEFORE_ANSWER >> 20} MiB in place of an answer")
            if self._woken.is_set():
                raise Woken
            if not self.advance():
                self.wait(deadline)
