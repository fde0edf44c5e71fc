"""One publishing socket on one endpoint."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import zmq

from edged.errors import PublishError

if TYPE_CHECKING:
    from edged.config import Endpoint

__all__ = ["Outlet"]

MOST_AT_ONCE = 256


class Outlet:
    """An XPUB socket: sends messages, and hears who subscribes to what. One thread opens, uses and closes it.

    It never waits for a subscriber: one that is slow loses what exceeds ``queue`` messages and ``queue_bytes`` in the
    kernel, and the others notice nothing.

    Raises:
        PublishError: the endpoint cannot be bound, mostly because another program has it.
    """

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], endpoint: Endpoint, *, queue: int, queue_bytes: int
    ) -> None:
        path = endpoint.socket_path
        self._lock = _IpcLock(path) if path is not None and endpoint.mode == "bind" else None
        self.socket = context.socket(zmq.XPUB)
        self.socket.set(zmq.IPV6, endpoint.address.startswith("tcp://["))
        self.socket.set(zmq.XPUB_VERBOSE, 1)  # a newcomer is heard also when its topic is subscribed to already
        self.socket.set(zmq.SNDHWM, queue)
        self.socket.set(zmq.SNDBUF, queue_bytes)
        try:
            if endpoint.mode == "bind":
                self.socket.bind(endpoint.address)
            else:
                self.socket.connect(endpoint.address)
        except zmq.ZMQError as exc:
            self.close(linger=0.0)
            raise PublishError(f"publish.endpoints: cannot {endpoint.mode} {endpoint.address}: {exc.strerror}") from exc

    @property
    def address(self) -> str:
        """Where it is bound or connected, with the port that the system chose for ``*``."""
        return self.socket.get_string(zmq.LAST_ENDPOINT)

    def send(self, frames: Sequence[bytes | memoryview]) -> None:
        """Send one message to whom it concerns; never waits."""
        self.socket.send_multipart(frames, zmq.DONTWAIT)

    def subscriptions(self) -> list[bytes]:
        """The topic prefixes that were subscribed to since the last call; in a flood, the first of them."""
        prefixes = []
        with contextlib.suppress(zmq.Again):
            # Not only subscriptions come in here: whoever connects can send what it likes, and as much.
            for _ in range(MOST_AT_ONCE):
                message = self.socket.recv(zmq.DONTWAIT)
                if message[:1] == b"\x01":
                    prefixes.append(message[1:])
        return prefixes

    def close(self, linger: float) -> None:
        """Close, after *linger* seconds at most for what is still queued."""
        self.socket.close(linger=int(linger * 1000))
        if self._lock is not None:
            self._lock.release()


class _IpcLock:
    """Keeps a second daemon off an ``ipc://`` path, where a second bind would succeed and steal the first one's socket.

    The file beside the socket stays: removing it would let two processes lock two files of one name.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(mode=0o750, exist_ok=True)
            self._fd = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as exc:
            raise PublishError(f"publish.endpoints: cannot bind ipc://{path}: {exc.strerror}") from exc
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(self._fd)
            raise PublishError(f"publish.endpoints: cannot bind ipc://{path}: another process has it") from exc

    def release(self) -> None:
        """Let the next one bind."""
        os.close(self._fd)
