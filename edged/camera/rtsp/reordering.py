"""RTP packets over UDP, put into the order in which they were sent."""

from __future__ import annotations

import math
from collections.abc import Iterator

__all__ = ["Reordering"]

_MANY = 1000  # packets; a larger jump is a new beginning


class Reordering:
    """Packets go in as they come, and come out in their order. What is still missing after a while is lost.

    It holds `MOST` packets at most, each for `SECONDS` at most.
    """

    MOST = 64
    SECONDS = 0.1

    def __init__(self) -> None:
        self._next: int | None = None  # the number of the packet that is waited for
        self._held: dict[int, bytes] = {}
        self.due = math.inf
        """When the packets that are held are not to wait any longer, on the clock of *now*."""

    def push(self, packet: memoryview, now: float) -> Iterator[bytes | memoryview]:
        """Take in a packet with its header; returns those that are next. One that comes twice or late is left out."""
        sequence = int.from_bytes(packet[2:4])
        ahead = 0 if self._next is None else (sequence - self._next) & 0xFFFF
        if ahead >= 0x10000 - _MANY or sequence in self._held:
            return
        if ahead >= _MANY:  # the camera has begun anew
            yield from self._release_all()
            ahead = 0
        if ahead:
            self._held[sequence] = bytes(packet)
            self.due = min(self.due, now + self.SECONDS)
            if len(self._held) >= self.MOST:
                yield from self._give_up_gap(now)
            return
        self._next = (sequence + 1) & 0xFFFF
        yield packet
        yield from self._release(now)

    def overdue(self, now: float) -> Iterator[bytes | memoryview]:
        """Return the packets that have been held for long enough: what is missing before them is lost."""
        if now >= self.due:
            yield from self._give_up_gap(now)

    def _give_up_gap(self, now: float) -> Iterator[bytes]:
        assert self._next is not None
        begin = self._next
        self._next = min(self._held, key=lambda sequence: (sequence - begin) & 0xFFFF)
        yield from self._release(now)

    def _release(self, now: float) -> Iterator[bytes]:
        """Return the packets that follow each other from the next one on."""
        while self._held and self._next in self._held:
            packet = self._held.pop(self._next)
            self._next = (self._next + 1) & 0xFFFF
            yield packet
        self.due = now + self.SECONDS if self._held else math.inf

    def _release_all(self) -> Iterator[bytes]:
        begin = self._next or 0
        for sequence in sorted(self._held, key=lambda sequence: (sequence - begin) & 0xFFFF):
            yield self._held.pop(sequence)
        self.due = math.inf
