"""Who may in: the list of keys that libzmq asks about each client of a CURVE server (ZAP, RFC 27 of ZeroMQ)."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TypeAlias

import zmq
from zmq.utils import z85

from edged.transport.arrivals import has_arrivals
from edged.transport.keys import Key

__all__ = ["Gate"]

Context: TypeAlias = zmq.Context["Socket"]
Socket: TypeAlias = zmq.Socket[bytes]

log = logging.getLogger(__name__)

ADDRESS = "inproc://zeromq.zap.01"  # where libzmq asks; there is one gate in each context
MOST_AT_ONCE = 64
TOLD_SECONDS = 60.0
MOST_TOLD = 10


class Gate:
    """Lets in who has one of the keys of *authorized*, which gives each a name, and counts who else knocks.

    libzmq asks whenever a client of a CURVE server in *context* shakes hands, and the client waits. So the thread that
    owns the gate polls ``socket`` for reading and calls `answer`; it makes the gate before anything is bound, and
    closes it after that is closed.
    """

    def __init__(self, context: Context, authorized: Mapping[Key, str]) -> None:
        self.authorized = authorized
        self.admitted: set[Key] = set()
        """Whose key was found right, and is on the list still."""
        self.refused = 0
        """How often somebody was refused."""
        self._told: set[str] = set()
        self._told_since = -TOLD_SECONDS
        self.socket = context.socket(zmq.REP)
        self.socket.set(zmq.LINGER, 0)
        self.socket.bind(ADDRESS)

    def answer(self) -> None:
        """Answer those who knock now, or the first of them; never waits."""
        for _ in range(MOST_AT_ONCE):
            if not has_arrivals(self.socket):
                return
            self.socket.send_multipart(self._answered(*self.socket.recv_multipart(zmq.NOBLOCK)))

    def replace(self, authorized: Mapping[Key, str]) -> bool:
        """Go by *authorized* from now on. Returns whether somebody was let in before who is no longer on the list.

        Such a client stays connected, and libzmq never asks again: whoever owns the server's socket has to cut it off.
        """
        revoked = self.admitted - authorized.keys()
        self.authorized = authorized
        self.admitted -= revoked
        return bool(revoked)

    def close(self) -> None:
        """Let nobody in any more."""
        self.socket.close()

    def _answered(self, version: bytes, request: bytes, *question: bytes) -> tuple[bytes, ...]:
        # After these two: domain, address, routing id, mechanism, and for CURVE the 32 bytes of the public key.
        address, mechanism, credentials = question[1], question[3], question[4:]
        key = z85.encode(credentials[0]) if mechanism == b"CURVE" else b""
        name = self.authorized.get(key)
        if name is None:
            self._refuse(key, address)
            return version, request, b"400", b"this key is not authorized", b"", b""
        self.admitted.add(key)
        log.debug("client %s of %s is let in", name, address.decode("utf-8", "replace"))
        return version, request, b"200", b"", name.encode()[:255], b""

    def _refuse(self, key: Key, address: bytes) -> None:
        """Count it, and tell each key and some of many: who is refused may knock all the time."""
        self.refused += 1
        now = time.monotonic()
        if now - self._told_since >= TOLD_SECONDS:
            self._told.clear()
            self._told_since = now
        who = key.decode() or "(none)"
        if who in self._told or len(self._told) > MOST_TOLD:
            return
        self._told.add(who)
        if len(self._told) > MOST_TOLD:
            log.warning("more clients with unknown keys are refused; the next is told within a minute")
        else:
            log.warning(
                "client of %s is refused: its public key %s is not authorized", address.decode("utf-8", "replace"), who
            )
