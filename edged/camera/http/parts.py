"""The pictures of a ``multipart/x-mixed-replace`` stream, found as its bytes arrive."""

from __future__ import annotations

import re
import time

from edged.camera.http.head import HeadEnd

__all__ = ["Parts"]

LARGEST_PART = 16 << 20
LONGEST_HEADER = 8192
MOST_PARTS_AT_ONCE = 256  # that end in one call: of 64 KiB, this leaves 256 bytes for each, less than any picture
MOST_PARTS = 2000  # a second; a camera sends a tenth, and each takes time from the threads of other cameras
_AT_ONCE = 65536  # at least so much room for what arrives
_LENGTH = re.compile(rb"^content-length[ \t]*+:[ \t]*+([0-9]{1,9}+)[ \t]*+\r?$", re.IGNORECASE | re.MULTILINE)


class Parts:
    """Bytes go into ``room``, whole parts come out, the newest only.

    There is one buffer, which grows until the largest part fits; nothing else is allocated as parts come. Parts that do
    not start with *start*, perhaps after line ends, are passed over: cameras send texts between their pictures.
    """

    def __init__(self, boundary: bytes, start: bytes = b"") -> None:
        self.others = 0
        """Parts that were passed over."""
        self.found = False
        """Whether the boundary has come."""
        self._start = start
        self._delimiter = b"--" + boundary
        self._buffer = bytearray(4 * _AT_ONCE)
        self._filled = 0  # bytes that have been received
        self._at = 0  # where the next part is looked for
        self._searched = 0  # where the search for the end of a part of unknown length goes on
        self._header_end: HeadEnd | None = None  # of the part whose header is coming in
        self._body: tuple[int, int | None] | None = None  # begin of the part that is coming in, and its length if told
        self._newest: tuple[int, int] | None = None
        self._second_begin, self._in_second = 0.0, 0  # and the parts since then

    @property
    def newest(self) -> memoryview | None:
        """The last part that is whole, until ``forget``. No view of it may be in use when more is received."""
        if self._newest is None:
            return None
        return memoryview(self._buffer)[slice(*self._newest)]

    def forget(self) -> None:
        """Let the space of the newest part be used again."""
        self._newest = None

    def free_space(self) -> memoryview:
        """The memory for the bytes that arrive next. It is not empty."""
        if len(self._buffer) - self._filled < _AT_ONCE:
            self._make_room()
        return memoryview(self._buffer)[self._filled :]

    def received(self, count: int) -> bool:
        """Take note of *count* more bytes in ``room``. Returns whether there is a newer part.

        Raises:
            ValueError: this is no multipart stream, or one of so small or many parts that they cannot be pictures.
        """
        self._filled += count
        before, parts = self._newest, 0
        while self._find_body() and self._find_end():
            parts += 1
            if parts > MOST_PARTS_AT_ONCE:
                raise ValueError("its parts are too small for pictures")
        self._count(parts)
        return self._newest is not before

    def _count(self, parts: int) -> None:
        now = time.monotonic()
        if now - self._second_begin >= 1.0:
            self._second_begin, self._in_second = now, 0
        self._in_second += parts
        if self._in_second > MOST_PARTS:
            raise ValueError(f"it sends more than {MOST_PARTS} parts a second")

    def _find_body(self) -> bool:
        if self._body is not None:
            return True
        start = self._buffer.find(self._delimiter, self._at, self._filled)
        if start < 0:
            # What cannot belong to a delimiter is skipped, so that it does not pile up.
            self._at = max(self._at, self._filled - len(self._delimiter))
            return False
        self._at, self.found = start, True
        if self._header_end is None:
            self._header_end = HeadEnd(start)
        end = self._header_end.find(self._buffer, min(self._filled, start + LONGEST_HEADER))
        if end is None:
            if self._filled - start >= LONGEST_HEADER:
                raise ValueError("a part of it has no header that ends")
            return False
        length = _LENGTH.search(self._buffer, start, end)
        self._header_end = None
        self._body = (end, int(length[1]) if length else None)
        self._searched = end
        return True

    def _find_end(self) -> bool:
        assert self._body is not None
        begin, length = self._body
        if length is not None:
            end = after = begin + length
            if length > LARGEST_PART:
                raise ValueError(f"a part of it is said to have {length} bytes")
            if after > self._filled:
                return False
        else:
            after = self._buffer.find(self._delimiter, self._searched, self._filled)
            if after < 0:
                if self._filled - begin > LARGEST_PART:
                    raise ValueError(f"a part of it has more than {LARGEST_PART} bytes")
                self._searched = max(begin, self._filled - len(self._delimiter))
                return False
            end = after
        self._at, self._body = after, None
        while begin < end and self._start and self._buffer[begin] in b"\r\n":
            begin += 1
        if self._buffer.startswith(self._start, begin, end):
            self._newest = begin, end
        else:
            self.others += 1
        return True

    def _make_room(self) -> None:
        """Move what is still needed to the front, and into a larger buffer if that does not help."""
        first = min([self._at, *(span[0] for span in (self._body, self._newest) if span is not None)])
        needed = self._filled - first
        size = len(self._buffer)
        while size - needed < _AT_ONCE:
            size *= 2
        old = memoryview(self._buffer)
        if size > len(self._buffer):
            self._buffer = bytearray(size)
        memoryview(self._buffer)[:needed] = old[first : self._filled]
        self._filled -= first
        self._at -= first
        self._searched = max(0, self._searched - first)
        if self._header_end is not None:
            self._header_end.moved(first)
        if self._body is not None:
            self._body = (self._body[0] - first, self._body[1])
        if self._newest is not None:
            self._newest = (self._newest[0] - first, self._newest[1] - first)
