"""The greeting of ZMTP 3, the first 64 bytes of a connection: the version, and the mechanism that secures it."""

from __future__ import annotations

from edged.errors import PeerError
from edged.transport.zmtp.frames import FrameReader

__all__ = ["GREETING_BYTES", "greeting", "take_greeting"]

GREETING_BYTES = 64
MAJOR = 3


def greeting(mechanism: bytes, *, minor: int, as_server: bool = False) -> bytes:
    """Return the greeting of an end with ZMTP 3.*minor* and *mechanism*."""
    version = bytes((MAJOR, minor))
    return b"\xff" + bytes(8) + b"\x7f" + version + mechanism.ljust(20, b"\0") + bytes((as_server,)) + bytes(31)


def take_greeting(reader: FrameReader, mechanism: bytes) -> bool:
    """Remove the other end's greeting from *reader*; False if it is not complete yet.

    Raises:
        PeerError: it is not ZMTP 3, or has another mechanism; raised as early as the bytes show it.
    """
    start = reader.peek(GREETING_BYTES)
    if start[:1] not in (b"", b"\xff") or (len(start) > 9 and not start[9] & 1):
        raise PeerError("protocol", "the greeting must be that of ZMTP")
    if (len(start) > 10 and start[10] < MAJOR) or (len(start) >= 32 and start[12:32].rstrip(b"\0") != mechanism):
        raise PeerError("protocol", f"it must be ZMTP 3 with the mechanism {mechanism.decode()}")
    return reader.take(GREETING_BYTES) is not None
