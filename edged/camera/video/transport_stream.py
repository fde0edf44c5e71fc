"""MPEG transport streams, cut where the programme changes its codec.

FFmpeg decodes such a stream with what it finds at the beginning. A stream that was put together of two recordings, or
whose encoder was switched, announces that in its programme map (ISO/IEC 13818-1, section 2.4.4.8). What follows is read
as another part.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edged.camera.video.readable import Readable

__all__ = ["TransportStream", "is_transport_stream"]

PACKET = 188
SYNC = 0x47
READ_AT_ONCE = 32 * 1024
PAT, PMT = 0, 2  # numbers of the tables; the first is also that of its packets
MOST_CHANGES = 1000  # of tables that are followed; after that no table is looked at, and the stream goes on as it is
MOST_PROGRAMMES = 64  # whose maps are remembered; a broadcast has some ten
VIDEO_TYPES = frozenset({0x01, 0x02, 0x10, 0x1B, 0x20, 0x21, 0x24, 0x33, 0x42, 0xD1, 0xD2, 0xEA})

Packets: TypeAlias = NDArray[np.uint8]
"""Whole packets, one a row."""


def is_transport_stream(head: bytes) -> bool:
    """Check whether what begins with *head*, of four packets or more, is a transport stream."""
    return any(head[at : at + 3 * PACKET : PACKET] == bytes([SYNC] * 3) for at in range(PACKET))


class TransportStream:
    """Takes *source*, whose first bytes *head* were read before, apart into parts of one programme map each."""

    def __init__(self, source: Readable, head: bytes = b"") -> None:
        self._source = source
        self._waiting = head  # was read, and not looked through yet
        self._maps: dict[int, frozenset[tuple[int, int]]] = {}  # number and type of video streams, by programme
        self._table_pids = {PAT}
        self._association = b""  # the table that they are from
        self._changes_left = MOST_CHANGES
        self._table = b""  # the last packet with the association table, which every part begins with
        self._has_ended = False

    def parts(self) -> Iterator[Readable]:
        """Yield the parts; each has to be read to its end before the next."""
        while self._waiting or not self._has_ended:
            yield _Part(self)

    def take(self) -> tuple[bytes, bool]:
        """Return some bytes of the part, and whether they are its last."""
        if len(self._waiting) < READ_AT_ONCE and not self._has_ended:
            content = self._source.read(READ_AT_ONCE)
            self._waiting += content
            self._has_ended = not content
        start = _first_packet(self._waiting)
        packets = _packets(self._waiting, start)
        change = self._find_change(packets)
        if change is not None:
            cut = start + change * PACKET
            content, self._waiting = self._waiting[:cut], self._table + self._waiting[cut:]
            return content, True
        end = start + len(packets) * PACKET
        if self._has_ended and not len(packets):
            end = len(self._waiting)
        content, self._waiting = self._waiting[:end], self._waiting[end:]
        return content, self._has_ended and not self._waiting

    def _find_change(self, packets: Packets) -> int | None:
        """Return which of *packets* changes the streams of a programme; None if none does."""
        begins = np.flatnonzero(packets[:, 1] & 0x40)
        for index, pid in zip(begins.tolist(), _pids(packets[begins]).tolist(), strict=True):
            if pid in self._table_pids and self._changes(packets[index].tobytes()):
                return int(index)
        return None

    def _changes(self, packet: bytes) -> bool:
        """Take in a packet with the beginning of a table. Returns whether it changes the streams of a programme."""
        section = _section(packet)
        if section[:1] == bytes([PAT]):
            self._table = packet
            if section != self._association:
                entries = (section[at : at + 4] for at in range(8, len(section) - 7, 4))
                self._association = section
                self._table_pids = {PAT} | {_pid(entry[2:]) for entry in entries if entry[:2] != b"\0\0"}
                self._count_change()
        elif section[:1] == bytes([PMT]) and section[5] & 1:  # in force, and not the next one
            programme, now = int.from_bytes(section[3:5]), frozenset(_videos(section))
            if programme not in self._maps and len(self._maps) >= MOST_PROGRAMMES:
                return False
            before = self._maps.setdefault(programme, now)
            if now and now != before:
                self._maps[programme] = now
                self._count_change()
                return bool(before)
        return False

    def _count_change(self) -> None:
        self._changes_left -= 1
        if not self._changes_left:
            self._table_pids = set()


class _Part:
    """One part of a transport stream, for PyAV."""

    def __init__(self, stream: TransportStream) -> None:
        self._stream = stream
        self._content = b""
        self._is_last = False

    def read(self, size: int) -> bytes:
        while not self._content and not self._is_last:
            self._content, self._is_last = self._stream.take()
        result, self._content = self._content[:size], self._content[size:]
        return result


def _first_packet(content: bytes) -> int:
    """Return where the first whole packet begins; what comes before belongs to none."""
    at = content.find(SYNC)
    while at >= 0 and content[at + PACKET : at + PACKET + 1] not in (b"", bytes([SYNC])):
        at = content.find(SYNC, at + 1)
    return at if at >= 0 else len(content)


def _packets(content: bytes, start: int) -> Packets:
    """Return the packets from *start* on, one a row, as far as they follow each other."""
    count = (len(content) - start) // PACKET
    packets = np.frombuffer(content, np.uint8, count * PACKET, start).reshape(count, PACKET)
    astray = np.flatnonzero(packets[:, 0] != SYNC)
    return packets[: astray[0]] if len(astray) else packets


def _pids(packets: Packets) -> NDArray[np.int64]:
    return (packets[:, 1].astype(np.int64) & 0x1F) << 8 | packets[:, 2]


def _pid(two: bytes) -> int:
    return int.from_bytes(two) & 0x1FFF


def _section(packet: bytes) -> bytes:
    """Return the table in *packet*; empty where it is not whole."""
    if not packet[3] & 0x10:
        return b""
    at = 5 + packet[4] if packet[3] & 0x20 else 4
    payload = packet[at:]
    section = payload[1 + payload[0] :] if payload else b""
    end = 3 + (int.from_bytes(section[1:3]) & 0xFFF)
    return section[:end] if 12 <= end <= len(section) else b""


def _videos(section: bytes) -> Iterator[tuple[int, int]]:
    at = 12 + (int.from_bytes(section[10:12]) & 0xFFF)
    while at + 5 <= len(section) - 4:
        if section[at] in VIDEO_TYPES:
            yield _pid(section[at + 1 : at + 3]), section[at]
        at += 5 + (int.from_bytes(section[at + 3 : at + 5]) & 0xFFF)
