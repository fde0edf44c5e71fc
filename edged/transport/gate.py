"""Authorization of clients of a CURVE server by a list of public keys (ZAP, RFC 27 of ZeroMQ)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TypeAlias

import zmq
from zmq.utils import z85

from edged.transport.arrivals import has_arrivals
from edged.transport.keys import Client, Key
from edged.transport.refusals import Refusals

__all__ = ["Gate"]

Context: TypeAlias = zmq.Context["Socket"]
Socket: TypeAlias = zmq.Socket[bytes]

log = logging.getLogger(__name__)

ADDRESS = "inproc://zeromq.zap.01"  # of libzmq's requests; a context has one gate
MAX_AT_ONCE = 64


class Gate:
    """Lets in clients that have a key of *authorized*, and counts those it refuses.

    libzmq sends a request at each handshake of a client with a CURVE server in *context*, and the client waits. So the
    thread that owns the gate polls ``socket`` for reading and calls `answer_requests`. It makes the gate before it
    binds anything, and closes it after the bound sockets.
    """

    def __init__(self, context: Context, authorized: Mapping[Key, Client]) -> None:
        self.authorized = authorized
        """Clients to let in from now on; libzmq does not ask again about those that are in."""
        self._refusals = Refusals(["key"])
        self.socket = context.socket(zmq.REP)
        self.socket.set(zmq.LINGER, 0)
        self.socket.bind(ADDRESS)

    @property
    def refused(self) -> int:
        """Number of handshakes that were refused."""
        return self._refusals.counts["key"]

    def answer_requests(self) -> None:
        """Answer the requests that have arrived, at most `MAX_AT_ONCE`; never waits."""
        for _ in range(MAX_AT_ONCE):
            if not has_arrivals(self.socket):
                return
            self.socket.send_multipart(self._reply_to(*self.socket.recv_multipart(zmq.NOBLOCK)))

    def close(self) -> None:
        """Refuse every client from now on."""
        self.socket.close()

    def _reply_to(self, version: bytes, request: bytes, *question: bytes) -> tuple[bytes, ...]:
        # After these two: domain, address, routing id, mechanism, and for CURVE the 32 bytes of the public key.
        address, mechanism, credentials = question[1].decode("utf-8", "replace"), question[3], question[4:]
        key = z85.encode(credentials[0]) if mechanism == b"CURVE" else b""
        client = self.authorized.get(key)
        if client is None:
            shown = key.decode() or "(none)"
            line = f"client of {address} is refused: its public key {shown} is not authorized"
            self._refusals.note("key", shown, line)
            return version, request, b"400", b"this key is not authorized", b"", b""
        log.debug("client %s of %s is let in", client.name, address)
        return version, request, b"200", b"", client.name.encode()[:255], b""
