"""ZMTP 3.0 (RFC 23) of a ROUTER socket, mechanism NULL, on a stream of bytes and without any socket.

ZeroMQ's own library has no limits for its peers. It accepts any number of connections, and ends the whole process when
file descriptors run out; and it keeps a message until its last frame has come, regardless of their number. The control
socket accepts peers that may be faulty or hostile, so it is served by this module instead. Its clients use ZeroMQ.
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
    """Return a message as bytes of the stream."""
    last = len(frames) - 1
    return b"".join(_frame(frame, MORE if number < last else 0) for number, frame in enumerate(frames))


def _frame(body: bytes, flags: int) -> bytes:
    if len(body) > 255:
        return struct.pack(">BQ", flags | LONG, len(body)) + body
    return struct.pack(">BB", flags, len(body)) + body


class RouterEnd:
    """Server's end of one connection: turns the bytes that come into messages; ``reply`` has the bytes to send back.

    It keeps at most one message, of at most `MAX_MESSAGE_BYTES` and `MAX_FRAMES`.
    """

    def __init__(self) -> None:
        self.reply = bytearray(GREETING + _frame(READY, COMMAND))
        """Bytes that wait to be sent: the greeting, and answers to commands. The caller removes what it has sent."""
        self.is_ready = False
        """Whether READY of the other end has come."""
        self._input = bytearray()
        self._frames: list[bytes] = []
        self._greeted = False

    def feed(self, content: bytes) -> Iterator[list[bytes]]:
        """Add bytes that came, and yield every message that is complete now.

        Raises:
            WireError: the bytes are not ZMTP, or too many. The caller has to close the connection.
        """
        self._input += content
        if not self._greeted:
            self._greeted = self._take_greeting()
        while self._greeted and (frame := self._take_frame()) is not None:
            flags, body = frame
            if flags & COMMAND:
                self._handle_command(body)
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
            raise WireError("the greeting must be that of ZMTP")
        if (len(start) > 10 and start[10] < 3) or (len(start) >= 32 and start[12:32] != MECHANISM):
            raise WireError("it must be ZMTP 3 with the mechanism NULL")
        if len(start) < GREETING_BYTES:
            return False
        del self._input[:GREETING_BYTES]
        return True

    def _take_frame(self) -> tuple[int, bytes] | None:
        """Remove and return the flags and the body of the next frame; None if it is not complete yet."""
        if not self._input:
            return None
        flags = self._input[0]
        if flags > MORE | LONG | COMMAND or flags & (MORE | COMMAND) == MORE | COMMAND:
            raise WireError(f"the flags of a frame must be known (got {flags})")
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

    def _handle_command(self, command: bytes) -> None:
        name = command[1 : 1 + command[0]] if command else b""
        if name == b"READY":
            self.is_ready = True
        elif name == b"ERROR":
            raise WireError("the other end refuses the connection")
        elif (
            name == b"PING" and self.is_ready
        ):  # of ZMTP 3.1: a time in two bytes, and the context, which the answer repeats
            self.reply += _frame(b"\x04PONG" + command[7:23], COMMAND)
