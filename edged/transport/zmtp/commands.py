"""Commands of ZMTP 3, and the properties in those of a handshake."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from edged.errors import PeerError

__all__ = ["MAX_PROPERTIES", "from_properties", "split", "to_properties"]

MAX_PROPERTIES = 16


def split(body: bytes) -> tuple[bytes, bytes]:
    """Return the name of a command, and its content.

    Raises:
        PeerError: it has no name.
    """
    length = body[0] if body else 0
    if not 0 < length < len(body):
        raise PeerError("protocol", "a command must have a name")
    return body[1 : 1 + length], body[1 + length :]


def from_properties(properties: Mapping[bytes, bytes]) -> bytes:
    """Return *properties* as bytes of READY and INITIATE."""
    return b"".join(
        bytes((len(name),)) + name + struct.pack(">I", len(value)) + value for name, value in properties.items()
    )


def to_properties(content: bytes) -> dict[bytes, bytes]:
    """Return the properties in *content*; their names in lower case, because case does not count in them.

    Raises:
        PeerError: they are damaged, or more than `MAX_PROPERTIES`.
    """
    properties: dict[bytes, bytes] = {}
    while content:
        value_at = 1 + content[0] + 4
        end = value_at + int.from_bytes(content[value_at - 4 : value_at], "big")
        if not content[0] or end > len(content) or len(properties) == MAX_PROPERTIES:
            raise PeerError("protocol", "the properties of a handshake must be whole and few")
        properties[content[1 : value_at - 4].lower()] = content[value_at:end]
        content = content[end:]
    return properties
