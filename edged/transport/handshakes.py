"""Handshakes of a socket that connects: why they fail, and a new attempt where libzmq gives up."""

from __future__ import annotations

import secrets
import struct
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import TypeAlias

import zmq

from edged.transport.arrivals import has_arrivals

__all__ = ["Handshakes"]

Context: TypeAlias = zmq.Context["Socket"]
Socket: TypeAlias = zmq.Socket[bytes]

RECONNECT_SECONDS = 5.0
EVENTS = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)
REFUSED = "our key is refused there: it has to be among the authorized ones, and the list read again"
MISMATCH = "one end uses CURVE keys and the other does not, or the other end is not edged or not ZeroMQ"
DISCONNECTS = "it disconnects during the handshake: our copy of its public key may be wrong, or it requires keys"


class Handshakes:
    """Monitor of *socket*, whose owner calls `read_events` when ``monitor`` can be read or `seconds_left` have passed.

    After a broken connection libzmq connects again by itself. After a refused key, or with a peer that uses keys where
    we do not, it never does (libzmq 4.3.5): a client that is authorized a minute later would not connect. For these
    cases *connect* connects *socket* to an address once more.
    """

    def __init__(self, context: Context, socket: Socket, connect: Callable[[str], None]) -> None:
        self.troubles: dict[str, str] = {}
        """By address, why handshakes with it fail at present."""
        self._socket = socket
        self._connect = connect
        self._due: dict[str, float] = {}
        self._disconnects: Counter[str] = Counter()
        self._addresses: set[str] = set()
        address = f"inproc://handshakes-{secrets.token_hex(8)}"
        socket.monitor(address, EVENTS)
        self.monitor = context.socket(zmq.PAIR)
        # Without a limit, because a full queue that is not read would make libzmq's own thread wait for ever.
        self.monitor.set(zmq.RCVHWM, 0)
        self.monitor.set(zmq.LINGER, 0)
        self.monitor.connect(address)

    def add_address(self, address: str) -> None:
        """Report the handshakes with *address* from now on; it is spelled as it is given to ``connect``."""
        self._addresses.add(address)

    def reconnect(self, address: str) -> None:
        """Break the connection with *address* and connect again, now."""
        self._due.pop(address, None)
        with suppress(zmq.ZMQError):  # it may not be connected; and while it is, a SUB socket would not connect again
            self._socket.disconnect(address)
        self._connect(address)

    def read_events(self) -> None:
        """Read the events of handshakes, and connect again where that is due; never waits."""
        while has_arrivals(self.monitor):
            what, where = self.monitor.recv_multipart(zmq.NOBLOCK)
            event, _ = struct.unpack("=HI", what)
            self._note_event(event, where.decode("utf-8", "replace"))
        now = time.monotonic()
        for address in [address for address, due in self._due.items() if due <= now]:
            self.reconnect(address)

    def seconds_left(self) -> float:
        """Return the seconds until `read_events` is due although ``monitor`` has no event."""
        return max(0.0, min(self._due.values(), default=inf) - time.monotonic())

    def close(self) -> None:
        """Stop the monitor; call it before the socket itself is closed."""
        self._socket.monitor(None, 0)
        self.monitor.close()

    def _note_event(self, event: int, address: str) -> None:
        if address not in self._addresses:  # of a peer that connects to us
            return
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self.troubles.pop(address, None)
            self._due.pop(address, None)
            self._disconnects.pop(address, None)
        elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            self._disconnects[address] += 1
            if self._disconnects[address] > 1:  # once may be a daemon that is being stopped
                self.troubles.setdefault(address, DISCONNECTS)
        else:
            self.troubles[address] = REFUSED if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH else MISMATCH
            self._due[address] = time.monotonic() + RECONNECT_SECONDS
