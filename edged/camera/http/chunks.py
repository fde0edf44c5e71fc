"""A body that is sent in chunks (RFC 9112, section 7.1), and what is in them."""

from __future__ import annotations

import re

__all__ = ["Chunks"]

LONGEST_LINE = 1024
MOST_LINES_AT_ONCE = 2048  # in one call: of 64 KiB, this leaves 32 bytes for each

_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})\s*+(?:;.*)?", re.DOTALL)


class Chunks:
    """Takes the framing out of a chunked body as it arrives, wherever that is cut."""

    def __init__(self) -> None:
        self.ended = False
        """True once the last chunk has come."""
        self._left = 0  # bytes of the present chunk
        self._line_end_due = False  # the one after a chunk
        self._line = bytearray()  # the line between two chunks, as far as it has come

    def strip(self, received: memoryview) -> int:
        """Move what is in the chunks to the front of *received*; returns how many bytes that is.

        Raises:
            ValueError: this is no chunked body, or one of so small chunks that reading it is work for nothing.
        """
        kept = at = lines = 0
        while at < len(received) and not self.ended:
            if self._left:
                count = min(self._left, len(received) - at)
                received[kept : kept + count] = received[at : at + count]
                kept, at, self._left = kept + count, at + count, self._left - count
            elif lines >= MOST_LINES_AT_ONCE:
                raise ValueError("its chunks are too small")
            else:
                lines += 1
                at += self._take_line(received[at : at + LONGEST_LINE])
        return kept

    def _take_line(self, received: memoryview) -> int:
        """Return how many bytes of *received* belong to the line before the next chunk."""
        text = bytes(received)
        end = text.find(b"\n") + 1
        self._line += text[:end] if end else text
        if len(self._line) > LONGEST_LINE:
            raise ValueError("the size of a chunk is missing")
        if end:
            self._end_line()
        return end or len(text)

    def _end_line(self) -> None:
        line = bytes(self._line).strip()
        self._line.clear()
        if not line and self._line_end_due:
            self._line_end_due = False
            return
        size = _SIZE.fullmatch(line)
        if size is None:
            raise ValueError("the size of a chunk is no number")
        self._left = int(size[1], 16)
        self.ended = self._left == 0
        self._line_end_due = True
