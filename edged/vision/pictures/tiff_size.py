"""The size and the transparency of the first picture of a TIFF, from its directory."""

from __future__ import annotations

from edged.errors import PictureError
from edged.vision.pictures.tiff_directory import first_directory

__all__ = ["has_premultiplied_colours", "tiff_size"]

_WIDTH, _HEIGHT, _BITS, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 258, 322, 323
_SAMPLES, _EXTRA_SAMPLES, _MULTIPLIED, _STRAIGHT = 277, 338, 1, 2
_TAGS = frozenset({_WIDTH, _HEIGHT, _BITS, _SAMPLES, _TILE_WIDTH, _TILE_HEIGHT})
_DEEPEST = 16  # bits per channel


def tiff_size(content: bytes | bytearray) -> tuple[int, int]:
    """Return width and height in pixels; of its tiles, where these are larger, because one tile is decoded as a whole.

    Raises:
        PictureError: the directory cannot be read, or the pixels have more than 16 bits per channel.
        struct.error: *content* ends before it.
    """
    found: dict[int, int] = {}
    for entry in first_directory(content, _TAGS):
        if not entry.numbers:
            raise PictureError("a damaged TIFF: its size is not a number")
        found[entry.tag] = max(found.get(entry.tag, 0), *entry.numbers)
    if found.get(_BITS, 1) > _DEEPEST:
        raise PictureError(f"only 8 and 16 bits per channel are supported (got {found[_BITS]})")
    if _WIDTH not in found or _HEIGHT not in found:
        raise PictureError("a damaged TIFF: it has no size")
    if found.get(_SAMPLES) == 2:
        raise PictureError("a TIFF of gray with transparency, which edged does not read; convert it to PNG")
    return max(found[_WIDTH], found.get(_TILE_WIDTH, 0)), max(found[_HEIGHT], found.get(_TILE_HEIGHT, 0))


def has_premultiplied_colours(content: bytes | bytearray) -> bool:
    """Check whether OpenCV gives the colours of a TIFF multiplied by their opacity; *content* has passed `tiff_size`.

    So they are where the file has them so, and libtiff multiplies straight ones of 8 bits.
    """
    found = {entry.tag: entry.numbers for entry in first_directory(content, frozenset({_BITS, _EXTRA_SAMPLES}))}
    extra = found.get(_EXTRA_SAMPLES, ())
    return _MULTIPLIED in extra or (_STRAIGHT in extra and max(found.get(_BITS, (1,)), default=1) <= 8)
