"""The publishing end of a connection: ZMTP 3.0 and 3.1, without any socket.

A peer may send a handshake, subscriptions, cancellations and PING. Everything else ends the connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edged.errors import PeerError
from edged.transport.zmtp.commands import split
from edged.transport.zmtp.frames import COMMAND, MORE, FrameReader
from edged.transport.zmtp.greeting import greeting, take_greeting
from edged.transport.zmtp.mechanism import Mechanism, refusal

__all__ = ["MAX_TOPIC_BYTES", "PubEnd"]

MAX_TOPIC_BYTES = 512
MAX_HANDSHAKE_BYTES = 2048  # INITIATE of CURVE has 257 and the properties
LONGEST_COMMAND = len(b"\x09SUBSCRIBE")
MAX_CONTEXT_BYTES = 16
TTL_UNIT_SECONDS = 0.1
MINOR = 1


class PubEnd:
    """One end of one connection. Turns the bytes that come into subscriptions; ``reply`` has the bytes to send back."""

    def __init__(self, mechanism: Mechanism) -> None:
        self.reply = bytearray(greeting(mechanism.name, minor=MINOR, as_server=mechanism.as_server))
        """Bytes that wait to be sent: the greeting, and answers to commands. The caller removes what it has sent."""
        self.frames = 0
        """Count of frames that came after the handshake."""
        self.ttl_seconds = 0.0
        """The seconds that the other end may be silent, by the time-to-live of its last PING; 0: without a limit."""
        self._mechanism = mechanism
        self._reader = FrameReader(MAX_HANDSHAKE_BYTES)
        self._greeted = False

    @property
    def is_ready(self) -> bool:
        """Whether the handshake is done."""
        return self._mechanism.is_ready

    @property
    def greeted(self) -> bool:
        """Whether the other end has begun as ZMTP does, and secures the connection in the same way."""
        return self._greeted

    def encode(self, frames: Sequence[bytes | memoryview]) -> bytes:
        """Return a message as bytes of this connection; they have to be sent in the order of the calls."""
        return self._mechanism.seal(frames)

    def feed(self, content: bytes) -> Iterator[tuple[bool, bytes]]:
        """Add bytes that came, and yield each topic prefix that is subscribed to (True) or cancelled (False).

        Raises:
            PeerError: the bytes break a rule. The caller has to close the connection.
        """
        self._reader.feed(content)
        if not self._greeted:
            if not take_greeting(self._reader, self._mechanism.name):
                return
            self._greeted = True
            self.reply += self._mechanism.begin()
        while not self._mechanism.is_ready:
            if (next_frame := self._reader.next()) is None:
                return
            self._handle_handshake(*next_frame)
        while (next_frame := self._reader.next()) is not None:
            self.frames += 1
            flags, body = self._mechanism.unseal(*next_frame)
            if flags & COMMAND:
                yield from self._handle_command(*split(body))
            else:
                yield _subscription(flags, body)

    def _handle_handshake(self, flags: int, body: bytes) -> None:
        if not flags & COMMAND:
            raise PeerError("protocol", "a message must come after the handshake")
        self.reply += self._mechanism.answer(*split(body))
        if self._mechanism.is_ready:
            self._reader.longest = LONGEST_COMMAND + MAX_TOPIC_BYTES + self._mechanism.overhead

    def _handle_command(self, name: bytes, content: bytes) -> Iterator[tuple[bool, bytes]]:
        if name in (b"SUBSCRIBE", b"CANCEL"):
            yield name == b"SUBSCRIBE", _checked(content)
        elif name == b"PING":
            self.ttl_seconds = int.from_bytes(content[:2], "big") * TTL_UNIT_SECONDS
            self.reply += self._mechanism.seal_command(b"PONG", content[2 : 2 + MAX_CONTEXT_BYTES])
        elif name == b"ERROR":
            raise refusal(content)
        elif name == b"READY":
            raise PeerError("protocol", "READY must come once")


def _subscription(flags: int, body: bytes) -> tuple[bool, bytes]:
    """Return the subscription in a message, as ZMTP 3.0 has it."""
    if flags & MORE or body[:1] not in (b"\0", b"\1"):
        raise PeerError("message", "it sends messages into a port that takes only subscriptions")
    return body[:1] == b"\1", _checked(body[1:])


def _checked(topic: bytes) -> bytes:
    if len(topic) > MAX_TOPIC_BYTES:
        raise PeerError("size", f"a topic must be of at most {MAX_TOPIC_BYTES} bytes (got {len(topic)})")
    return topic
