"""A SUB socket's end of ZMTP by hand, for what libzmq would never do."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

from edged.transport.zmtp.commands import from_properties
from edged.transport.zmtp.frames import LONG, command, frame
from edged.transport.zmtp.greeting import greeting

__all__ = ["HELLO", "RawSubscriber", "connected", "subscribe"]

READY = command(b"READY", from_properties({b"Socket-Type": b"SUB"}))
HELLO = greeting(b"NULL", minor=0) + READY


def subscribe(topic: bytes) -> bytes:
    """The subscription to *topic* as ZMTP 3.0 has it."""
    return frame(b"\1" + topic)


def connected(address: str, timeout: float = 20.0) -> socket.socket:
    """A plain connection with *address*."""
    transport, _, rest = address.partition("://")
    if transport == "ipc":
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        connection.connect(str(Path(rest)))
        return connection
    host, _, port = rest.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout)


class RawSubscriber:
    """A connection that is through with the handshake of NULL, unless *hello* says something else."""

    def __init__(self, address: str, hello: bytes = HELLO) -> None:
        self.connection = connected(address)
        self.connection.sendall(hello)

    def send(self, content: bytes) -> None:
        """Send *content*, or as much of it as the other end takes before it hangs up."""
        self.connection.sendall(content)

    def claim(self, size: int) -> None:
        """Announce a frame of *size* bytes."""
        self.send(struct.pack(">BQ", LONG, size))

    def hears(self, size: int = 65536) -> bytes:
        """What comes next; empty: the other end has hung up."""
        try:
            return self.connection.recv(size)
        except ConnectionError:
            return b""

    def hears_the_end(self) -> bytes:
        """What comes until the other end hangs up."""
        came = bytearray()
        while content := self.hears():
            came += content
        return bytes(came)

    def close(self) -> None:
        self.connection.close()
