"""EXIF orientations of every format: the same picture, whatever OpenCV's own decoders make of them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edged.errors import PictureError
from edged.vision.pictures.decoding import decode, decode_bgr
from edged.vision.pictures.exif import stored_orientation
from edged.vision.pixels.orientation import Orientation
from tests.bombs import HUGE

Picture = NDArray[np.uint8]


def scene(channels: int = 3) -> Picture:
    """A picture without symmetry, of blocks that every codec keeps apart."""
    blocks = np.random.default_rng(5).integers(0, 256, (4, 6, channels), np.uint8)
    if channels == 4:
        blocks[..., 3] = 255
    return np.kron(blocks, np.ones((16, 16, 1), np.uint8)).astype(np.uint8)


def stored_as(orientation: int, upright: Picture) -> Picture:
    """The picture as a file with that orientation stores it: the EXIF standard, taken by its word."""
    turns: dict[int, Callable[[Picture], Picture]] = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p),
        7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
        8: lambda p: np.rot90(p, -1),
    }
    return np.ascontiguousarray(turns[orientation](upright))


def exif(orientation: int, order: str = "<", kind: str = "H") -> bytes:
    number = {"B": 1, "H": 3, "I": 4, "b": 6, "h": 8, "i": 9}[kind]
    value = struct.pack(order + kind, orientation).ljust(4, b"\0")
    start = b"II\x2a\0" if order == "<" else b"MM\0\x2a"
    other = struct.pack(order + "HHI4s", 0x0110, 2, 4, b"Cam\0")
    entry = struct.pack(order + "HHI", 0x0112, number, 1) + value
    return start + struct.pack(order + "IH", 8, 2) + other + entry + bytes(4)


def encoded(ending: str, picture: Picture, *options: int) -> bytes:
    done, content = cv2.imencode(ending, picture, list(options))
    assert done
    return content.tobytes()


def jpeg(picture: Picture, block: bytes) -> bytes:
    content, segment = encoded(".jpg", picture[..., :3], cv2.IMWRITE_JPEG_QUALITY, 95), b"Exif\0\0" + block
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + content[2:]


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(picture: Picture, block: bytes) -> bytes:
    content = encoded(".png", picture)
    at = content.index(b"IDAT") - 4
    return content[:at] + chunk(b"eXIf", block) + content[at:]


def png_with_exif_last(picture: Picture, block: bytes) -> bytes:
    content = encoded(".png", picture)
    return content[:-12] + chunk(b"eXIf", block) + content[-12:]


def webp(picture: Picture, block: bytes) -> bytes:
    lossless = encoded(".webp", picture, cv2.IMWRITE_WEBP_QUALITY, 101)
    height, width = picture.shape[:2]
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    flags = 0x08 | (0x10 if picture.shape[2] == 4 else 0)
    body = b"WEBPVP8X" + struct.pack("<IB3x", 10, flags) + sides + lossless[12 if lossless[12:16] == b"VP8L" else 30 :]
    body += b"EXIF" + struct.pack("<I", len(block)) + block + b"\0" * (len(block) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_with_prefix(picture: Picture, block: bytes) -> bytes:
    return webp(picture, b"Exif\0\0" + block)


def tiff(picture: Picture, block: bytes) -> bytes:
    """The picture as TIFF whose directory has the orientation that *block* has."""
    order = "<" if block.startswith(b"II") else ">"
    (orientation,) = struct.unpack_from(order + "H", block, 30)
    height, width = picture.shape[:2]
    stored = picture[..., [2, 1, 0]]
    bits = 8 + 2 + 10 * 12 + 4
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, bits), (259, 3, 1, 1), (262, 3, 1, 2)]
    entries += [(273, 4, 1, bits + 6), (274, 3, 1, orientation), (277, 3, 1, 3), (278, 4, 1, height)]
    entries.append((279, 4, 1, stored.size))
    packed = b"".join(
        struct.pack(order + "HHI", tag, kind, count)
        + (struct.pack(order + "HH", value, 0) if kind == 3 and count == 1 else struct.pack(order + "I", value))
        for tag, kind, count, value in entries
    )
    start = (b"II\x2a\0" if order == "<" else b"MM\0\x2a") + struct.pack(order + "IH", 8, len(entries))
    return start + packed + bytes(4) + struct.pack(order + "HHH", 8, 8, 8) + stored.tobytes()


FORMATS: dict[str, Callable[[Picture, bytes], bytes]] = {
    "jpeg": jpeg,
    "png": png,
    "png, last": png_with_exif_last,
    "webp": webp,
    "webp, prefix": webp_with_prefix,
    "tiff": tiff,
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("name", FORMATS)
def test_a_picture_is_upright_whatever_its_orientation(name: str, order: str, orientation: int) -> None:
    upright = scene()
    content = FORMATS[name](stored_as(orientation, upright), exif(orientation, order))
    tolerance = 12 if name == "jpeg" else 0
    middles = np.s_[8::16, 8::16]  # of the blocks: a JPEG has half the colours, blurred at their edges
    assert decode_bgr(content).shape == upright.shape
    np.testing.assert_allclose(decode_bgr(content)[middles].astype(int), upright[middles], atol=tolerance)
    np.testing.assert_allclose(
        decode(content, exif=True)[middles].astype(int), upright[middles][..., ::-1], atol=tolerance
    )
    stored = stored_as(orientation, upright)
    assert decode(content, exif=False).shape == stored.shape
    np.testing.assert_allclose(
        decode(content, exif=False)[middles].astype(int), stored[middles][..., ::-1], atol=tolerance
    )


@pytest.mark.parametrize("name", ["png", "png, last", "webp"])
def test_a_transparent_picture_is_turned_too(name: str) -> None:
    content = FORMATS[name](stored_as(6, scene(4)), exif(6))
    np.testing.assert_array_equal(decode_bgr(content), scene(4)[..., :3])


@pytest.mark.parametrize("kind", "BHIbhi")
def test_an_orientation_may_be_a_number_of_any_size(kind: str) -> None:
    assert stored_orientation(png(scene(), exif(8, ">", kind))) is Orientation.LEFT_BOTTOM


@pytest.mark.parametrize("kind", [6, 8, 9])
def test_a_signed_orientation_of_a_tiff_is_not_left_to_opencv(kind: int) -> None:
    stored = stored_as(6, scene())
    entry, signed = (struct.pack("<HHI", 274, number, 1) for number in (3, kind))
    content = tiff(stored, exif(6)).replace(entry, signed)
    np.testing.assert_array_equal(decode(content, exif=False), stored[..., ::-1])
    np.testing.assert_array_equal(decode_bgr(content), scene())


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"II\x2a\0",
        exif(0),
        exif(9),
        exif(6)[:20],
        exif(6).replace(b"II", b"XX"),
        b"II\x2a\0\xff\xff\xff\xff" + bytes(40),
        b"II\x2a\0\x08\0\0\0\xff\xff" + bytes(40),
        exif(6)[:24] + struct.pack("<HHI", 3, 99, 99) + bytes(8),
    ],
    ids=["empty", "cut", "0", "9", "cut in the directory", "no order", "far away", "many", "many values"],
)
@pytest.mark.parametrize("name", ["jpeg", "png", "webp"])
def test_exif_data_that_make_no_sense_change_nothing(name: str, block: bytes) -> None:
    content = FORMATS[name](scene(), block)
    assert stored_orientation(content) is Orientation.TOP_LEFT
    assert decode_bgr(content).shape == scene().shape


@pytest.mark.parametrize(("first", "counts"), [(3, Orientation.BOTTOM_RIGHT), (0, Orientation.RIGHT_TOP)])
def test_the_first_exif_block_with_an_orientation_counts(first: int, counts: Orientation) -> None:
    content = jpeg(scene(), exif(6))
    segment = b"Exif\0\0" + exif(first)
    twice = content[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + content[2:]
    assert stored_orientation(twice) is counts


def test_a_jpeg_2000_is_read(tmp_path: Path) -> None:
    upright = scene()
    content = encoded(".jp2", upright, cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000)
    np.testing.assert_allclose(decode_bgr(content).astype(int), upright, atol=6)
    bare = content[content.index(b"\xff\x4f\xff\x51") :]
    np.testing.assert_array_equal(decode_bgr(bare), decode_bgr(content))


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tiff", ".bmp", ".jp2", ".ppm"])
def test_a_picture_with_a_hole_or_cut_short_is_refused(ending: str, kept: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8)
    content = encoded(ending, np.asarray(cv2.GaussianBlur(noise, (0, 0), 2), np.uint8))
    at = int(len(content) * kept)
    for damaged in (content[:at], content[:at] + content[at + 1000 :]):
        with pytest.raises(PictureError):
            decode_bgr(damaged)


def altered_jp2(at: int, value: int) -> bytes:
    """A JP2 with another byte, *at* from the begin of its codestream."""
    content = bytearray(encoded(".jp2", scene()))
    content[content.index(b"\xff\x4f\xff\x51") + at] = value
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (altered_jp2(46, 2), "components of several sizes or depths"),  # OpenCV reads beyond the end of these
        (altered_jp2(45, 9), "components of several sizes or depths"),
        (altered_jp2(42, 0x87), "components of several sizes or depths"),
        (encoded(".jp2", scene()).replace(b"colr", b"pclr"), "a JPEG 2000 with a palette"),
        (encoded(".jp2", scene()).replace(b"\0\0\0\x10", b"\0\0\0\x12"), "in colours that edged does not read"),
        (encoded(".jp2", scene()).replace(b"jp2c", b"free"), "it has no picture"),
    ],
)
def test_a_jpeg_2000_of_a_kind_that_is_not_decoded_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        decode_bgr(content)


def test_a_jpeg_2000_of_many_tiles_or_channels_is_refused() -> None:
    content = bytearray(HUGE["codestream"]())
    struct.pack_into(">II", content, 8, 4000, 4000)
    struct.pack_into(">II", content, 24, 16, 16)
    with pytest.raises(PictureError, match=r"of a kind that is not decoded here \(3 components, 62500 tiles\)"):
        decode_bgr(bytes(content))
    struct.pack_into(">IIIIH", content, 24, 4000, 4000, 0, 0, 16384)
    with pytest.raises(PictureError, match="16384 components"):
        decode_bgr(bytes(content))
