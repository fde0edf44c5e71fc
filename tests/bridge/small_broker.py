"""A broker of MQTT 3.1.1 for one client, which fails on cue: refuses, stays silent or disconnects."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

__all__ = ["Connect", "SmallBroker"]

SOON = 20.0
CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 13, 14


@dataclass(frozen=True)
class Connect:
    """Content of a CONNECT packet."""

    client_id: str
    keepalive: int
    will: tuple[str, bytes, int, bool]
    """Topic, payload, QoS, and whether it is retained."""
    login: tuple[str, ...] = ()


class SmallBroker:
    """Listens on loopback until `close`. ``refusal`` is a return code for who connects; ``acknowledges`` can be off."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.refusal = 0
        self.acknowledges = True
        self.confirms = True
        """Whether a subscription is confirmed."""
        self.connects: list[Connect] = []
        self.published: list[tuple[str, bytes, int, bool]] = []
        self.subscribed: list[str] = []
        self.farewells = 0
        """How many clients disconnected in order."""
        self.greeting: list[tuple[str, bytes, bool]] = []
        """What who subscribes is sent: topic, payload, and whether it was retained."""
        self._news = threading.Condition()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._client: socket.socket | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up, and listen no more."""
        self._ended = True
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.hang_up()
        self._thread.join()

    def hang_up(self) -> None:
        """End the connection without a word."""
        with self._news:
            if self._client is not None:
                with suppress(OSError):
                    self._client.shutdown(socket.SHUT_RDWR)

    def wait(self, is_so: Callable[[SmallBroker], bool]) -> None:
        """Wait until it is so."""
        with self._news:
            assert self._news.wait_for(lambda: is_so(self), SOON), (self.connects, self.published, self.subscribed)

    def payloads(self, topic: str) -> list[bytes]:
        """Return what was published at *topic*."""
        return [payload for each, payload, *_ in self.published if each == topic]

    def _serve(self) -> None:
        while not self._ended:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with suppress(OSError, EOFError), self._secured(client) as self._client:
                while not self._ended:
                    self._answer(self._client)

    def _secured(self, client: socket.socket) -> socket.socket:
        return client if self._tls is None else self._tls.wrap_socket(client, server_side=True)

    def _answer(self, client: socket.socket) -> None:
        """Read one packet, and answer it."""
        first, body = _packet(client)
        with self._news:
            kind = first >> 4
            if kind == CONNECT:
                self.connects.append(_connect(body))
                client.sendall(bytes((CONNACK << 4, 2, 0, self.refusal)))
            elif kind == PUBLISH:
                self._take(client, first, body)
            elif kind == SUBSCRIBE:
                self._confirm(client, body)
            elif kind == PINGREQ:
                client.sendall(bytes((PINGRESP << 4, 0)))
            elif kind == DISCONNECT:
                self.farewells += 1
            self._news.notify_all()

    def _confirm(self, client: socket.socket, body: bytes) -> None:
        self.subscribed.append(_text(body, 2)[0])
        if self.confirms:
            client.sendall(bytes((SUBACK << 4, 3, *body[:2], 1)))
            for topic, payload, is_retained in self.greeting:
                rest = _prefixed(topic.encode()) + payload
                client.sendall(bytes((PUBLISH << 4 | is_retained, len(rest))) + rest)

    def _take(self, client: socket.socket, first: int, body: bytes) -> None:
        topic, position = _text(body, 0)
        qos = first >> 1 & 3
        payload = body[position + 2 * bool(qos) :]
        self.published.append((topic, payload, qos, bool(first & 1)))
        if qos and self.acknowledges:
            client.sendall(bytes((PUBACK << 4, 2)) + body[position : position + 2])


def _packet(client: socket.socket) -> tuple[int, bytes]:
    first = _exactly(client, 1)[0]
    length = shift = 0
    while True:
        byte = _exactly(client, 1)[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return first, _exactly(client, length)


def _exactly(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        if not (piece := client.recv(count - len(data))):
            raise EOFError
        data += piece
    return data


def _text(body: bytes, position: int) -> tuple[str, int]:
    """Return the text at *position*, and where it ends."""
    data, end = _field(body, position)
    return data.decode(), end


def _field(body: bytes, position: int) -> tuple[bytes, int]:
    start = position + 2
    end = start + int.from_bytes(body[position:start], "big")
    return body[start:end], end


def _prefixed(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _connect(body: bytes) -> Connect:
    _, position = _text(body, 0)
    flags = body[position + 1]
    keepalive = int.from_bytes(body[position + 2 : position + 4], "big")
    client_id, position = _text(body, position + 4)
    topic, position = _text(body, position)
    payload, position = _field(body, position)
    login = []
    for flag in (0x80, 0x40):
        if flags & flag:
            text, position = _text(body, position)
            login.append(text)
    return Connect(client_id, keepalive, (topic, payload, flags >> 3 & 3, bool(flags & 0x20)), tuple(login))
