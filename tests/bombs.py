"""Pictures that are small as files and claim, or become, far more."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np

__all__ = ["HUGE", "jpeg_of_scans", "png_of_texts", "progressive", "resized_jpeg"]

EMPTY_SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x10"  # refines one component, with no bit of data


def progressive(width: int = 320, height: int = 240) -> bytes:
    """A good JPEG of ten scans."""
    picture = cv2.resize(
        np.random.default_rng(1).integers(0, 256, (6, 8, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC
    )
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()


def jpeg_of_scans(count: int, width: int = 320, height: int = 240, *, with_data: bool = False) -> bytes:
    """A JPEG that a decoder takes, with *count* more scans; with data each takes nine times as long to decode."""
    good = progressive(width, height)
    last = good[good.rindex(b"\xff\xda") : -2]
    scan = last if with_data else EMPTY_SCAN
    return good[:-2] + scan * count + b"\xff\xd9"


def resized_jpeg(width: int, height: int) -> bytes:
    """A good JPEG whose header claims another size."""
    good = bytearray(cv2.imencode(".jpg", np.full((16, 16, 3), 90, np.uint8))[1].tobytes())
    at = good.index(b"\xff\xc0")
    good[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(good)


def png_of_texts(count: int) -> bytes:
    """A PNG of 8 × 8 pixels with *count* texts, each of 15 kB that become 8 MB."""
    text = b"zTXt", b"k\0\0" + zlib.compress(b"a" * 7_900_000, 9)
    return _png(8, 8, *[text] * count)


def _png(width: int, height: int, *more: tuple[bytes, bytes]) -> bytes:
    rows = min(height, 8)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        *more,
        (b"IDAT", zlib.compress(bytes(rows * (1 + 3 * width)))),
        (b"IEND", b""),
    ]
    packed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def _webp_extended(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + sides + bytes(32)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _webp_lossless(width: int, height: int) -> bytes:
    data = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(32)
    body = b"WEBPVP8L" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _webp_lossy(width: int, height: int) -> bytes:
    data = b"\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(32)
    body = b"WEBPVP8 " + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _tiff(width: int, height: int, *more: tuple[int, int], order: str = "<") -> bytes:
    entries = sorted(
        [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 200), (277, 1), (279, 64), *more]
    )
    packed = b"".join(struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in entries)
    start = b"II\x2a\0" if order == "<" else b"MM\0\x2a"
    return start + struct.pack(order + "IH", 8, len(entries)) + packed + bytes(200)


def _big_tiff(width: int, height: int) -> bytes:
    entries = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 300), (277, 1), (279, 64)]
    packed = b"".join(struct.pack("<HHQQ", tag, 16, 1, value) for tag, value in entries)
    return b"II\x2b\0\x08\0\0\0" + struct.pack("<QQ", 16, len(entries)) + packed + bytes(300)


def _bmp(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 64, 0, 0, 54) + info + bytes(64)


def _bmp_os2(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHI", 26 + 64, 0, 0, 26) + struct.pack("<IHHHH", 12, width, height, 1, 24) + bytes(64)


def _codestream(width: int, height: int) -> bytes:
    size = struct.pack(">HH8IH", 47, 0, width, height, 0, 0, width, height, 0, 0, 3) + b"\x07\x01\x01" * 3
    coding = b"\xff\x52" + struct.pack(">HBBHBBBBBB", 12, 0, 0, 1, 0, 5, 4, 4, 0, 1)
    return b"\xff\x4f\xff\x51" + size + coding + bytes(64)


def _jp2(width: int, height: int) -> bytes:
    """A JP2 whose boxes claim 8 × 8, as does nothing that is decoded."""
    boxes = [(b"jP  ", b"\r\n\x87\n"), (b"ftyp", b"jp2 \0\0\0\0jp2 "), (b"jp2h", struct.pack(">II", 8, 8))]
    boxes.append((b"jp2c", _codestream(width, height)))
    return b"".join(struct.pack(">I4s", 8 + len(content), kind) + content for kind, content in boxes)


HUGE: Mapping[str, Callable[[], bytes]] = MappingProxyType(
    {
        "jpeg 65500": lambda: resized_jpeg(65500, 65500),
        "jpeg 32768": lambda: resized_jpeg(32768, 32767),
        "jpeg 20000": lambda: resized_jpeg(20000, 20000),
        "png": lambda: _png(20000, 20000),
        "webp lossy": lambda: _webp_lossy(16383, 16383),
        "webp lossless": lambda: _webp_lossless(16384, 16384),
        "webp extended": lambda: _webp_extended(20000, 20000),
        "tiff": lambda: _tiff(20000, 20000),
        "tiff of Motorola": lambda: _tiff(20000, 20000, order=">"),
        "tiff with large tiles": lambda: _tiff(64, 64, (322, 20000), (323, 20000)),
        "big tiff": lambda: _big_tiff(20000, 20000),
        "bmp": lambda: _bmp(20000, 20000),
        "bmp upside down": lambda: _bmp(20000, -20000),
        "bmp of OS/2": lambda: _bmp_os2(20000, 20000),
        "codestream": lambda: _codestream(20000, 20000),
        "jp2": lambda: _jp2(20000, 20000),
        "pnm": lambda: b"P5 # a comment\n20000\n# another 1 1\r20000 255\n" + bytes(64),
    }
)
"""Files of a few kilobytes (the PNG of some hundred) that claim 270 million pixels and more."""
