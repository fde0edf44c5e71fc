"""One publish port: bound to an address or connected to a hub, with keys or in clear."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Literal

from zmq.utils import z85

from edged.errors import PublishError
from edged.transport.curve import Curve
from edged.transport.poller import Poller
from edged.transport.pub.dialer import Dialer
from edged.transport.pub.listener import Listener, listen
from edged.transport.pub.peer import Peer
from edged.transport.pub.peers import Lost, Peers
from edged.transport.socket_file import SocketFile
from edged.transport.zmtp.mechanism import Mechanism, Null

__all__ = ["Port"]

SETTING = "publish.endpoints"


class Port:
    """Brings connections to *peers*: those that *address* accepts, or one with the hub there.

    Args:
        mode: whether it is bound there, or connects.
        address: ``tcp://HOST:PORT`` or ``ipc://PATH``.
        peers: gets its connections.
        poller: that they and the port itself are served by.
        curve: the keys that secure it; None: it is in clear.
        queue_bytes: how much the kernel keeps for each peer.

    Raises:
        PublishError: it cannot be bound, mostly because another program has it.
    """

    def __init__(
        self,
        mode: Literal["bind", "connect"],
        address: str,
        *,
        peers: Peers,
        poller: Poller,
        curve: Curve | None,
        queue_bytes: int,
    ) -> None:
        self.mode, self._peers, self._queue_bytes = mode, peers, queue_bytes
        self.address = address
        """The address, with the port that the system chose for ``*``."""
        self.curve = curve
        self._secure = _securing(curve)
        self._file: SocketFile | None = None
        self._listening: socket.socket | None = None
        self._listener: Listener | None = None
        self._dialer: Dialer | None = None
        if mode == "connect":
            self._dialer = Dialer(address, poller, self._connected)
            return
        self._listening = self._listen()
        self._listener = Listener(self._listening, poller, self._accepted, self._turned_away)

    @property
    def problem(self) -> str | None:
        """Why the hub refuses the connection at present."""
        return self._dialer.problem if self._dialer else None

    @property
    def seconds_left(self) -> float:
        """Seconds until `attend` has something to do."""
        return self._dialer.seconds_left if self._dialer else inf

    def attend(self) -> None:
        """Connect to the hub where that is due, and accept again after a pause; never waits."""
        if self._dialer:
            self._dialer.attend()
        if self._listener:
            self._listener.resume()

    def secure(self, curve: Curve | None) -> None:
        """Use *curve* from now on, and cut off all peers: those still authorized come back by themselves."""
        self.curve, self._secure = curve, _securing(curve)
        self._peers.cut(self)
        if self._dialer:
            self._dialer.reconnect()

    def close(self) -> None:
        """Cut off all peers, and free the address. Twice is fine."""
        if self._dialer:
            self._dialer.close()
        if self._listener:
            self._listener.close()
        if self._file:
            self._file.close()
        elif self._listening:
            self._listening.close()
        self._peers.cut(self)
        self._dialer = self._listener = self._file = self._listening = None

    def _listen(self) -> socket.socket:
        if self.address.startswith("ipc://"):
            self._file = SocketFile(Path(self.address.removeprefix("ipc://")), SETTING)
            return self._file.listening
        try:
            listening = listen(self.address)
        except OSError as exc:
            raise PublishError(f"{SETTING}: cannot bind {self.address}: {exc.strerror or exc}") from exc
        if self.address.endswith(":*"):
            self.address = f"{self.address[:-1]}{listening.getsockname()[1]}"
        return listening

    def _accepted(self, connection: socket.socket, host: str) -> None:
        self._tune(connection)
        self._peers.admit(connection, self._secure, self, host)

    def _connected(self, connection: socket.socket, lost: Lost) -> Peer | None:
        self._tune(connection)
        return self._peers.admit(connection, self._secure, self, self.address, lost)

    def _turned_away(self, host: str) -> None:
        line = f"client of {host} is refused: the daemon has no more file descriptors"
        self._peers.refusals.note("descriptors", "descriptors", line)

    def _tune(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it has disconnected already, as the first read will find
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._queue_bytes)
            if connection.family == socket.AF_UNIX:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A peer that loses power closes nothing. While nothing is sent to it, as without events, only the kernel
            # finds out; without these options its connection would stay for ever, and its descriptor with it.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)


def _securing(curve: Curve | None) -> Callable[[Callable[[bytes], bool]], Mechanism]:
    """Return what makes the mechanism of a connection with these keys."""
    if curve is None:
        return lambda _: Null()
    from edged.transport.zmtp.curve import CurveClient, CurveServer  # late, because it needs PyNaCl

    public, secret = z85.decode(curve.own.public), z85.decode(curve.own.secret)
    if curve.server is None:
        return lambda admit: CurveServer(public, secret, admit)
    server = z85.decode(curve.server)
    return lambda _: CurveClient(public, secret, server)
