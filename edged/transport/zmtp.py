"""What a ROUTER socket says and hears on a stream of bytes: ZMTP 3.0 (RFC 23), mechanism NULL, without any socket.

ZeroMQ's own library listens to whoever comes without limits: it takes any number of connections, and ends the whole
process when there are no more file descriptors for them; and it keeps a message until its last frame has come, however
many there are. That is no way to let others in who may be wrong, so the control socket is served by this instead. Who
asks uses ZeroMQ as ever.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from edged.errors import WireError

__all__ = ["MAX_FRAMES", "MAX_MESSAGE_BYTES", "RouterEnd", "to_bytes"]

MAX_MESSAGE_BYTES = 8192
MAX_FRAMES = 8

MORE, LONG, COMMAND = 1, 2, 4
GREETING_BYTES = 64
MECHANISM = b"NULL".ljust(20, b"\0")
GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + MECHANISM + bytes(32)
READY = b"\x05READY" + b"\x0bSocket-Type" + struct.pack(">I", 6) + b"ROUTER"


def to_bytes(frames: Sequence[bytes]) -> bytes:
    """A message as it goes over the stream."""
    last = len(frames) - 1
    return b"".join(_frame(frame, MORE if number < last else 0) for number, frame in enumerate(frames))


def _frame(body: bytes, flags: int) -> bytes:
    if len(body) > 255:
        return struct.pack(">BQ", flags | LONG, len(body)) + body
    return struct.pack(">BB", flags, len(body)) + body


class RouterEnd:
    """One end of one connection. It is fed what comes, and says what messages that is; ``reply`` is what to send back.

    Not more than one message is ever kept, of at most `MAX_MESSAGE_BYTES` and `MAX_FRAMES`.
    """

    def __init__(self) -> None:
        self.reply = bytearray(GREETING + _frame(READY, COMMAND))
        """What has to be sent and has not been taken yet: the beginning, and answers to commands."""
        self.is_ready = False
        """Whether the other end has introduced itself."""
        self._input = bytearray()
        self._frames: list[bytes] = []
        self._greeted = False

    def feed(self, content: bytes) -> Iterator[list[bytes]]:
        """Take what came, and yield every message that is whole with it.

        Raises:
            WireError: it is not of this protocol, or too much. The connection has to be ended.
        """
        self._input += content
        if not self._greeted:
            self._greeted = self._take_greeting()
        while self._greeted and (frame := self._take_frame()) is not None:
            flags, body = frame
            if flags & COMMAND:
                self._obey(body)
                continue
            if not self.is_ready:
                raise WireError("a message must come after READY")
            self._frames.append(body)
            if len(self._frames) > MAX_FRAMES or sum(map(len, self._frames)) > MAX_MESSAGE_BYTES:
                raise WireError(f"a message must be of at most {MAX_FRAMES} frames and {MAX_MESSAGE_BYTES} bytes")
            if not flags & MORE:
                message, self._frames = self._frames, []
                yield message

    def _take_greeting(self) -> bool:
        start = bytes(self._input[:GREETING_BYTES])
        if start[:1] not in (b"", b"\xff") or (len(start) > 9 and not start[9] & 1):
            raise WireError("it does not begin as ZMTP does")
        if (len(start) > 10 and start[10] < 3) or (len(start) >= 32 and start[12:32] != MECHANISM):
            raise WireError("it must be ZMTP 3 with the mechanism NULL")
        if len(start) < GREETING_BYTES:
            return False
        del self._input[:GREETING_BYTES]
        return True

    def _take_frame(self) -> tuple[int, bytes] | None:
        """The flags and the body of the next frame; None if it is not whole yet."""
        if not self._input:
            return None
        flags = self._input[0]
        if flags > MORE | LONG | COMMAND or flags & (MORE | COMMAND) == MORE | COMMAND:
            raise WireError(f"there is no frame with the flags {flags}")
        head = 9 if flags & LONG else 2
        if len(self._input) < head:
            return None
        size = int.from_bytes(self._input[1:head], "big")
        if size > MAX_MESSAGE_BYTES:
            raise WireError(f"a frame must be of at most {MAX_MESSAGE_BYTES} bytes (got {size})")
        if len(self._input) < head + size:
            return None
        body = bytes(self._input[head : head + size])
        del self._input[: head + size]
        return flags, body

    def _obey(self, command: bytes) -> None:
        name = command[1 : 1 + command[0]] if command else b""
        if name == b"READY":
            self.is_ready = True
        elif name == b"ERROR":
            raise WireError("the other end refuses the connection")
        elif name == b"PING" and self.is_ready:  # of ZMTP 3.1: a time in two bytes, and what has to be said back
            self.reply += _frame(b"\x04PONG" + command[7:23], COMMAND)
