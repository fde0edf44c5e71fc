"""What becomes of the handshakes of a socket that calls: why they fail, and a new call where libzmq has given up."""

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

REDIAL_SECONDS = 5.0
EVENTS = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)
REFUSED = "our key is refused there: it has to be among the authorized ones, and the list read again"
MISMATCH = "one end uses CURVE keys and the other does not, or it is no edged and no ZeroMQ at all"
HANGS_UP = "it hangs up during the handshake: the key that we have of the server may be wrong, or keys are asked for"


class Handshakes:
    """Watches *socket*, whose owner calls `attend` whenever ``monitor`` can be read, and when `seconds_left` are over.

    After a broken connection libzmq calls again by itself. After a key that was refused, or a peer that uses keys where
    we do not, it never does (libzmq 4.3.5): whoever is let in a minute later would never notice. For these there is
    *dial*, which connects *socket* to an address once more.
    """

    def __init__(self, context: Context, socket: Socket, dial: Callable[[str], None]) -> None:
        self.troubles: dict[str, str] = {}
        """By address, why no handshake with it succeeds at present."""
        self._socket = socket
        self._dial = dial
        self._due: dict[str, float] = {}
        self._hung_up: Counter[str] = Counter()
        self._addresses: set[str] = set()
        address = f"inproc://handshakes-{secrets.token_hex(8)}"
        socket.monitor(address, EVENTS)
        self.monitor = context.socket(zmq.PAIR)
        # Without a limit: where nobody reads, a full queue would make libzmq's own thread wait for ever.
        self.monitor.set(zmq.RCVHWM, 0)
        self.monitor.set(zmq.LINGER, 0)
        self.monitor.connect(address)

    def watch(self, address: str) -> None:
        """From now on care for the connection with *address* too, as it was given to ``connect``."""
        self._addresses.add(address)

    def redial(self, address: str) -> None:
        """Break the connection with *address* and call again, now."""
        self._due.pop(address, None)
        with suppress(zmq.ZMQError):  # there is none; and with one, a SUB socket would not connect again
            self._socket.disconnect(address)
        self._dial(address)

    def attend(self) -> None:
        """Take note of what happened, and call again where that is due; never waits."""
        while has_arrivals(self.monitor):
            what, where = self.monitor.recv_multipart(zmq.NOBLOCK)
            event, _ = struct.unpack("=HI", what)
            self._note(event, where.decode("utf-8", "replace"))
        now = time.monotonic()
        for address in [address for address, due in self._due.items() if due <= now]:
            self.redial(address)

    def seconds_left(self) -> float:
        """Until `attend` has something to do though there is nothing to read."""
        return max(0.0, min(self._due.values(), default=inf) - time.monotonic())

    def close(self) -> None:
        """Stop watching; before the socket itself is closed."""
        self._socket.monitor(None, 0)
        self.monitor.close()

    def _note(self, event: int, address: str) -> None:
        if address not in self._addresses:  # of somebody who calls us
            return
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self.troubles.pop(address, None)
            self._due.pop(address, None)
            self._hung_up.pop(address, None)
        elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            self._hung_up[address] += 1
            if self._hung_up[address] > 1:  # once may be a daemon that is being stopped
                self.troubles.setdefault(address, HANGS_UP)
        else:
            self.troubles[address] = REFUSED if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH else MISMATCH
            self._due[address] = time.monotonic() + REDIAL_SECONDS
