"""JPEGs that are legal and seldom seen."""

from __future__ import annotations

__all__ = ["with_fill_bytes"]

_SCAN = 0xDA


def with_fill_bytes(jpeg: bytes) -> bytes:
    """*jpeg* with a fill byte before each marker of its header after the first, and two before that of its scan."""
    pieces, at = [jpeg[:2]], 2
    while jpeg[at + 1] != _SCAN:
        after = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        pieces += [b"\xff", jpeg[at:after]]
        at = after
    return b"".join([*pieces, b"\xff\xff", jpeg[at:]])
