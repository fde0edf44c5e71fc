"""Pictures as H.264 (RFC 6184) and H.265 (RFC 7798) code them, put together from RTP packets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edged.camera.rtsp.nal import NalSyntax
from edged.camera.rtsp.rtp import Packet, SequenceCheck, Unwrap

__all__ = ["LARGEST_UNIT", "AccessUnits", "Unit"]

LARGEST_UNIT = 8 << 20
MOST_AGGREGATED = 256  # NAL units of one packet; a camera puts its parameters together, and 21,000 fit in
_AT_FIRST = 256 << 10
_START_CODE = b"\0\0\0\1"


@dataclass(frozen=True, slots=True)
class Unit:
    """One picture as it was coded. ``content`` is valid until the next packet is pushed.

    ``timestamp`` counts on without wrapping around. ``is_damaged``: a part of it, or something that it builds on, was
    lost.
    """

    content: memoryview
    timestamp: int
    is_key: bool
    is_damaged: bool


class AccessUnits:
    """Packets go in, whole pictures come out. A picture ends with the marker, or where the timestamp changes.

    After a loss every picture is damaged up to the next one that decoding can begin with. Pictures before the first of
    those are passed over. What a camera repeats of its parameters only in its description is put before each of these.
    A picture that nobody can use is not put together: its content is empty, or it does not come out at all.

    Args:
        syntax: of the codec.
        parameter_sets: NAL units from the description of the stream.
    """

    keys_only = False
    """Whether pictures that build on others are passed over."""

    def __init__(self, syntax: NalSyntax, parameter_sets: Sequence[bytes]) -> None:
        self._syntax = syntax
        self._sets = b"".join(_START_CODE + nal for nal in parameter_sets)
        self._sequence = SequenceCheck()
        self._unwrap = Unwrap()
        self._buffer = bytearray(_AT_FIRST)
        self._filled = len(self._sets)
        self._timestamp: int | None = None
        self._is_fragment_open = False
        self._has_parameters = False  # of a sequence, before this picture
        self._has_begun = False  # a picture that decoding can begin with has come
        self._is_broken = False  # something was lost since the last of those
        self._buffer[: self._filled] = self._sets
        self.lost = 0
        """Packets that are missing, so far."""
        self.pictures = 0
        """Pictures so far, those too that do not come out."""
        self.is_passing_over = False
        """Whether the other packets of the present picture are of no use."""
        self._reset()

    def push(self, packet: Packet) -> list[Unit]:
        """Take a packet in. Returns the pictures that it completes, which are valid until the next one is pushed."""
        missing = self._sequence.missing_before(packet.sequence)
        if missing is None or not packet.payload:
            return []
        units: list[Unit] = []
        timestamp = self._unwrap(packet.timestamp)
        self.lost += missing
        if timestamp == self._timestamp and self.is_passing_over:
            return []
        if missing:  # it may be the end of the picture before, the begin of this one, or both
            self._damage()
        if timestamp != self._timestamp:
            if self._has_picture:
                # The marker was lost, or the camera sends none. What follows goes into the same buffer.
                units += self._finish(copied=True)
            self.is_passing_over = False
            self._is_broken |= missing > 0
            self._is_damaged = missing > 0 and not self._begins_picture(packet.payload)
        self._timestamp = timestamp
        self._append_payload(packet.payload)
        if self._is_of_no_use():
            units += self._pass_over()
        elif packet.marker and self._has_picture:
            units += self._finish(copied=False)
        return units

    @property
    def timestamp(self) -> int:
        """The RTP timestamp of the present picture, as its packets have it."""
        return (self._timestamp or 0) % 0x100000000

    def skipped(self, packets: int, last: int) -> None:
        """Take note that so many *packets* of the picture that is passed over came, *last* with that number."""
        self.lost += self._sequence.skip(packets, last)

    def break_off(self) -> None:
        """Regard what was completed last as damaged, and so what builds on it."""
        self._is_broken = True

    def _append_payload(self, payload: memoryview) -> None:
        if len(payload) < self._syntax.HEADER:
            self._damage()
            return
        kind = self._syntax.type_of(payload[0])
        if kind == self._syntax.FRAGMENT:
            self._append_fragment(payload)
        elif kind == self._syntax.AGGREGATE:
            self._append_aggregate(payload[self._syntax.HEADER :])
        elif kind < self._syntax.AGGREGATE:
            self._append_nal(payload)
        else:
            self._damage()  # an interleaved or a newer packet, which needs what edged does not ask for

    def _append_aggregate(self, payload: memoryview) -> None:
        for _ in range(MOST_AGGREGATED):
            length = int.from_bytes(payload[:2])
            if not self._syntax.HEADER <= length <= len(payload) - 2:
                break
            self._append_nal(payload[2 : 2 + length])
            payload = payload[2 + length :]
            if not payload:
                return
        self._damage()

    def _append_fragment(self, payload: memoryview) -> None:
        begin = self._syntax.HEADER + 1
        if len(payload) <= begin:
            self._damage()
            return
        is_first, is_last = payload[begin - 1] & 0x80, payload[begin - 1] & 0x40
        if is_first:
            header = self._syntax.fragment_header(payload)
            self._note(self._syntax.type_of(header[0]), payload[begin - 1 :])
            self._append(_START_CODE + header)
        elif not self._is_fragment_open:
            self._damage()
            return
        self._append(payload[begin:])
        self._is_fragment_open = not is_last

    def _append_nal(self, nal: memoryview) -> None:
        self._is_fragment_open = False
        self._note(self._syntax.type_of(nal[0]), nal)
        self._append(_START_CODE)
        self._append(nal)

    def _note(self, kind: int, nal: memoryview) -> None:
        self._has_picture |= self._syntax.is_picture(kind)
        self._has_parameters |= self._syntax.is_parameters(kind)
        self._is_key |= self._syntax.is_key(kind, nal, after_parameters=self._has_parameters)

    def _append(self, content: bytes | memoryview) -> None:
        end = self._filled + len(content)
        if end > LARGEST_UNIT:
            self._damage()
            return
        if end > len(self._buffer):
            larger = bytearray(min(LARGEST_UNIT, 2 * end))
            larger[: self._filled] = self._buffer[: self._filled]
            self._buffer = larger
        self._buffer[self._filled : end] = content
        self._filled = end

    def _damage(self) -> None:
        self._is_damaged = True
        self._is_fragment_open = False

    def _begins_picture(self, payload: memoryview) -> bool:
        """Check whether nothing of the picture in *payload* can have been sent before it."""
        size = self._syntax.HEADER
        kind = self._syntax.type_of(payload[0])
        if kind == self._syntax.FRAGMENT:
            if len(payload) <= size + 1 or not payload[size] & 0x80:
                return False
            kind, content = self._syntax.type_of(self._syntax.fragment_header(payload)[0]), payload[size + 1]
            return self._syntax.begins_picture(kind, content)
        if kind == self._syntax.AGGREGATE:
            payload = payload[size + 2 :]
        return len(payload) > size and self._syntax.begins_picture(self._syntax.type_of(payload[0]), payload[size])

    def _is_of_no_use(self) -> bool:
        """Check whether the present picture need not be put together any further."""
        if self._is_damaged:  # where only key frames count, it is still to be found out whether it is one
            return self._has_picture or not self.keys_only
        is_wanted = self._has_begun and not self._is_broken and not self.keys_only
        return self._has_picture and not self._is_key and not is_wanted

    def _pass_over(self) -> list[Unit]:
        assert self._timestamp is not None
        self.pictures += 1
        is_lost = self._is_damaged or self._is_broken
        unit = Unit(memoryview(b""), self._timestamp, self._is_key, is_damaged=True)
        is_wanted = self._has_begun and (self._is_key or not self.keys_only)
        self._is_broken |= self._is_damaged
        self._reset()
        self.is_passing_over = True
        return [unit] if is_lost and is_wanted else []

    def _finish(self, *, copied: bool) -> list[Unit]:
        assert self._timestamp is not None
        self.pictures += 1
        if self._is_damaged:
            self._is_broken = True
        elif self._is_key:
            self._is_broken, self._has_begun = False, True
        # The parameters of the description stand before what came, and only a picture to begin with needs them.
        begin = 0 if self._is_key else len(self._sets)
        view = memoryview(self._buffer)[begin : self._filled]
        content = memoryview(bytes(view)) if copied else view
        unit = Unit(content, self._timestamp, self._is_key, self._is_broken)
        self._reset()
        return [unit] if self._has_begun else []

    def _reset(self) -> None:
        self._filled = len(self._sets)
        self._has_picture = self._is_key = self._is_damaged = self._is_fragment_open = self._has_parameters = False
