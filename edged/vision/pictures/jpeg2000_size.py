"""The size of a JPEG 2000 picture, from its codestream: what the boxes around that claim does not count."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from edged.errors import PictureError
from edged.vision.pictures.jpeg2000_claims import check_coding

__all__ = ["CODESTREAM", "SIGNATURE", "codestream_of", "jpeg2000_size"]

SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
CODESTREAM = b"\xff\x4f\xff\x51"
"""ISO/IEC 15444-1, A.4 and A.5: the markers SOC and SIZ, which begin each codestream."""

_MOST_BOXES = 256
_MOST_TILES = 4096  # for each the decoder takes some 10 kB before it has seen one
_COLOUR_SPACES = (b"\0\0\0\x10", b"\0\0\0\x11")  # sRGB and gray


def jpeg2000_size(content: bytes | bytearray) -> tuple[int, int]:
    """Return width and height in pixels of a JP2 file or a bare codestream.

    Raises:
        PictureError: it has no codestream, or one with more components, tiles or bits than are decoded here.
        struct.error: *content* ends before it.
    """
    at = 0 if content.startswith(CODESTREAM) else _begin(content)
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top, components = struct.unpack_from(
        ">8IH", content, at + 8
    )
    if not (left < right and top < bottom and tile_width and tile_height and tile_left <= left and tile_top <= top):
        raise PictureError("a damaged JPEG 2000: it has no size")
    tiles = -(-(right - tile_left) // tile_width) * -(-(bottom - tile_top) // tile_height)
    if components not in (1, 3, 4) or tiles > _MOST_TILES:
        raise PictureError(f"a JPEG 2000 of a kind that is not decoded here ({components} components, {tiles} tiles)")
    described = [struct.unpack_from("3B", content, at + 42 + 3 * number) for number in range(components)]
    # OpenCV takes all components for as large and as deep as the first, and reads beyond the end of smaller ones.
    if any(depth != described[0][0] or (across, down) != (1, 1) for depth, across, down in described):
        raise PictureError("a JPEG 2000 of a kind that is not decoded here (components of several sizes or depths)")
    if described[0][0] not in (7, 15):  # bits less one; the upper bit would mean numbers below 0
        raise PictureError(f"only 8 and 16 bits per channel are supported (got {(described[0][0] & 0x7F) + 1})")
    check_coding(content, at, (right - left, bottom - top), tiles * components)
    return right - left, bottom - top


def codestream_of(content: bytes | bytearray) -> bytes | bytearray:
    """Return the codestream of *content*, which has passed `jpeg2000_size`, without the boxes around it."""
    return content if content.startswith(CODESTREAM) else content[_begin(content) :]


def _begin(content: bytes | bytearray) -> int:
    """Return where the codestream of a JP2 file begins. Its header may have nothing that changes the picture."""
    for kind, begin, end in _boxes(content, 0, len(content)):
        if kind == b"jp2h":
            _check_header(content, begin, end)
        if kind == b"jp2c":
            if content.startswith(CODESTREAM, begin):
                return begin
            break
    raise PictureError("a damaged JPEG 2000: it has no picture")


def _check_header(content: bytes | bytearray, begin: int, end: int) -> None:
    for kind, at, after in _boxes(content, begin, end):
        if kind in (b"pclr", b"cmap"):
            raise PictureError("a JPEG 2000 with a palette, which edged does not read; convert it to PNG or JPEG")
        method_and_space = content[at : min(at + 7, after)]
        if kind == b"colr" and method_and_space[:1] == b"\1" and method_and_space[3:] not in _COLOUR_SPACES:
            raise PictureError("a JPEG 2000 in colours that edged does not read; convert it to PNG or JPEG")


def _boxes(content: bytes | bytearray, at: int, until: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each box, and where its content begins and ends."""
    for _ in range(_MOST_BOXES):
        if at + 8 > until:
            return
        length, kind = struct.unpack_from(">I4s", content, at)
        begin = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", content, begin)
            begin += 8
        end = until if length == 0 else at + length
        if not begin <= end <= until:
            return
        yield kind, begin, end
        at = end
