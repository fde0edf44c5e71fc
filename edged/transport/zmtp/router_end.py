"""A ROUTER socket's end of a connection: ZMTP 3.0 with the mechanism NULL, without any socket."""

from __future__ import annotations

from collections.abc import Iterator

from edged.errors import PeerError
from edged.transport.zmtp.commands import from_properties, split
from edged.transport.zmtp.frames import COMMAND, MORE, FrameReader, command
from edged.transport.zmtp.greeting import greeting, take_greeting

__all__ = ["MAX_FRAMES", "MAX_MESSAGE_BYTES", "RouterEnd"]

MAX_MESSAGE_BYTES = 8192
MAX_FRAMES = 8
MECHANISM = b"NULL"
HELLO = greeting(MECHANISM, minor=0) + command(b"READY", from_properties({b"Socket-Type": b"ROUTER"}))


class RouterEnd:
    """One end of one connection. It is fed what comes and yields the messages in it; ``reply`` is to be sent.

    Not more than one message is ever kept, of at most `MAX_MESSAGE_BYTES` and `MAX_FRAMES`.
    """

    def __init__(self) -> None:
        self.reply = bytearray(HELLO)
        """What has to be sent and has not been taken yet: the beginning, and answers to commands."""
        self.is_ready = False
        """Whether the other end has introduced itself."""
        self._reader = FrameReader(MAX_MESSAGE_BYTES)
        self._frames: list[bytes] = []
        self._greeted = False

    def feed(self, content: bytes) -> Iterator[list[bytes]]:
        """Take what came, and yield every message that is whole with it.

        Raises:
            PeerError: it is not of this protocol, or too much. The connection has to be ended.
        """
        self._reader.feed(content)
        if not self._greeted:
            self._greeted = take_greeting(self._reader, MECHANISM)
        while self._greeted and (next_frame := self._reader.next()) is not None:
            flags, body = next_frame
            if flags & COMMAND:
                self._obey(*split(body))
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

    def _obey(self, name: bytes, content: bytes) -> None:
        if name == b"READY":
            self.is_ready = True
        elif name == b"ERROR":
            raise PeerError("protocol", "the other end refuses the connection")
        elif name == b"PING" and self.is_ready:  # of ZMTP 3.1: a time in two bytes, and what has to be said back
            self.reply += command(b"PONG", content[2:18])
