"""The layout of a recording, byte for byte. All numbers are little-endian.

::

    file     magic (8 bytes), version (u32), CRC-32 of these 12 bytes (u32); then messages; then an end
    message  time since the first message in microseconds (u64), lengths of topic, header and payload (3 × u32), CRC-32
             of all of the message but itself (u32); then topic, header and payload
    end      as a message with three lengths of 0: the time is when the recording was ended

Every message has a checksum of its own: if the file is cut off or damaged, each message before that place is still
known to be whole. The end distinguishes a finished file from an unfinished one.
"""

from __future__ import annotations

import struct
from typing import NamedTuple
from zlib import crc32

from edged.wire import MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES, Frames

__all__ = ["FILE_HEADER", "MAGIC", "PREFIX_BYTES", "VERSION", "Prefix", "checksum", "end_mark", "pack"]

MAGIC = b"\x89edged\r\n"  # not text, and a transfer that changes line ends or the eighth bit is detected
VERSION = 1
FILE_HEADER = MAGIC + struct.pack("<I", VERSION) + struct.pack("<I", crc32(MAGIC + struct.pack("<I", VERSION)))

_LENGTHS = struct.Struct("<QIII")
_CHECK = struct.Struct("<I")
PREFIX_BYTES = _LENGTHS.size + _CHECK.size

MAX_TOPIC_BYTES = 1024  # far more than the longest names in a topic


class Prefix(NamedTuple):
    """The bytes before the frames of a message."""

    t_us: int
    topic: int
    header: int
    payload: int
    check: int

    @classmethod
    def unpack(cls, raw: bytes) -> Prefix:
        """Read the PREFIX_BYTES of one."""
        return cls(*_LENGTHS.unpack_from(raw), *_CHECK.unpack_from(raw, _LENGTHS.size))

    @property
    def is_end(self) -> bool:
        """Whether this is the end, and not a message."""
        return self.topic == self.header == self.payload == 0

    @property
    def is_possible(self) -> bool:
        """Whether a message can have these lengths; if not, no memory is reserved for it."""
        return (
            0 < self.topic <= MAX_TOPIC_BYTES and self.header <= MAX_HEADER_BYTES and self.payload <= MAX_PAYLOAD_BYTES
        )


def checksum(raw: bytes, frames: bytes = b"") -> int:
    """Return the CRC-32 for the prefix *raw* of the joined *frames*."""
    return crc32(frames, crc32(raw[: _LENGTHS.size]))


def pack(t_us: int, frames: Frames) -> bytes:
    """Return the bytes of a message, *t_us* microseconds after the first one."""
    lengths = _LENGTHS.pack(t_us, *map(len, frames))
    content = b"".join(frames)
    return lengths + _CHECK.pack(checksum(lengths, content)) + content


def end_mark(t_us: int) -> bytes:
    """Return the bytes of the end, *t_us* microseconds after the first message."""
    lengths = _LENGTHS.pack(t_us, 0, 0, 0)
    return lengths + _CHECK.pack(checksum(lengths))
