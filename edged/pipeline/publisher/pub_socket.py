"""One publishing socket on one endpoint."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import zmq

from edged.errors import PublishError
from edged.transport.arrivals import has_arrivals
from edged.transport.curve import Curve, secure
from edged.transport.handshakes import Handshakes

if TYPE_CHECKING:
    from edged.config import Endpoint

__all__ = ["PubSocket"]

log = logging.getLogger(__name__)

MOST_AT_ONCE = 256
LONGEST_FROM_PEERS = 65_536  # bytes; a peer sends nothing longer than a subscription
UNBIND_SECONDS = 2.0


class PubSocket:
    """An XPUB socket: sends messages, and receives subscriptions. One thread opens, uses and closes it.

    It never waits for a subscriber: a slow one loses what exceeds ``queue`` messages and ``queue_bytes`` in the kernel,
    and the others notice nothing. With *curve* it is secured; bound, it admits the clients that the `Gate` of *context*
    knows, which has to exist before.

    Raises:
        PublishError: the endpoint cannot be bound, mostly because another program has it.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        endpoint: Endpoint,
        *,
        queue: int,
        queue_bytes: int,
        curve: Curve | None = None,
    ) -> None:
        path = endpoint.socket_path
        self.endpoint = endpoint
        self.curve = curve
        self._queues = queue, queue_bytes
        self._lock = _IpcLock(path) if path is not None and endpoint.mode == "bind" else None
        self._context = context
        self.socket = context.socket(zmq.XPUB)
        self.socket.set(zmq.IPV6, endpoint.address.startswith("tcp://["))
        # Report a subscription also when others have the topic already, and its end also when others keep it.
        self.socket.set(zmq.XPUB_VERBOSER, 1)
        self.socket.set(zmq.SNDHWM, queue)
        self.socket.set(zmq.SNDBUF, queue_bytes)
        self.socket.set(zmq.MAXMSGSIZE, LONGEST_FROM_PEERS)
        # The listener takes this over when it is bound, and passes it on to connections of subscribers that hung up.
        # With the default, one that hangs up at the moment of closing would never go away (libzmq 4.3.5).
        self.socket.set(zmq.LINGER, 0)
        # A peer that loses power closes nothing. While nothing is sent to it, as without events, only the kernel finds
        # out; without these options its connection would stay for ever, and its descriptor with it.
        self.socket.set(zmq.TCP_KEEPALIVE, 1)
        self.socket.set(zmq.TCP_KEEPALIVE_IDLE, 10)
        self.socket.set(zmq.TCP_KEEPALIVE_INTVL, 5)
        self.socket.set(zmq.TCP_KEEPALIVE_CNT, 3)
        self._handshakes = Handshakes(context, self.socket, self._open) if endpoint.mode == "connect" else None
        self._problem: str | None = None
        self._counts: Counter[bytes] = Counter()
        self.prefixes: frozenset[bytes] = frozenset()
        """The topic prefixes that are subscribed to, each once; another object after each change."""
        self.subscribed = 0
        """Count of topic prefixes that are subscribed to, over all subscribers."""
        try:
            self._open(endpoint.address)
        except PublishError:
            self.close(linger=0.0)
            raise

    @property
    def address(self) -> str:
        """The address that it is bound or connected to, with the port that the system chose for ``*``."""
        return self.socket.get_string(zmq.LAST_ENDPOINT)

    @property
    def in_clear(self) -> bool:
        """Whether others on the network can read the messages."""
        return self.curve is None and not self.endpoint.is_local

    def send(self, frames: Sequence[bytes | memoryview]) -> None:
        """Send one message to its subscribers; never waits."""
        self.socket.send_multipart(frames, zmq.DONTWAIT)

    def read_subscriptions(self) -> list[bytes]:
        """Return the topic prefixes that were subscribed to since the last call; in a flood, the first of them."""
        came = []
        # Not only subscriptions arrive here: a peer can send anything, and any amount of it.
        for _ in range(MOST_AT_ONCE):
            if not has_arrivals(self.socket):
                break
            message = self.socket.recv(zmq.DONTWAIT)
            if message[:1] == b"\x01":
                came.append(message[1:])
                self._count(message[1:], 1)
            elif message[:1] == b"\x00":
                self._count(message[1:], -1)
        if self._counts.keys() != self.prefixes:
            self.prefixes = frozenset(self._counts)
        return came

    def _count(self, prefix: bytes, more: int) -> None:
        """Count a subscription more or less. The end of one that never began is ignored."""
        if (count := self._counts[prefix] + more) >= 0:
            self._counts[prefix] = count
            self.subscribed += more
        if not count:
            del self._counts[prefix]

    def attend(self) -> None:
        """Log why a hub refuses the connection, and connect again; never waits. Only with mode ``connect``."""
        if self._handshakes is None:
            return
        self._handshakes.read_events()
        problem = self._handshakes.troubles.get(self.endpoint.address)
        if problem != self._problem:
            self._problem = problem
            log.log(logging.WARNING if problem else logging.INFO, "%s: %s", self.endpoint, problem or "connected")

    def renewed(self, curve: Curve | None) -> PubSocket:
        """Cut every connection, and use *curve* from now on; authorized subscribers come back by themselves.

        Returns this socket, or the one that replaces it.

        Without the cut, libzmq would go on serving a client that was admitted once, or that knows an old key. Messages
        on their way at this moment are lost: a few, and subscribers notice them by ``seq``.

        Raises:
            PublishError: another program has taken the endpoint in between.
        """
        self.curve = curve
        if self._handshakes is not None:
            self._handshakes.reconnect(self.endpoint.address)
            return self
        if curve is None:  # libzmq cannot forget a ZAP domain, and would go on asking the gate, which would refuse all
            self.release(0.0)
            return self.reopen()
        address = self.address
        self._unbind(address)
        self._open(address)
        return self

    def reopen(self) -> PubSocket:
        """Return a new socket with the settings of this one, which was released.

        Raises:
            PublishError: another program has taken the endpoint in between.
        """
        queue, queue_bytes = self._queues
        return PubSocket(self._context, self.endpoint, queue=queue, queue_bytes=queue_bytes, curve=self.curve)

    def release(self, linger: float) -> None:
        """Close, and wait until the address can be bound again."""
        if self._handshakes is None:
            self._unbind(self.address)
        self.close(linger)

    def close(self, linger: float) -> None:
        """Close, after *linger* seconds at most for what is still queued."""
        if self._handshakes is not None:
            self._handshakes.close()
        self.socket.close(linger=int(linger * 1000))
        if self._lock is not None:
            self._lock.release()

    def _open(self, address: str) -> None:
        secure(self.socket, self.curve)
        try:
            if self._handshakes is None:
                self.socket.bind(address)
            else:
                self._handshakes.add_address(address)
                self.socket.connect(address)
        except zmq.ZMQError as exc:
            raise PublishError(f"publish.endpoints: cannot {self.endpoint.mode} {address}: {exc.strerror}") from exc

    def _unbind(self, address: str) -> None:
        """Stop listening, and wait until the port is free: libzmq's own thread closes it."""
        events = f"inproc://unbinding-{secrets.token_hex(8)}"
        self.socket.monitor(events, zmq.EVENT_CLOSED)
        with self._context.socket(zmq.PAIR) as monitor:
            monitor.connect(events)
            self.socket.unbind(address)
            monitor.poll(round(UNBIND_SECONDS * 1000))
            self.socket.monitor(None, 0)


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
        """Let the next process bind."""
        os.close(self._fd)
