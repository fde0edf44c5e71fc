"""RTP packets (RFC 3550) and what is lost between them."""

from __future__ import annotations

import struct
from typing import NamedTuple

__all__ = ["Packet", "SequenceCheck", "Unwrap", "read_packet"]

_HEADER = struct.Struct(">BBHII")  # flags, marker and type, number, timestamp, source
_MANY = 1000  # packets; a larger jump is a new beginning rather than a loss


class Packet(NamedTuple):
    """An RTP packet. The payload is valid as long as the memory that it was read from.

    There are hundreds a second, and a named tuple is made faster than a frozen dataclass.
    """

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    source: int
    payload: memoryview


def read_packet(content: memoryview) -> Packet:
    """Take a packet apart.

    Raises:
        ValueError: it is none.
    """
    if len(content) < _HEADER.size or content[0] >> 6 != 2:
        raise ValueError("not an RTP packet")
    flags, kind, sequence, timestamp, source = _HEADER.unpack_from(content)
    begin, end = _HEADER.size + 4 * (flags & 0x0F), len(content)
    if flags & 0x10:  # an extension of the header
        begin += 4 + 4 * int.from_bytes(content[begin + 2 : begin + 4])
    if flags & 0x20:
        end -= content[-1]
    if begin > end:
        raise ValueError("not an RTP packet: its header is longer than it")
    return Packet(kind & 0x7F, kind >= 0x80, sequence, timestamp, source, content[begin:end])


class SequenceCheck:
    """Counts the packets that are missing between those that come."""

    def __init__(self) -> None:
        self._expected: int | None = None

    def missing_before(self, sequence: int) -> int | None:
        """Return how many packets are missing before the one with that number; None: it came late or twice."""
        missing = 0 if self._expected is None else (sequence - self._expected) & 0xFFFF
        if missing > 0xFFFF - _MANY:
            return None
        self._expected = (sequence + 1) & 0xFFFF
        return missing

    def skip(self, packets: int, last: int) -> int:
        """Take note of so many *packets* that came at once, *last* with that number; returns how many are missing."""
        expected, self._expected = self._expected, (last + 1) & 0xFFFF
        missing = 0 if expected is None else (last + 1 - packets - expected) & 0xFFFF
        return missing if missing <= 0xFFFF - _MANY else 0


class Unwrap:
    """Makes numbers that never wrap around of timestamps of 32 bits."""

    def __init__(self) -> None:
        self._last: int | None = None

    def __call__(self, timestamp: int) -> int:
        """Return the number nearest to the last one."""
        if self._last is None:
            self._last = timestamp
        self._last += (timestamp - self._last + 0x80000000) % 0x100000000 - 0x80000000
        return self._last
