"""Good pictures of every format that is decoded, with what their readers look at: EXIF data, texts, scans, strips."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["WORDS", "good_pictures", "with_checksums"]


SIZE = 40, 56
EXIF = (
    b"Exif\0\0II\x2a\0\x08\0\0\0\x02\0"
    + struct.pack("<HHIHxx", 0x0112, 3, 1, 6)  # turned by 90°
    + struct.pack("<HHII", 0x010E, 2, 20, 38)
    + bytes(4)
    + b"a description of it\0"
)
PNG_HEAD = 8

WORDS = (
    *(b"\xff" + marker.to_bytes() for marker in b"\xc0\xc1\xc2\xc4\xd0\xd7\xd8\xd9\xda\xdb\xdd\xe1\xfe"),
    *(b"\xff" * 9, b"\xff\x00", b"\x00\x02", b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x10", b"\xff\xdd\x00\x04\x00\x01"),
    *(b"\xff\xe1\x00\x10" + EXIF[:12], EXIF, b"II\x2a\0", b"MM\0\x2a", b"II\x2b\0\x08\0\0\0", b"\x12\x01\x03\0"),
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"tRNS"),
    *(struct.pack("<HHII", tag, kind, 1, value) for tag in (256, 257, 258, 277, 278, 279, 322, 323, 339)
      for kind, value in ((3, 1), (4, 40000), (4, 0xFFFFFFFF), (16, 64))),
    *(b"VP8 ", b"VP8L", b"VP8X", b"ANIM", b"ALPH", b"P5 ", b"P6\n", b"# ", b"99999 99999 255\n"),
    *(b"\xff\x4f\xff\x51", b"\xff\x52\0\x0c", b"\xff\x53\0\x09", b"\xff\x90\0\x0a", b"\xff\x93"),
    *(b"jp2c", b"jp2h", b"pclr", b"cmap", b"colr"),
    *(b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\x01\0\0", b"\0\0\x01\0"),
)  # fmt: skip
"""Bytes that mean something in one of the formats."""


def good_pictures() -> list[bytes]:
    """Return the pictures, each of a few kilobytes."""
    colour = cv2.resize(
        np.random.default_rng(1).integers(0, 256, (5, 7, 3), np.uint8), SIZE[::-1], interpolation=cv2.INTER_CUBIC
    )
    gray = cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY)
    with_alpha = np.dstack([colour, gray])
    deep = colour.astype(np.uint16) * 257
    jpegs = [
        _encoded(".jpg", colour),
        _encoded(".jpg", gray),
        _encoded(".jpg", colour, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        _encoded(".jpg", colour, cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
        _encoded(".jpg", colour, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    ]
    pngs = [_encoded(".png", picture) for picture in (colour, gray, with_alpha, deep)]
    pngs.append(_encoded(".png", gray // 128, cv2.IMWRITE_PNG_BILEVEL, 1))
    others = [_encoded(suffix, picture) for suffix in (".tiff", ".bmp") for picture in (colour, gray)]
    others += [_encoded(".ppm", colour), _encoded(".pgm", gray)]
    others += [_encoded(".tiff", deep), _encoded(".tiff", colour, cv2.IMWRITE_TIFF_COMPRESSION, 1)]
    others += [_encoded(".webp", with_alpha, cv2.IMWRITE_WEBP_QUALITY, quality) for quality in (50, 101)]
    others += [_encoded(".jp2", np.tile(picture, (2, 2, 1)[: picture.ndim])) for picture in (colour, gray)]
    return [*jpegs, _with_exif(jpegs[0]), *pngs, _with_texts(pngs[0]), *others]


def with_checksums(png: bytes) -> bytes:
    """Return *png* with the checksums that its chunks must have: without them, damage is not looked at."""
    pieces, at = [png[:PNG_HEAD]], PNG_HEAD
    while at + 12 <= len(png):
        end = min(at + 8 + int.from_bytes(png[at : at + 4], "big"), len(png) - 4)
        pieces += [png[at:end], struct.pack(">I", zlib.crc32(png[at + 4 : end]))]
        at = end + 4
    return b"".join([*pieces, png[at:]])


def _encoded(suffix: str, picture: NDArray[Any], *how: int) -> bytes:
    return cv2.imencode(suffix, picture, how)[1].tobytes()


def _with_exif(jpeg: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(EXIF) + 2) + EXIF + jpeg[2:]


def _with_texts(png: bytes) -> bytes:
    text = zlib.compress(b"a text " * 50)
    chunks = [
        (b"tEXt", b"Title\0a title"),
        (b"zTXt", b"Comment\0\0" + text),
        (b"iTXt", b"Author\0\1\0en\0\0" + text),
        (b"eXIf", EXIF[6:]),
    ]
    begin = PNG_HEAD + 25
    packed = b"".join(struct.pack(">I", len(content)) + kind + content + bytes(4) for kind, content in chunks)
    return with_checksums(png[:begin] + packed + png[begin:])
