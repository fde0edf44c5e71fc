"""``ControlLink``: the control socket for an event loop: many requests at once, and nothing waits."""

from __future__ import annotations

import secrets
import struct

import zmq

from edged.transport.arrivals import has_arrivals

__all__ = ["ControlLink"]

MAX_PICTURE_BYTES = 64 << 20
EVENTS = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_CLOSED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
)


class ControlLink:
    """One connection to the daemon at *address*, ``ipc://PATH``, which ends when the daemon does.

    One thread uses it. It calls `read` when one of ``descriptors`` can be read, and after each `send`.

    Attributes:
        address: where it is connected.
        descriptors: the file descriptors to wait for.
        is_open: whether the daemon has answered the handshake.
        is_lost: whether the connection has ended; another link is needed then.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.is_open = self.is_lost = False
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.MAXMSGSIZE, MAX_PICTURE_BYTES)
        self._socket.set(zmq.RECONNECT_IVL, -1)
        monitor = f"inproc://control-{secrets.token_hex(8)}"
        self._socket.monitor(monitor, EVENTS)
        self._monitor = self._context.socket(zmq.PAIR)
        self._monitor.set(zmq.LINGER, 0)
        self._monitor.connect(monitor)
        self._socket.connect(address)
        self.descriptors: tuple[int, int] = (self._descriptor(self._socket), self._descriptor(self._monitor))

    def send(self, request: bytes) -> bool:
        """Send a request; return whether there was room for it."""
        try:
            self._socket.send_multipart([b"", request], zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def read(self) -> list[list[bytes]]:
        """Return the frames of each reply that has come; never waits."""
        replies = []
        while has_arrivals(self._socket):
            _, *frames = self._socket.recv_multipart(zmq.NOBLOCK)
            replies.append(frames)
        while has_arrivals(self._monitor):
            what, _ = self._monitor.recv_multipart(zmq.NOBLOCK)
            event, _ = struct.unpack("=HI", what)
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self.is_open = True
            else:
                self.is_lost = True
        return replies

    def close(self) -> None:
        """Close the connection; harmless when done twice."""
        self._socket.disable_monitor()
        self._monitor.close()
        self._socket.close()
        self._context.term()

    @staticmethod
    def _descriptor(socket: zmq.Socket[bytes]) -> int:
        return int(socket.get(zmq.FD))
