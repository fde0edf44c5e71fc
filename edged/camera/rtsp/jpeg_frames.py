"""JPEGs put together from RTP packets (RFC 2435), which carry neither their header nor their Huffman tables."""

from __future__ import annotations

from dataclasses import dataclass

from edged.camera.rtsp.access_units import LARGEST_UNIT, Unit
from edged.camera.rtsp.jpeg_tables import HUFFMAN_TABLES, quantization_tables
from edged.camera.rtsp.rtp import Packet, SequenceCheck, Unwrap

__all__ = ["JpegFrames"]

_HEADER = 8
_TABLE_BYTES = 64
_EOI = b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class _Fragment:
    """``header`` is that of the JPEG, which the first fragment gives; empty for others."""

    offset: int
    header: bytes
    content: memoryview


class JpegFrames:
    """Packets go in, whole JPEGs come out, each coded without another one. Those with a hole are damaged."""

    keys_only = False
    """Changes nothing: each picture is a key frame."""
    is_passing_over = False
    """No packet is of no use."""
    timestamp = 0

    def __init__(self) -> None:
        self._sequence = SequenceCheck()
        self._unwrap = Unwrap()
        self._frame = bytearray()
        self._header_size = 0
        self._timestamp: int | None = None
        self._is_damaged = True  # until the first fragment of a picture has come
        self._tables: dict[int, bytes] = {}  # by Q, where a camera sends them only once
        self.lost = 0
        """Packets that are missing, so far."""
        self.pictures = 0
        """Pictures so far."""

    def break_off(self) -> None:
        """Nothing builds on a picture that is damaged."""

    def skipped(self, packets: int, last: int) -> None:
        """Nothing is skipped."""

    def push(self, packet: Packet) -> list[Unit]:
        """Take a packet in. Returns the picture that it completes, which is valid until the next one is pushed."""
        missing = self._sequence.missing_before(packet.sequence)
        if missing is None:
            return []
        self.lost += missing
        timestamp = self._unwrap(packet.timestamp)
        if timestamp != self._timestamp:
            self._timestamp = timestamp
            self._frame.clear()
            self._is_damaged = False
        self._append(packet.payload)
        if not packet.marker:
            return []
        self.pictures += 1
        self._frame += _EOI
        # A copy, because memory that is shared cannot grow.
        return [Unit(memoryview(bytes(self._frame)), timestamp, is_key=True, is_damaged=self._is_damaged)]

    def _append(self, payload: memoryview) -> None:
        try:
            fragment = _read_fragment(payload, self._tables)
        except ValueError:
            self._is_damaged = True
            return
        if fragment.offset == 0:
            self._frame[:] = fragment.header
            self._header_size = len(fragment.header)
        # A hole, or more than there may be.
        if len(self._frame) - self._header_size != fragment.offset or len(self._frame) > LARGEST_UNIT:
            self._is_damaged = True
            return
        self._frame += fragment.content


def _read_fragment(payload: memoryview, tables: dict[int, bytes]) -> _Fragment:
    """Take a payload apart; *tables* remembers the quantization tables of each Q.

    Raises:
        ValueError: it makes no sense, or is of a kind that edged does not know.
    """
    if len(payload) < _HEADER:
        raise ValueError("too short")
    offset, kind, quality = int.from_bytes(payload[1:4]), payload[4], payload[5]
    width, height = 8 * payload[6], 8 * payload[7]
    if kind & 0x3F > 1 or kind & 0x80 or not width or not height:
        raise ValueError("of an unknown kind, or larger than its header can say")
    rest, interval = payload[_HEADER:], 0
    if kind & 0x40:
        interval, rest = int.from_bytes(rest[:2]), rest[4:]
    if offset:
        return _Fragment(offset, b"", rest)
    if quality >= 128:
        rest = _remember_tables(rest, quality, tables)
    quantization = tables.get(quality) if quality >= 128 else quantization_tables(quality)
    if quantization is None:
        raise ValueError("its quantization tables have not come")
    return _Fragment(0, _jpeg_header(width, height, kind & 0x3F, interval, quantization), rest)


def _remember_tables(payload: memoryview, quality: int, tables: dict[int, bytes]) -> memoryview:
    """Keep the tables that *payload* begins with; returns what follows them."""
    if len(payload) < 4:
        raise ValueError("too short")
    length = int.from_bytes(payload[2:4])
    if length:
        if payload[1] or length not in (_TABLE_BYTES, 2 * _TABLE_BYTES) or len(payload) < 4 + length:
            raise ValueError("quantization tables of an unknown kind")
        tables[quality] = bytes(payload[4 : 4 + length])
    return payload[4 + length :]


def _jpeg_header(width: int, height: int, kind: int, interval: int, quantization: bytes) -> bytes:
    parts = [b"\xff\xd8"]
    luma, chroma = quantization[:_TABLE_BYTES], quantization[-_TABLE_BYTES:]
    for number, table in enumerate((luma, chroma)):
        parts.append(_segment(0xDB, bytes([number]) + table))
    if interval:
        parts.append(_segment(0xDD, interval.to_bytes(2)))
    sampling = 0x22 if kind else 0x21
    size = height.to_bytes(2) + width.to_bytes(2)
    parts.append(_segment(0xC0, b"\x08" + size + bytes([3, 0, sampling, 0, 1, 0x11, 1, 2, 0x11, 1])))
    parts += [_segment(0xC4, table) for table in HUFFMAN_TABLES]
    parts.append(_segment(0xDA, bytes([3, 0, 0x00, 1, 0x11, 2, 0x11, 0, 63, 0])))
    return b"".join(parts)


def _segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2) + content
