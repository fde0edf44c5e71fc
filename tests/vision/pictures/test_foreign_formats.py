"""Formats that are not read are refused by their names."""

from __future__ import annotations

import struct

import pytest

from edged.errors import PictureError
from edged.vision.pictures.decoding import decode_bgr
from edged.vision.pictures.foreign_formats import foreign_format


def tga(kind: int, *, footer: bool) -> bytes:
    header = struct.pack("<BBB5xHHHHBB", 0, int(kind in (1, 9)), kind, 0, 0, 8, 8, 24, 0x20)
    return header + bytes(8 * 8 * 3) + (bytes(8) + b"TRUEVISION-XFILE.\0" if footer else b"")


def box(*brands: bytes) -> bytes:
    content = brands[0] + bytes(4) + b"".join(brands[1:])
    return struct.pack(">I", len(content) + 8) + b"ftyp" + content + bytes(64)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"GIF87a" + bytes(64), "GIF"),
        (b"GIF89a" + bytes(64), "GIF"),
        *((tga(kind, footer=footer), "TGA") for kind in (1, 2, 3, 9, 10, 11) for footer in (False, True)),
        (box(b"heic", b"mif1", b"heic"), "HEIC"),
        (box(b"mif1", b"mif1", b"heic"), "HEIC"),
        (box(b"avif", b"mif1", b"miaf"), "AVIF"),
        (box(b"mif1", b"miaf", b"avif"), "AVIF"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(64), "JPEG XL"),
        (b"\xff\x0a" + bytes(64), "JPEG XL"),
        (b"8BPS" + bytes(64), "Photoshop"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    ],
)
def test_a_format_that_is_not_read_is_refused_by_its_name(content: bytes, name: str) -> None:
    with pytest.raises(
        PictureError, match=f"its format is {name}, which edged does not read; convert it to PNG or JPEG"
    ):
        decode_bgr(content)


@pytest.mark.parametrize("content", [b"", b"hello world, this is text", bytes(64), b"\0\0\2" + bytes(9), box(b"isom")])
def test_what_is_none_of_them_has_no_name(content: bytes) -> None:
    assert foreign_format(content) is None
