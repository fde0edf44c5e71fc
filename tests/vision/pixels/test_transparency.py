"""Transparent pictures are laid on a colour, on every version of OpenCV alike."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edged.vision.pictures.decoding import decode, decode_bgr
from edged.vision.pixels.transparency import opaque

WHITE = (255, 255, 255)


def fading(depth: type = np.uint8) -> NDArray[Any]:
    """BGRA of one colour, opaque at the right and transparent at the left, where the file has black."""
    picture = np.zeros((40, 52, 4), np.uint8)
    picture[..., 3] = np.arange(52) * 5
    picture[:, 1:, :3] = (50, 100, 200)
    made: NDArray[Any] = picture.astype(depth) * (257 if depth is np.uint16 else 1)
    return made


def expected(background: tuple[int, int, int]) -> NDArray[Any]:
    picture, alpha = fading().astype(float), fading()[..., 3:] / 255
    laid: NDArray[Any] = picture[..., :3] * alpha + np.array(background[::-1]) * (1 - alpha)
    return laid


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(colour_type: int, rows: list[bytes], *chunks: bytes, depth: int = 8) -> bytes:
    header = struct.pack(">IIBBBBB", 8, len(rows), depth, colour_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"".join([b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *chunks, chunk(b"IDAT", data), chunk(b"IEND", b"")])


@pytest.mark.parametrize(
    ("ending", "depth"),
    [
        (".png", np.uint8),
        (".png", np.uint16),
        (".webp", np.uint8),
        (".tiff", np.uint8),
        (".tiff", np.uint16),
        (".jp2", np.uint8),
    ],
)
@pytest.mark.parametrize("background", [WHITE, (0, 0, 0), (10, 200, 90)])
def test_a_transparent_picture_is_laid_on_the_background(
    ending: str, depth: type, background: tuple[int, int, int]
) -> None:
    options = {".webp": [cv2.IMWRITE_WEBP_QUALITY, 101], ".jp2": [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000]}
    content = cv2.imencode(ending, fading(depth), options.get(ending, []))[1].tobytes()
    tolerance = 25 if ending == ".jp2" else 1
    np.testing.assert_allclose(decode_bgr(content, background=background), expected(background), atol=tolerance)
    rgb = decode(content, exif=True, background=background)
    np.testing.assert_array_equal(rgb[..., ::-1], decode_bgr(content, background=background))


def test_white_is_the_usual_background() -> None:
    content = cv2.imencode(".png", fading())[1].tobytes()
    np.testing.assert_array_equal(decode_bgr(content)[:, 0], 255)


def test_a_colour_may_stand_for_transparent() -> None:
    rows = [bytes([0, 40, 80, 120, 160, 200, 240, 255])] * 4
    gray = png(0, rows, chunk(b"tRNS", b"\0\x50"))
    assert decode_bgr(gray, background=(1, 2, 3))[0].tolist()[1:4] == [[40, 40, 40], [3, 2, 1], [120, 120, 120]]
    wide = [b"".join(bytes([level] * 3) for level in row) for row in rows]
    colour = png(2, wide, chunk(b"tRNS", b"\0\x50\0\x50\0\x50"))
    np.testing.assert_array_equal(decode_bgr(colour), decode_bgr(gray))
    palette = chunk(b"PLTE", b"".join(bytes([level] * 3) for level in rows[0]))
    indexed = png(3, [bytes(range(8))] * 4, palette, chunk(b"tRNS", b"\xff\xff\0"))
    np.testing.assert_array_equal(decode_bgr(indexed), decode_bgr(gray))


def test_a_colour_of_four_or_sixteen_bits_may_stand_for_transparent() -> None:
    four = png(0, [bytes([0x01, 0x23, 0x45, 0x67])] * 4, chunk(b"tRNS", b"\0\x03"), depth=4)
    assert decode_bgr(four)[0, :5, 0].tolist() == [0, 17, 34, 255, 68]
    sixteen = png(0, [struct.pack(">8H", *range(0, 8000, 1000))] * 4, chunk(b"tRNS", struct.pack(">H", 3000)), depth=16)
    assert decode_bgr(sixteen)[0, :5, 0].tolist() == [0, 1000 >> 8, 2000 >> 8, 255, 4000 >> 8]


def test_colours_that_are_multiplied_already_are_not_multiplied_again() -> None:
    stored = np.array([[[25, 50, 100, 128]]], np.uint8)
    assert opaque(stored, WHITE, is_premultiplied=True).tolist() == [[[152, 177, 227]]]
    assert opaque(stored, (0, 0, 0), is_premultiplied=True).tolist() == [[[25, 50, 100]]]


def test_a_picture_of_many_strips_is_laid_whole() -> None:
    stored = np.zeros((600, 1000, 4), np.uint8)
    stored[300:, :, 3] = 255
    laid = opaque(stored, WHITE)
    assert (laid[:300] == 255).all()
    assert not laid[300:].any()
