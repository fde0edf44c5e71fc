"""Frames of ZMTP 3: from bytes and to bytes."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from edged.errors import PeerError

__all__ = ["COMMAND", "LONG", "MORE", "FrameReader", "command", "frame", "to_bytes", "to_parts"]

MORE, LONG, COMMAND = 1, 2, 4
LONGEST_SHORT = 255  # bytes of a body whose size is one byte


def head_of(size: int, flags: int = 0) -> bytes:
    """Return what stands before a body of *size* bytes."""
    return struct.pack(">BQ", flags | LONG, size) if size > LONGEST_SHORT else bytes((flags, size))


def frame(body: bytes | memoryview, flags: int = 0) -> bytes:
    """Return *body* as one frame."""
    return b"".join((head_of(len(body), flags), body))


def command(name: bytes, content: bytes = b"") -> bytes:
    """Return a command as one frame."""
    return frame(bytes((len(name),)) + name + content, COMMAND)


def to_parts(frames: Sequence[bytes | memoryview]) -> list[bytes | memoryview]:
    """Return a message as parts of the stream, one after the other, in which *frames* are not copied."""
    last, parts = len(frames) - 1, list[bytes | memoryview]()
    for number, body in enumerate(frames):
        parts += (head_of(len(body), MORE if number < last else 0), body)
    return parts


def to_bytes(frames: Sequence[bytes | memoryview]) -> bytes:
    """Return a message as bytes of the stream."""
    return b"".join(to_parts(frames))


class FrameReader:
    """Cuts a stream into frames. A frame that claims more than ``longest`` bytes is refused before it is kept."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self._input = bytearray()

    def __len__(self) -> int:
        """Count of bytes that wait for the rest of their frame."""
        return len(self._input)

    def feed(self, content: bytes) -> None:
        """Add bytes that came."""
        self._input += content

    def take(self, size: int) -> bytes | None:
        """Remove and return the next *size* bytes; None if they have not come yet."""
        if len(self._input) < size:
            return None
        content = bytes(self._input[:size])
        del self._input[:size]
        return content

    def peek(self, size: int) -> bytes:
        """Return the next bytes, at most *size*, and keep them."""
        return bytes(self._input[:size])

    def next(self) -> tuple[int, bytes] | None:
        """Remove and return the flags and the body of the next frame; None if it is not complete yet.

        Raises:
            PeerError: its flags are not known, or it is too large.
        """
        waiting = self._input
        if not waiting:
            return None
        flags = waiting[0]
        if flags > MORE | LONG | COMMAND or flags & (MORE | COMMAND) == MORE | COMMAND:
            raise PeerError("protocol", f"the flags of a frame must be known (got {flags})")
        head = 9 if flags & LONG else 2
        if len(waiting) < head:
            return None
        size = int.from_bytes(waiting[1:head], "big")
        if size > self.longest:
            raise PeerError("size", f"a frame must be of at most {self.longest} bytes (got {size})")
        if len(waiting) < head + size:
            return None
        body = bytes(waiting[head : head + size])
        del waiting[: head + size]
        return flags, body
