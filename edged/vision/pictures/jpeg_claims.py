"""The claims of a JPEG's headers: its size, its scans, and the blocks that these go through.

Read as libjpeg reads markers, so that nothing in a file is hidden from this and seen by the decoder: bytes before a
marker are skipped, and a scan ends at the next marker that is not a restart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edged.errors import PictureError

__all__ = ["MAX_SCANS", "MAX_SEGMENTS", "JpegClaims", "find_marker", "jpeg_claims", "jpeg_segments"]

MAX_SCANS = 64
"""A progressive JPEG has some ten; every scan goes through the whole picture."""

MAX_SEGMENTS = 4096
"""Between the start and the end of a JPEG; a colour profile and maker notes take some hundred."""

# ITU-T T.81, table B.1. FF 00 is a byte FF; 01…BF, the restart markers D0…D7 and the start D8 have no length.
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd9-\xfe]")
_WINDOW = 1 << 20  # bytes that are searched at once, because other threads of Python wait meanwhile
_END, _SCAN = 0xD9, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_DECODED = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive: all with Huffman codes
_PROGRESSIVE = 0xC2


@dataclass(frozen=True, slots=True)
class JpegClaims:
    """Width and height in pixels, the count of scans, and the blocks of 8 × 8 that all scans together go through."""

    width: int
    height: int
    scans: int
    blocks: int


def jpeg_claims(picture: bytes | bytearray | memoryview) -> JpegClaims:
    """Return the claims of *picture*, which begins like a JPEG. Linear in its length, and it need not be whole.

    Raises:
        PictureError: the header has no size or two, is of a rare kind, or has too many segments.
    """
    frame: _Frame | None = None
    scans = blocks = 0
    for marker, segment in jpeg_segments(picture):
        if marker in _FRAMES:
            if frame is not None:
                raise PictureError("a damaged JPEG: it has two sizes")
            frame = _Frame(marker, segment)
        elif marker == _SCAN:
            if frame is None:
                break
            scans += 1
            blocks += frame.blocks_of(segment)
            if frame.ends_with(segment):
                break
    if frame is None or 0 in (frame.width, frame.height):
        raise PictureError("a damaged JPEG: its header has no size")
    return JpegClaims(frame.width, frame.height, scans, blocks)


def find_marker(marker: re.Pattern[bytes], picture: bytes | bytearray | memoryview, at: int) -> re.Match[bytes] | None:
    """Return the first match of *marker*, which is two bytes, from *at* on; other threads of Python run in between."""
    for begin in range(at, len(picture), _WINDOW):
        found = marker.search(picture, begin, begin + _WINDOW + 1)
        if found is not None:
            return found
    return None


def jpeg_segments(picture: bytes | bytearray | memoryview) -> Iterator[tuple[int, bytes]]:
    """Yield each marker with its segment, without the length; a segment that is cut short is cut here too.

    Raises:
        PictureError: there are more than `MAX_SEGMENTS`.
    """
    at = 2
    for _ in range(MAX_SEGMENTS):
        found = find_marker(_MARKER, picture, at)
        if found is None or picture[found.end() - 1] == _END:
            return
        at = found.end()
        length = max(2, int.from_bytes(picture[at : at + 2], "big"))
        yield picture[at - 1], bytes(picture[at + 2 : at + length])
        at += length
    raise PictureError(f"a JPEG of more than {MAX_SEGMENTS} segments")


class _Frame:
    """The frame header: the size, and the blocks of each component."""

    def __init__(self, marker: int, segment: bytes) -> None:
        if marker not in _DECODED:
            raise PictureError(f"a JPEG of a kind that is not decoded here (SOF{marker - 0xC0})")
        if len(segment) < 6 or len(segment) < 6 + 3 * segment[5]:
            raise PictureError("a damaged JPEG: its header is cut short")
        self.height, self.width = int.from_bytes(segment[1:3], "big"), int.from_bytes(segment[3:5], "big")
        self._is_progressive = marker == _PROGRESSIVE
        self._components = segment[5]
        self._blocks = self._blocks_by_component(segment)

    def blocks_of(self, scan: bytes) -> int:
        """Return the blocks that the scan with the header *scan* goes through."""
        most = max(self._blocks.values(), default=0)
        return sum(self._blocks.get(component, most) for component in _components_of(scan))

    def ends_with(self, scan: bytes) -> bool:
        """Check whether the decoder reads nothing after that scan, because it has the whole picture."""
        return not self._is_progressive and len(_components_of(scan)) >= self._components

    def _blocks_by_component(self, segment: bytes) -> Mapping[int, int]:
        components = [segment[at : at + 3] for at in range(6, 6 + 3 * self._components, 3)]
        across = max((sampling >> 4 for _, sampling, _ in components), default=1) or 1
        down = max((sampling & 15 for _, sampling, _ in components), default=1) or 1
        blocks: dict[int, int] = {}
        for identity, sampling, _ in components:
            columns = -(-self.width * (sampling >> 4) // (8 * across))
            rows = -(-self.height * (sampling & 15) // (8 * down))
            blocks[identity] = max(blocks.get(identity, 0), columns * rows)
        return blocks


def _components_of(scan: bytes) -> bytes:
    """Return the identities of the components of a scan."""
    return scan[1 : 1 + 2 * scan[0] : 2] if scan else b""
