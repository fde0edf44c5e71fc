"""The marker segments of a JPEG 2000 codestream that decide how much memory and time its decoder takes.

A few bytes can ask for millions of small blocks, precincts or layers, which the decoder sets up before it reads a
pixel. Pictures are made with blocks of 32 × 32 or 64 × 64, precincts of 128 × 128 and more, and some layers; what asks
for far more, or for other settings in some tiles or components, is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from edged.errors import PictureError

__all__ = ["check_coding"]

# ISO/IEC 15444-1, table A.2.
_SIZE, _CODING, _COMPONENT_CODING, _ORDER_CHANGE = 0xFF51, 0xFF52, 0xFF53, 0xFF5F
_PACKED_MAIN, _PACKED_TILE, _TILE, _DATA = 0xFF60, 0xFF61, 0xFF90, 0xFF93
_OVERRIDES = frozenset({_COMPONENT_CODING, _ORDER_CHANGE, _PACKED_MAIN, _PACKED_TILE})
_MOST_SEGMENTS = 1 << 14
_MOST_LEVELS = 12
_MOST_PACKETS = 1 << 19  # one for each precinct, component and layer
_LEAST_BLOCK = 4  # the binary logarithm of the shortest side, which is 16


def check_coding(content: bytes | bytearray, at: int, size: tuple[int, int], planes: int) -> None:
    """Check the codestream that begins at *at*, in its header and in those of its tiles.

    *size* is its width and height, and *planes* its tiles times its components.

    Raises:
        PictureError: it asks for more than pictures need.
        struct.error: *content* ends within a header.
    """
    seen = False
    for marker, begin, end in _segments(content, at + 2):
        if marker in _OVERRIDES or (marker == _CODING and seen):
            raise PictureError("a JPEG 2000 of a kind that is not decoded here (settings of tiles or components)")
        if marker == _CODING:
            seen = True
            _check_style(content[begin:end], size, planes)
    if not seen:
        raise PictureError("a damaged JPEG 2000: its header is cut short")


def _check_style(segment: bytes | bytearray, size: tuple[int, int], planes: int) -> None:
    style, _, layers, _, levels, across, down = struct.unpack_from(">BBHBBBB", segment)
    precincts = segment[10:] if style & 1 else b"\xff" * (levels + 1)
    packets = 0
    for level, precinct in zip(range(levels, -1, -1), precincts, strict=False):  # the smallest picture first
        columns = -(-size[0] >> (level + (precinct & 15)))
        rows = -(-size[1] >> (level + (precinct >> 4)))
        packets += layers * planes * (1 + columns * rows)
    if (
        levels > _MOST_LEVELS
        or len(precincts) <= levels
        or min(across, down) + 2 < _LEAST_BLOCK
        or packets > _MOST_PACKETS
    ):
        raise PictureError("a JPEG 2000 of a kind that is not decoded here (many layers or levels, or small blocks)")


def _segments(content: bytes | bytearray, at: int) -> Iterator[tuple[int, int, int]]:
    """Yield the marker of each segment of all headers, and where its content begins and ends."""
    tile = after_tile = 0
    for _ in range(_MOST_SEGMENTS):
        if tile and at + 4 > len(content):
            return
        marker, length = struct.unpack_from(">HH", content, at)
        if marker == _TILE:
            (length_of_tile,) = struct.unpack_from(">I", content, at + 6)
            tile, after_tile = at, at + length_of_tile if length_of_tile else len(content)
        if marker == _DATA:
            if after_tile <= tile:
                return
            at = after_tile
            continue
        if marker < 0xFF00 or length < 2 or (tile and marker == 0xFFD9):
            return
        yield marker, at + 4, at + 2 + length
        at += 2 + length
    raise PictureError(f"a JPEG 2000 of more than {_MOST_SEGMENTS} segments")
