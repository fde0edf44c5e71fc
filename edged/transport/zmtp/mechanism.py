"""Mechanisms that secure a connection: their interface, and NULL, which secures nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from edged.errors import PeerError
from edged.transport.zmtp.commands import from_properties, to_properties
from edged.transport.zmtp.frames import command, to_bytes

__all__ = ["PUBLISHER", "Mechanism", "Null", "check_subscriber", "refusal"]

PUBLISHER = from_properties({b"Socket-Type": b"PUB"})
REFUSED = b"400"  # ZAP's status of a refused key, which libzmq reports as such


class Mechanism(Protocol):
    """One end of a handshake; after it, the encoding of frames."""

    name: bytes
    as_server: bool
    overhead: int
    """Count of bytes that a frame has beside its content, at most."""
    is_ready: bool
    """Whether the handshake is done."""

    def begin(self) -> bytes:
        """Return the bytes to send once the other end's greeting has come."""
        ...

    def answer(self, name: bytes, content: bytes) -> bytes:
        """Return the bytes to send after a command of the handshake.

        Raises:
            PeerError: it is another one than must come, or wrong.
        """
        ...

    def seal(self, frames: Sequence[bytes | memoryview]) -> bytes:
        """Return a message as bytes of the stream."""
        ...

    def seal_command(self, name: bytes, content: bytes) -> bytes:
        """Return a command as bytes of the stream, after the handshake."""
        ...

    def unseal(self, flags: int, body: bytes) -> tuple[int, bytes]:
        """Return the flags and the content of a frame that came after the handshake.

        Raises:
            PeerError: it was changed on its way, or sent twice.
        """
        ...


def check_subscriber(properties: bytes) -> None:
    """Check that *properties* are those of an end that can subscribe.

    Raises:
        PeerError: they are not.
    """
    if to_properties(properties).get(b"socket-type") not in (b"SUB", b"XSUB"):
        raise PeerError("protocol", "it must be a SUB socket")


def refusal(content: bytes) -> PeerError:
    """Return the exception for the command ERROR with *content*."""
    if content[1 : 1 + content[0] if content else 0] == REFUSED:
        return PeerError("key", "the other end refuses our key")
    return PeerError("protocol", "the other end refuses the connection")


class Null:
    """The mechanism NULL: both ends send their properties, in clear."""

    name = b"NULL"
    as_server = False
    overhead = 0

    def __init__(self) -> None:
        self.is_ready = False

    def begin(self) -> bytes:
        return command(b"READY", PUBLISHER)

    def answer(self, name: bytes, content: bytes) -> bytes:
        if name == b"ERROR":
            raise refusal(content)
        if name != b"READY":
            raise PeerError("protocol", "READY must come first")
        check_subscriber(content)
        self.is_ready = True
        return b""

    def seal(self, frames: Sequence[bytes | memoryview]) -> bytes:
        return to_bytes(frames)

    def seal_command(self, name: bytes, content: bytes) -> bytes:
        return command(name, content)

    def unseal(self, flags: int, body: bytes) -> tuple[int, bytes]:
        return flags, body
