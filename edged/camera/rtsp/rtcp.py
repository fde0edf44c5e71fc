"""RTCP (RFC 3550, section 6): the wall clock that a camera gives for its timestamps, and its goodbye."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Goodbye", "SenderReport", "read_reports"]

MOST_REPORTS = 32  # of one packet; a camera sends two or three, and a hostile one may send 16,000
_SENDER_REPORT, _BYE = 200, 203
_SHORTEST_SENDER_REPORT = 28
_UNIX_EPOCH = 2_208_988_800  # seconds after NTP's


@dataclass(frozen=True, slots=True)
class SenderReport:
    """The wall clock of the sender, as Unix time in nanoseconds, at an RTP timestamp of a source."""

    source: int
    wall_ns: int
    timestamp: int

    def wall_ns_of(self, timestamp: int, clock_rate: int) -> int:
        """Return the wall clock at *timestamp*, which may be before or after the report, by less than 2^31 units."""
        units = (timestamp - self.timestamp + 0x80000000) % 0x100000000 - 0x80000000
        return self.wall_ns + units * 1_000_000_000 // clock_rate


@dataclass(frozen=True, slots=True)
class Goodbye:
    """A source ends its stream."""

    source: int


def read_reports(content: memoryview) -> Iterator[SenderReport | Goodbye]:
    """The reports in a compound packet, up to the first that makes no sense. Others than the two are passed over.

    Only the first `MOST_REPORTS` are looked at.
    """
    for _ in range(MOST_REPORTS):
        if len(content) < 8 or content[0] >> 6 != 2:
            return
        length = 4 + 4 * int.from_bytes(content[2:4])
        source = int.from_bytes(content[4:8])
        if length > len(content):
            return
        if content[1] == _SENDER_REPORT and length >= _SHORTEST_SENDER_REPORT:
            seconds, fraction = int.from_bytes(content[8:12]), int.from_bytes(content[12:16])
            if seconds > _UNIX_EPOCH:  # a camera without a clock sends 0
                wall_ns = (seconds - _UNIX_EPOCH) * 1_000_000_000 + (fraction * 1_000_000_000 >> 32)
                yield SenderReport(source, wall_ns, int.from_bytes(content[16:20]))
        elif content[1] == _BYE and content[0] & 0x1F:
            yield Goodbye(source)
        content = content[length:]
