"""RTSP messages and the binary data that is interleaved with them (RFC 2326), each within a limit."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from edged.camera.http.head import LONGEST_HEAD, HeadEnd, Headers, read_headers

__all__ = ["LONGEST_BODY", "Interleaved", "RtspMessage", "RtspReader", "request"]

LONGEST_BODY = 65536
MOST_LINE_ENDS = 64  # bytes of them between two messages
_ROOM = 65536  # bytes that are received at once at most
_CAPACITY = LONGEST_HEAD + LONGEST_BODY + _ROOM
_INTERLEAVED_HEADER = 4
_DOLLAR = ord("$")
_RTP_PACKET = struct.Struct(">BBHxxHI")  # "$", channel, length; sequence number and timestamp of the packet
_LINE_ENDS = b"\r\n"

_STATUS = re.compile(rb"RTSP/1\.[01] ([0-9]{3})(?: ([^\r\n]*+))?\r?")
_REQUEST = re.compile(rb"([A-Z_]{1,32}) [!-~]{1,4096} RTSP/1\.[01]\r?")
_LENGTH = re.compile(r"[0-9]{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RtspMessage:
    """A response, or a request that the server makes itself: then ``method`` is set, and ``status`` is 0."""

    status: int
    reason: str
    headers: Headers
    body: bytes = b""
    method: str = ""


@dataclass(frozen=True, slots=True)
class Interleaved:
    """A packet of an interleaved channel. The payload is valid until more is received."""

    channel: int
    payload: memoryview


class RtspReader:
    """Bytes go into `free_space`, messages and packets come out of `take`. Its memory has one size for ever."""

    def __init__(self) -> None:
        self._buffer = bytearray(_CAPACITY)
        self._begin = self._end = 0  # of what was received and is not taken
        self._head_end = HeadEnd()
        self._head: RtspMessage | None = None  # the message whose body is still to come
        self._missing = 0  # bytes of that body

    def free_space(self) -> memoryview:
        """The memory for the bytes that arrive next, which is never empty once `take` has returned None."""
        if _CAPACITY - self._end < _ROOM:
            used = self._end - self._begin
            self._buffer[:used] = self._buffer[self._begin : self._end]
            self._head_end.moved(self._begin)
            self._begin, self._end = 0, used
        return memoryview(self._buffer)[self._end : self._end + _ROOM]

    def received(self, count: int) -> None:
        """Take note of *count* more bytes in `free_space`."""
        self._end += count

    def take(self) -> RtspMessage | Interleaved | None:
        """Return the next message or packet; None if it is still incomplete.

        Raises:
            ValueError: this is not RTSP, or something is longer than its limit.
        """
        if self._head is not None:
            return self._take_body(self._head)
        self._skip_line_ends()
        if self._begin == self._end:
            return None
        return self._take_packet() if self._buffer[self._begin] == _DOLLAR else self._take_head()

    def skip(self, channel: int, timestamp: int) -> tuple[int, int]:
        """Pass over the RTP packets that come next on *channel* and have that *timestamp*: hundreds a second.

        Returns how many there were, and the sequence number of the last.
        """
        buffer, begin, end, packets, last = self._buffer, self._begin, self._end, 0, 0
        while end - begin >= _RTP_PACKET.size:
            first, its_channel, length, sequence, its_timestamp = _RTP_PACKET.unpack_from(buffer, begin)
            after = begin + _INTERLEAVED_HEADER + length
            is_one = first == _DOLLAR and its_channel == channel and its_timestamp == timestamp
            if not is_one or length < _RTP_PACKET.size - _INTERLEAVED_HEADER or after > end:
                break
            begin, packets, last = after, packets + 1, sequence
        if packets:
            self._advance(begin)
        return packets, last

    def _skip_line_ends(self) -> None:
        if self._begin == self._end or self._buffer[self._begin] not in _LINE_ENDS:
            return
        start = bytes(self._buffer[self._begin : min(self._end, self._begin + MOST_LINE_ENDS + 1)])
        count = len(start) - len(start.lstrip(_LINE_ENDS))
        if count > MOST_LINE_ENDS:
            raise ValueError("it does not answer as an RTSP server does: it sends line ends only")
        if count:
            self._advance(self._begin + count)

    def _take_packet(self) -> Interleaved | None:
        begin, available = self._begin + _INTERLEAVED_HEADER, self._end - self._begin
        if available < _INTERLEAVED_HEADER:
            return None
        channel, length = self._buffer[begin - 3], int.from_bytes(self._buffer[begin - 2 : begin])
        if available < _INTERLEAVED_HEADER + length:
            return None
        self._advance(begin + length)
        return Interleaved(channel, memoryview(self._buffer)[begin : begin + length])

    def _take_head(self) -> RtspMessage | None:
        end = self._head_end.find(self._buffer, self._end)
        _check_start(bytes(self._buffer[self._begin : min(self._end, self._begin + 5)]))
        if end is None:
            if self._end - self._begin > LONGEST_HEAD:
                raise ValueError(f"it does not answer as an RTSP server does: a head of more than {LONGEST_HEAD} bytes")
            return None
        head = read_message(bytes(self._buffer[self._begin : end]))
        self._advance(end)
        self._missing = _length(head.headers)
        if not self._missing:
            return head
        self._head = head
        return self._take_body(head)

    def _take_body(self, head: RtspMessage) -> RtspMessage | None:
        end = self._begin + self._missing
        if end > self._end:
            return None
        body = bytes(self._buffer[self._begin : end])
        self._head = None
        self._advance(end)
        return RtspMessage(head.status, head.reason, head.headers, body, head.method)

    def _advance(self, to: int) -> None:
        self._begin = to
        self._head_end = HeadEnd(to)


def request(method: str, uri: str, headers: Mapping[str, str]) -> bytes:
    """Return a request without a body. *uri* and *headers* must hold no line ends."""
    lines = [f"{method} {uri} RTSP/1.0", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("ascii", "replace")


def read_message(content: bytes) -> RtspMessage:
    """Take a whole head apart.

    Raises:
        ValueError: this is neither a response nor a request of RTSP, or too much of one.
    """
    first, *lines = content.split(b"\n")
    asked = _REQUEST.fullmatch(first)
    if asked is not None:
        return RtspMessage(0, "", read_headers(lines, len(first)), method=asked[1].decode())
    status = _STATUS.fullmatch(first)
    if status is None:
        raise ValueError("it does not answer as an RTSP server does")
    reason = (status[2] or b"").decode("latin-1").strip()
    return RtspMessage(int(status[1]), reason, read_headers(lines, len(first)))


def _check_start(start: bytes) -> None:
    """Refuse at the first bytes what can become neither a response nor a request."""
    if not all(65 <= byte <= 90 or byte in b"_/ " for byte in start):
        raise ValueError("it does not answer as an RTSP server does")


def _length(headers: Headers) -> int:
    text = headers.get("Content-Length")
    if not text:
        return 0
    if not _LENGTH.fullmatch(text):
        raise ValueError("the length of its answer is not a number")
    length = int(text)
    if length > LONGEST_BODY:
        raise ValueError(f"it announces an answer of {length} bytes; edged takes {LONGEST_BODY}")
    return length
