"""Authorization of clients of a CURVE server by a list of public keys (ZAP, RFC 27 of ZeroMQ)."""

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

ADDRESS = "inproc://zeromq.zap.01"  # of libzmq's requests; a context has one gate
MAX_AT_ONCE = 64
LOG_SECONDS = 60.0
MAX_LOGGED = 10


class Gate:
    """Lets in clients that have a key of *authorized*, which names each key, and counts those it refuses.

    libzmq sends a request at each handshake of a client with a CURVE server in *context*, and the client waits. So the
    thread that owns the gate polls ``socket`` for reading and calls `answer_requests`. It makes the gate before it
    binds anything, and closes it after the bound sockets.
    """

    def __init__(self, context: Context, authorized: Mapping[Key, str]) -> None:
        self.authorized = authorized
        self.admitted: set[Key] = set()
        """Keys of clients that were let in, and that are still authorized."""
        self.refused = 0
        """Number of handshakes that were refused."""
        self._logged: set[str] = set()
        self._logged_since = -LOG_SECONDS
        self.socket = context.socket(zmq.REP)
        self.socket.set(zmq.LINGER, 0)
        self.socket.bind(ADDRESS)

    def answer_requests(self) -> None:
        """Answer the requests that have arrived, at most `MAX_AT_ONCE`; never waits."""
        for _ in range(MAX_AT_ONCE):
            if not has_arrivals(self.socket):
                return
            self.socket.send_multipart(self._reply_to(*self.socket.recv_multipart(zmq.NOBLOCK)))

    def replace(self, authorized: Mapping[Key, str]) -> bool:
        """Use *authorized* from now on. Return whether a client was let in before that is no longer authorized.

        Such a client stays connected, and libzmq sends no second request: the owner of the server's socket has to
        disconnect it.
        """
        revoked = self.admitted - authorized.keys()
        self.authorized = authorized
        self.admitted -= revoked
        return bool(revoked)

    def close(self) -> None:
        """Refuse every client from now on."""
        self.socket.close()

    def _reply_to(self, version: bytes, request: bytes, *question: bytes) -> tuple[bytes, ...]:
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
        """Count a refusal, and log each key, but only some of many: a refused client may try again all the time."""
        self.refused += 1
        now = time.monotonic()
        if now - self._logged_since >= LOG_SECONDS:
            self._logged.clear()
            self._logged_since = now
        client = key.decode() or "(none)"
        if client in self._logged or len(self._logged) > MAX_LOGGED:
            return
        self._logged.add(client)
        if len(self._logged) > MAX_LOGGED:
            log.warning("more clients with unknown keys are refused; the next is logged within a minute")
        else:
            log.warning(
                "client of %s is refused: its public key %s is not authorized",
                address.decode("utf-8", "replace"),
                client,
            )
