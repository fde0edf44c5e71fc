"""The connection with a hub: tried again with growing pauses, without ever waiting."""

from __future__ import annotations

import errno
import random
import select
import socket
import time
from collections.abc import Callable
from math import inf

from edged.bell import Bell
from edged.errors import PeerError
from edged.transport.handshakes import DISCONNECTS, MISMATCH, REFUSED
from edged.transport.poller import Poller
from edged.transport.pub.peer import Peer
from edged.transport.pub.peers import Lost
from edged.transport.pub.resolver import Lookup, Target, targets

__all__ = ["Dialer"]

FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.1, 5.0, 1.6  # seconds
JITTER = 0.25  # of each pause, so that boards that lost their hub together do not come back together
CONNECT_SECONDS = 5.0
STEADY_SECONDS = 5.0  # a connection that lasted longer was a good one

Connected = Callable[[socket.socket, Lost], Peer | None]
"""Gets a connection, and what to call when it is over."""


class Dialer:
    """Keeps a connection with *address* (``tcp://HOST:PORT`` or ``ipc://PATH``); its owner calls `attend`.

    *connected* gets each connection.
    """

    def __init__(self, address: str, poller: Poller, connected: Connected) -> None:
        self.problem: str | None = None
        """Why handshakes fail at present."""
        self._address = address
        self._poller = poller
        self._connected = connected
        self._bell = Bell()
        poller.add(self._bell, select.EPOLLIN, lambda _: self._bell.silence())
        self._lookup: Lookup | None = None
        self._targets: list[Target] = []
        self._connecting: socket.socket | None = None
        self._peer: Peer | None = None
        self._is_ready = False
        self._since = 0.0
        self._due = time.monotonic()
        self._pause = FIRST_PAUSE
        self._disconnects = 0

    def attend(self) -> None:
        """Connect where that is due, and note the result; never waits."""
        now = time.monotonic()
        if self._peer is not None:
            self._note_success(now)
        elif self._connecting is not None:
            if now - self._since > CONNECT_SECONDS:
                self._give_up()
        elif self._lookup is not None:
            if self._lookup.found is not None:
                self._targets, self._lookup = self._lookup.found, None
                self._try_next() if self._targets else self._retry_later()
        elif now >= self._due:
            self._connect()

    @property
    def seconds_left(self) -> float:
        """Seconds until `attend` has something to do."""
        if self._peer is not None or self._lookup is not None:
            return inf
        due = self._due if self._connecting is None else self._since + CONNECT_SECONDS
        return max(0.0, due - time.monotonic())

    def reconnect(self) -> None:
        """Connect at once; the owner has cut the connection before."""
        self._pause, self._due = FIRST_PAUSE, time.monotonic()

    def close(self) -> None:
        """Connect no more. The owner cuts the connection."""
        self._abandon()
        self._poller.remove(self._bell)
        self._bell.close()

    def _connect(self) -> None:
        transport, _, rest = self._address.partition("://")
        if transport == "ipc":
            self._targets = [(socket.AF_UNIX, rest)]
        elif not self._targets:
            host, _, port = rest.rpartition(":")
            try:
                self._targets = targets(host.strip("[]"), int(port), socket.AI_NUMERICHOST)
            except OSError:
                self._look_up(host, int(port))
                return
        self._try_next()

    def _look_up(self, host: str, port: int) -> None:
        try:
            self._lookup = Lookup(host, port, self._bell)
        except RuntimeError:  # there is no thread for it
            self._retry_later()

    def _try_next(self) -> None:
        """Connect to the next address of the host; each has its turn."""
        family, where = self._targets.pop(0)
        self._since = time.monotonic()
        try:
            self._connecting = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
            self._poller.add(self._connecting, select.EPOLLOUT, lambda _: self._settle())
            error = self._connecting.connect_ex(where)  # type: ignore[arg-type]  # as getaddrinfo gave it
        except OSError as exc:  # there is no descriptor or no memory for it
            error = exc.errno or errno.EIO
        if error not in (0, errno.EINPROGRESS):
            self._give_up()

    def _settle(self) -> None:
        """Hand the connection over, or try again later if it has failed."""
        connection, self._connecting = self._connecting, None
        assert connection is not None, "the poller watches it"
        self._poller.remove(connection)
        if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            connection.close()
            self._retry_later()
            return
        self._is_ready = False
        self._since = time.monotonic()
        self._peer = self._connected(connection, self._lost)
        if self._peer is None:
            self._retry_later()

    def _give_up(self) -> None:
        self._abandon()
        self._retry_later()

    def _abandon(self) -> None:
        if self._connecting is not None:
            self._poller.remove(self._connecting)
            self._connecting.close()
            self._connecting = None

    def _retry_later(self, seconds: float | None = None) -> None:
        pause = self._pause if seconds is None else seconds
        self._pause = min(LONGEST_PAUSE, self._pause * GROWTH)
        self._due = time.monotonic() + pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret

    def _note_success(self, now: float) -> None:
        if self._peer is not None and self._peer.is_ready and not self._is_ready:
            self._is_ready = True
            self._disconnects = 0
            self.problem = None
            self._since = now

    def _lost(self, why: PeerError | None) -> None:
        """Note the end of the connection, for the reason *why*; None: the hub has disconnected."""
        now = time.monotonic()
        self._note_success(now)
        self._peer = None
        if self._is_ready:
            if now - self._since > STEADY_SECONDS:
                self._pause = FIRST_PAUSE
            self._retry_later()
        elif why is not None and why.reason in ("key", "protocol"):
            self.problem = REFUSED if why.reason == "key" else MISMATCH
            self._retry_later(LONGEST_PAUSE)
        else:
            self._disconnects += 1
            if self._disconnects > 1 and self.problem is None:  # once may be a hub that is being stopped
                self.problem = DISCONNECTS
            self._retry_later()
