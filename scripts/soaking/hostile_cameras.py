"""Hostile HTTP cameras: each connection gets the next attack of a list, for a few seconds at most."""

from __future__ import annotations

import itertools
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self

import cv2
import numpy as np

__all__ = ["ATTACKS", "HostileCameras"]

ATTACK_SECONDS = 5.0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n"


def _jpeg() -> bytes:
    ok, data = cv2.imencode(".jpg", np.full((120, 160, 3), 90, np.uint8))
    assert ok, "OpenCV can write a JPEG"
    return data.tobytes()


def _claiming(width: int, height: int) -> bytes:
    """A JPEG that claims to be larger than it is."""
    small = _jpeg()
    frame = small.index(b"\xff\xc0")
    return small[: frame + 5] + struct.pack(">HH", height, width) + small[frame + 9 :]


def _of_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes *count* times."""
    ok, data = cv2.imencode(".jpg", np.full((120, 160, 3), 90, np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    assert ok, "OpenCV can write a JPEG"
    whole = data.tobytes()
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * count + b"\xff\xd9"


def _part(picture: bytes) -> bytes:
    return b"--b\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(picture), picture)


GOOD = HEAD + b"\r\n" + _part(_jpeg()) * 5

ATTACKS: dict[str, tuple[bytes, bytes]] = {
    "challenge of 60 kB": (b"HTTP/1.1 401 No\r\nWWW-Authenticate: Digest " + b"w" * 60_000 + b"\r\n\r\n", b""),
    "reason of 60 kB": (b"HTTP/1.1 500 " + b"\x1b[2J" * 15_000 + b"\r\n\r\n", b""),
    "boundary of a bad code": (HEAD[:-12] + b"boundary*=punycode''%ff\r\n\r\n", b""),
    "semicolons": (HEAD[:-2] + b";" * 60_000 + b"\r\n\r\n", b""),
    "newlines for ever": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"\n" * 65536),
    "chunks of a byte": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\nx\n" * 16384),
    "parts of 5 bytes after pictures": (GOOD, b"--b\n\n" * 13107),
    "head without an end": (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 10000),
    "65500 x 65500 pixels": (GOOD + _part(_claiming(65500, 65500)), _part(_claiming(65500, 65500))),
    "20000 scans": (GOOD, _part(_of_scans(20_000))),
    "part of 2 GB": (GOOD + b"--b\r\nContent-Length: 2147483648\r\n\r\n", bytes(65536)),
    "another host": (b"HTTP/1.1 302 Go\r\nLocation: http://127.0.0.2:1/\r\nContent-Length: 0\r\n\r\n", b""),
    "silence": (b"", b""),
    "zeros": (bytes(65536), bytes(65536)),
}
"""The attacks by name: what is sent first, and what then is sent again and again."""


class HostileCameras:
    """*count* servers on loopback ports, each with the attacks in another order. ``served`` counts the attacks."""

    def __init__(self, count: int) -> None:
        self._listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._serve, args=each) for each in enumerate(self._listeners)]
        self.served = 0

    @property
    def urls(self) -> list[str]:
        """The URL of each."""
        return [f"http://user:password@127.0.0.1:{listener.getsockname()[1]}/" for listener in self._listeners]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join()
        for listener in self._listeners:
            listener.close()

    def _serve(self, number: int, listener: socket.socket) -> None:
        listener.settimeout(0.5)
        attacks = _rotated(list(ATTACKS.values()), number * 5)
        while not self._closing.is_set():
            with suppress(OSError):
                connection, _ = listener.accept()
                self.served += 1
                with connection:
                    self._attack(connection, *next(attacks))

    def _attack(self, connection: socket.socket, first: bytes, again: bytes) -> None:
        connection.settimeout(0.5)
        end = time.monotonic() + ATTACK_SECONDS
        connection.recv(65536)
        connection.sendall(first)
        while time.monotonic() < end and not self._closing.is_set():
            if again:
                connection.sendall(again)
                self._closing.wait(0.01)  # else a flood on loopback takes the processor from everything else
            elif not connection.recv(65536):
                return


def _rotated(items: list[tuple[bytes, bytes]], by: int) -> Iterator[tuple[bytes, bytes]]:
    return itertools.cycle(items[by % len(items) :] + items[: by % len(items)])
