"""Pictures from files, bytes and arrays."""

from __future__ import annotations

import base64
import gc
import struct
import weakref
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edged.values import MAX_PIXELS, PixelFormat
from edged.vision.image import ColorSpaceType, TensorImage, read_picture
from tests.jpegs import with_fill_bytes

Picture = npt.NDArray[np.uint8]

CMYK = base64.b64decode(
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAQCwwODAoQDg0OEhEQExgoGhgWFhgxIyUdKDozPTw5Mzg3QEhcTkBEV0U3OF"
    "BtUVdfYmdoZz5NcXlwZHhcZWdj/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EABQAAQAAAAAAAAAAAAAAAAAAAAf/xAAU"
    "EAEAAAAAAAAAAAAAAAAAAAAA/9oADgRDAE0AWQBLAAA/AEAfj8gP/9k="
)
"""8 × 8 pixels of red, as a printer's JPEG has them."""

GIF = base64.b64decode(
    "R0lGODlhBgAEAIEAAAAAAAAAAAAAAAAAACH/C05FVFNDQVBFMi4wAwEAAAAsAAAAAAYABAAACAsAAQgcSLCgwYEBAQ"
    "Ah+QQBAAABACwAAAAABgAEAIH/AAAAAAAAAAAAAAAICwABCBxIsKDBgQEBACH5BAEAAAEALAAAAAAGAAQAgQD/AAAA"
    "AAAAAAAAAAgLAAEIHEiwoMGBAQEAOw=="
)
"""Three frames of 6 × 4 pixels: black, red, green."""


def picture(width: int = 40, height: int = 30, channels: int = 3) -> Picture:
    small = np.random.default_rng(3).integers(0, 256, (4, 5, channels), np.uint8)
    large: Picture = np.kron(small, np.ones((height // 4 + 1, width // 5 + 1, 1), np.uint8))[:height, :width]
    return large[..., 0] if channels == 1 else large


def encoded(rgb: npt.NDArray[Any], ending: str = ".png") -> bytes:
    codes = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    stored = rgb if rgb.ndim == 2 else cv2.cvtColor(rgb, codes[rgb.shape[2]])
    done, content = cv2.imencode(ending, stored)
    assert done
    return content.tobytes()


def with_exif(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with an EXIF segment that has nothing but the orientation."""
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    segment = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


def png(width: int, height: int) -> bytes:
    """A PNG that says it is so large, and has hardly anything in it."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


# Arrays


@pytest.mark.parametrize(
    ("shape", "space", "size"),
    [
        ((30, 40, 3), ColorSpaceType.RGB, (40, 30)),
        ((1, 30, 40, 3), ColorSpaceType.RGB, (40, 30)),
        ((30, 40, 4), ColorSpaceType.RGBA, (40, 30)),
        ((1, 30, 40, 4), ColorSpaceType.RGBA, (40, 30)),
        ((30, 40), ColorSpaceType.GRAYSCALE, (40, 30)),
        ((1, 30, 40), ColorSpaceType.GRAYSCALE, (40, 30)),
        ((30, 40, 1), ColorSpaceType.GRAYSCALE, (40, 30)),
        ((1, 10, 3), ColorSpaceType.RGB, (10, 1)),
        ((10, 1, 3), ColorSpaceType.RGB, (1, 10)),
        ((1, 1, 3), ColorSpaceType.RGB, (1, 1)),
        ((1, 1, 1, 3), ColorSpaceType.RGB, (1, 1)),
        ((1, 1, 4), ColorSpaceType.RGBA, (1, 1)),
        ((1, 1), ColorSpaceType.GRAYSCALE, (1, 1)),
        ((1, 1, 1), ColorSpaceType.GRAYSCALE, (1, 1)),
    ],
    ids=str,
)
def test_the_color_space_follows_from_the_shape(
    shape: tuple[int, ...], space: ColorSpaceType, size: tuple[int, int]
) -> None:
    image = TensorImage.create_from_array(np.zeros(shape, np.uint8))
    assert image.color_space_type is space
    assert (image.width, image.height) == size
    assert image.buffer.shape[:2] == size[::-1]


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 30, 40, 3), "Incompatible buffer dimension!"),
        ((40,), "Incompatible buffer dimension!"),
        ((), "Incompatible buffer dimension!"),
        ((1, 1, 1, 1, 3), "Incompatible buffer dimension!"),
        ((30, 40, 2), r"Expected image with 1 \(grayscale\), 3 \(RGB\) or 4 \(RGBA\) channels, found 2"),
        ((30, 40, 5), r"Expected image with 1 \(grayscale\), 3 \(RGB\) or 4 \(RGBA\) channels, found 5"),
        ((0, 40, 3), "Invalid stride information."),
        ((30, 0, 3), "Invalid stride information."),
    ],
    ids=str,
)
def test_a_shape_that_is_not_a_picture_is_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TensorImage.create_from_array(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.uint16, bool])
def test_an_array_that_is_not_uint8_is_refused(dtype: type) -> None:
    with pytest.raises(ValueError, match="Expect numpy array with dtype=uint8"):
        TensorImage.create_from_array(np.zeros((3, 4, 3), dtype))


@pytest.mark.parametrize("nothing", [None, [[1, 2, 3]]])
def test_an_object_that_is_not_an_array_is_refused(nothing: Any) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'dtype'"):
        TensorImage.create_from_array(nothing)


def test_a_picture_looks_at_the_array_that_it_was_made_of() -> None:
    array = picture()
    image = TensorImage.create_from_array(array[2:20, ::-1])
    array[:] = 7
    assert np.unique(image.buffer).tolist() == [7]


def test_a_picture_keeps_its_array_alive() -> None:
    class Traced(np.ndarray[Any, Any]):
        pass

    array = picture().view(Traced)
    alive = weakref.ref(array)
    image = TensorImage.create_from_array(array)
    del array
    gc.collect()
    assert alive() is not None
    del image
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("pixels", [PixelFormat.BGR, "bgr"])
def test_another_layout_can_be_named(pixels: PixelFormat | str) -> None:
    image = TensorImage.create_from_array(picture(), pixels)
    assert image.pixels is PixelFormat.BGR
    with pytest.raises(ValueError, match=r"Unsupported color space type\. \(got bgr; see pixels\)"):
        _ = image.color_space_type


def test_a_frame_of_a_camera_has_the_size_of_its_picture() -> None:
    image = TensorImage.create_from_array(np.zeros((45, 40), np.uint8), PixelFormat.NV12)
    assert (image.width, image.height) == (40, 30)


def test_a_layout_that_the_array_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="NV12 pictures are uint8 arrays of shape"):
        TensorImage.create_from_array(picture(), PixelFormat.NV12)
    with pytest.raises(ValueError, match=r"pixels must be one of rgb, bgr, .*yuyv \(got 'rainbow'\)"):
        TensorImage.create_from_array(picture(), "rainbow")


# Files and bytes


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("as_text", [True, False])
def test_channels_are_kept_as_stored(tmp_path: Path, channels: int, as_text: bool) -> None:
    stored = picture(channels=channels)
    want = stored.reshape(*stored.shape[:2], channels)
    path = tmp_path / "picture.png"
    path.write_bytes(encoded(stored))
    image = TensorImage.create_from_file(str(path) if as_text else path)
    np.testing.assert_array_equal(image.buffer, want)
    assert image.color_space_type.name == {1: "GRAYSCALE", 3: "RGB", 4: "RGBA"}[channels]
    np.testing.assert_array_equal(TensorImage.create_from_buffer(path.read_bytes()).buffer, want)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".bmp", ".webp", ".tiff"])
def test_common_formats_are_read(ending: str) -> None:
    want = picture()
    got = TensorImage.create_from_buffer(encoded(want, ending)).buffer
    assert got.flags.c_contiguous
    assert np.abs(got.astype(int) - want).mean() < 12


def test_the_bundled_references_are_read_by_both_ways_alike(demo: Path) -> None:
    for path in demo.glob("*.jpg"):
        np.testing.assert_array_equal(TensorImage.create_from_file(path).buffer, read_picture(path))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_is_ignored_unless_it_is_asked_for(tmp_path: Path, orientation: int) -> None:
    plain = encoded(picture(), ".jpg")
    stored = TensorImage.create_from_buffer(plain).buffer
    content = with_exif(plain, orientation)
    np.testing.assert_array_equal(TensorImage.create_from_buffer(content).buffer, stored)
    upright = TensorImage.create_from_buffer(content, exif=True)
    assert (upright.width, upright.height) == ((30, 40) if orientation >= 5 else (40, 30))
    turns = {1: 0, 3: 2, 6: -1, 8: 1}
    if orientation in turns:
        np.testing.assert_array_equal(upright.buffer, np.rot90(stored, turns[orientation]))
    path = tmp_path / "picture.jpg"
    path.write_bytes(content)
    np.testing.assert_array_equal(read_picture(path), upright.buffer)


@pytest.mark.parametrize("channels", [1, 4])
def test_read_picture_gives_rgb_whatever_is_stored(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "picture.png"
    stored = picture(channels=channels)
    path.write_bytes(encoded(stored))
    if channels == 1:
        want = stored[..., None].repeat(3, axis=2)
    else:
        alpha = stored[..., 3:] / 255
        want = np.floor(stored[..., :3] * alpha + 255 * (1 - alpha) + 0.5).astype(np.uint8)
    np.testing.assert_allclose(read_picture(path), want, atol=1)


def test_16_bit_pictures_keep_their_upper_8_bits() -> None:
    deep = picture(channels=1).astype(np.uint16) * 256 + 255
    np.testing.assert_array_equal(TensorImage.create_from_buffer(encoded(deep)).buffer[..., 0], deep >> 8)


def test_a_jpeg_in_the_colours_of_print_becomes_rgb() -> None:
    image = TensorImage.create_from_buffer(CMYK)
    assert image.color_space_type is ColorSpaceType.RGB
    assert np.abs(image.buffer.astype(int) - [255, 0, 0]).max() < 8


def test_a_gif_is_refused_by_its_name_on_every_version_of_opencv() -> None:
    with pytest.raises(RuntimeError, match="its format is GIF, which edged does not read; convert it to PNG or JPEG"):
        TensorImage.create_from_buffer(GIF)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"hello world, this is text", r"unknown image type, damaged or cut short \(25 bytes\)"),
        (encoded(picture())[:-40], "unknown image type, damaged or cut short"),
        (encoded(picture(), ".jpg")[:-200], "a damaged JPEG: it is cut short"),
        (encoded(picture(), ".bmp")[:1000], "unknown image type, damaged or cut short"),
        (encoded(picture())[:50], "unknown image type, damaged or cut short"),
        (encoded(picture().astype(np.float32), ".tiff"), "only 8 and 16 bits per channel are supported"),
        (png(60_000, 60_000), rf"too large: it may have {MAX_PIXELS} pixels \(got 60000 x 60000\)"),
        (png(2**32 - 1, 2**32 - 1), "too large"),
    ],
    ids=["empty", "text", "cut png", "cut jpeg", "cut bmp", "a header alone", "floats", "a bomb", "a larger bomb"],
)
def test_bytes_that_are_not_a_picture_are_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(RuntimeError, match=f"^An error occurred while decoding image: .*{reason}"):
        TensorImage.create_from_buffer(content)


def test_a_jpeg_that_claims_to_be_huge_is_refused_before_memory_is_spent() -> None:
    jpeg = bytearray(encoded(picture(), ".jpg"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 65535, 65535)
    with pytest.raises(RuntimeError, match=r"too large: it may have \d+ pixels \(got 65535 x 65535\)"):
        TensorImage.create_from_buffer(with_exif(bytes(jpeg), 6))


def test_fill_bytes_before_the_markers_of_a_jpeg_change_nothing() -> None:
    """ITU-T T.81, B.1.1.2: any marker may follow any number of bytes FF."""
    plain = encoded(picture(), ".jpg")
    filled = with_fill_bytes(plain)
    assert np.array_equal(TensorImage.create_from_buffer(filled).buffer, TensorImage.create_from_buffer(plain).buffer)
    frame = filled.index(b"\xff\xc0")
    huge = filled[: frame + 5] + struct.pack(">HH", 65535, 65535) + filled[frame + 9 :]
    with pytest.raises(RuntimeError, match=r"too large: it may have \d+ pixels \(got 65535 x 65535\)"):
        TensorImage.create_from_buffer(huge)


def test_damaged_pictures_are_read_or_refused_and_never_crash() -> None:
    random = np.random.default_rng(0)
    refusals = set()
    for ending in (".jpg", ".png", ".webp"):
        whole = encoded(picture(), ending)
        for _ in range(60):
            damaged = bytearray(whole[: random.integers(60, len(whole) + 1)])
            for place in random.integers(40, len(damaged), 4):  # not the size, which would cost seconds
                damaged[place] = random.integers(0, 256)
            try:
                TensorImage.create_from_buffer(bytes(damaged))
            except RuntimeError as exc:
                refusals.add(str(exc).partition(": ")[0])
    assert refusals == {"An error occurred while decoding image"}


def test_a_file_that_cannot_be_read_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"can't fopen .*none\.jpg: No such file or directory"):
        TensorImage.create_from_file(tmp_path / "none.jpg")
    with pytest.raises(RuntimeError, match=f"can't fopen {tmp_path}: it is no file"):
        TensorImage.create_from_file(tmp_path)
    with pytest.raises(RuntimeError, match="it is no file"):
        TensorImage.create_from_file("/dev/zero")
    with pytest.raises(RuntimeError, match="can't fopen"):
        TensorImage.create_from_file("a\0b")
    with pytest.raises(RuntimeError, match="can't fopen"):
        read_picture(tmp_path / "none.jpg")


@pytest.mark.parametrize("nothing", [None, 3, ["a"]])
def test_an_object_that_is_not_a_path_is_refused(nothing: Any) -> None:
    with pytest.raises(TypeError):
        TensorImage.create_from_file(nothing)


def test_a_gray_buffer_has_one_channel_as_the_task_librarys() -> None:
    gray = np.zeros((5, 6), np.uint8)
    image = TensorImage.create_from_array(gray)
    assert image.buffer.shape == (5, 6, 1)
    assert np.shares_memory(image.buffer, gray)


def test_text_is_not_a_buffer() -> None:
    with pytest.raises(TypeError, match="a bytes-like object is required, not 'str'"):
        TensorImage.create_from_buffer("text")  # type: ignore[arg-type]  # on purpose
