"""A ROUTER socket's end of a connection: ZMTP 3.0 with the mechanism NULL, without any socket."""

from __future__ import annotations

from collections.abc import Iterator

from edged.errors import PeerError
from edged.transport.zmtp.commands import from_properties, split
from edged.transport.zmtp.frames import COMMAND, MORE, FrameReader, command
from edged.transport.zmtp.greeting import greeting, take_greeting

__all__ = ["MAX_FRAMES", "MAX_MESSAGE_BYTES", "RouterEnd"]

MAX_MESSAGE_BYTES = 66_560  # a request of 64 KiB, and the empty frame of a REQ socket
MAX_FRAMES = 8
MECHANISM = b"NULL"
HELLO = greeting(MECHANISM, minor=0) + command(b"READY", from_properties({b"Socket-Type": b"ROUTER"}))


class RouterEnd:
    """Server's end of one connection: turns the bytes that come into messages; ``reply`` has the bytes to send back.

    It keeps at most one message, of at most `MAX_MESSAGE_BYTES` and `MAX_FRAMES`.
    """

    def __init__(self) -> None:
        self.reply = bytearray(HELLO)
        """Bytes that wait to be sent: the greeting, and answers to commands. The caller removes what it has sent."""
        self.is_ready = False
        """Whether READY of the other end has come."""
        self._reader = FrameReader(MAX_MESSAGE_BYTES)
        self._frames: list[bytes] = []
        self._greeted = False

    def feed(self, content: bytes) -> Iterator[list[bytes]]:
        """Add bytes that came, and yield every message that is complete now.

        Raises:
            PeerError: the bytes are not ZMTP, or too many. The caller has to close the connection.
        """
        self._reader.feed(content)
        if not self._greeted:
            self._greeted = take_greeting(self._reader, MECHANISM)
        while self._greeted and (next_frame := self._reader.next()) is not None:
            flags, body = next_frame
            if flags & COMMAND:
                self._handle_command(*split(body))
                continue
            if not self.is_ready:
                raise PeerError("protocol", "a message must come after READY")
            self._frames.append(body)
            if len(self._frames) > MAX_FRAMES or sum(map(len, self._frames)) > MAX_MESSAGE_BYTES:
                raise PeerError(
                    "size", f"a message must be of at most {MAX_FRAMES} frames and {MAX_MESSAGE_BYTES} bytes"
                )
            if not flags & MORE:
                message, self._frames = self._frames, []
                yield message

    def _handle_command(self, name: bytes, content: bytes) -> None:
        if name == b"READY":
            self.is_ready = True
        elif name == b"ERROR":
            raise PeerError("protocol", "the other end refuses the connection")
        elif name == b"PING" and self.is_ready:  # of ZMTP 3.1: a time in two bytes, and the context
            self.reply += command(b"PONG", content[2:18])
