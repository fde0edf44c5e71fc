"""YUV frames of cameras: planes, chroma and the arithmetic of BT.601."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edged.regions import Box
from edged.values import PixelFormat
from edged.vision.pixels.orientation import Orientation
from edged.vision.pixels.preprocess import Preprocessor
from edged.vision.specs import InputSpec
from tests.vision.pixels.exact_pixels import Picture, exact_resize
from tests.vision.pixels.test_orientation import UPRIGHT

YUV = [PixelFormat.NV12, PixelFormat.NV21, PixelFormat.I420, PixelFormat.YV12, PixelFormat.YUYV]


def rgb_of(y: int, u: int, v: int) -> tuple[int, int, int]:
    """One pixel, in whole numbers, straight from the formula."""
    y1 = y * 257 * 18997 >> 16
    red = (y1 + 102 * v - 14216) >> 6
    green = (y1 - 25 * u - 52 * v + 8696) >> 6
    blue = (y1 + 128 * u - 17544) >> 6
    return tuple(min(max(value, 0), 255) for value in (red, green, blue))  # type: ignore[return-value]  # three of them


def stored(y: Picture, u: Picture, v: Picture, pixels: PixelFormat) -> Picture:
    """The planes as a frame of that layout; U and V have half the sides of Y."""
    match pixels:
        case PixelFormat.NV12:
            parts = [y, np.stack([u, v], 2)]
        case PixelFormat.NV21:
            parts = [y, np.stack([v, u], 2)]
        case PixelFormat.I420:
            parts = [y, u, v]
        case PixelFormat.YV12:
            parts = [y, v, u]
        case _:
            frame = np.zeros((*y.shape, 2), np.uint8)
            frame[..., 0] = y
            frame[:, 0::2, 1], frame[:, 1::2, 1] = np.repeat(u, 2, axis=0), np.repeat(v, 2, axis=0)
            return frame
    whole: Picture = np.concatenate([part.ravel() for part in parts]).reshape(-1, y.shape[1])
    return whole


def planes(width: int, height: int, seed: int = 0) -> tuple[Picture, Picture, Picture]:
    random = np.random.default_rng(seed)
    half = (height // 2, width // 2)
    return (
        random.integers(0, 256, (height, width), np.uint8),
        random.integers(0, 256, half, np.uint8),
        random.integers(0, 256, half, np.uint8),
    )


def seen(
    image: Picture,
    pixels: PixelFormat,
    box: Box,
    size: tuple[int, int],
    orientation: Orientation = Orientation.TOP_LEFT,
) -> Picture:
    out = np.zeros((size[1], size[0], 3), np.uint8)
    Preprocessor(InputSpec("image", 0, size[1], size[0], "uint8"))(image, pixels, box, orientation, out)
    return out


def to_rgb(y: Picture, u: Picture, v: Picture) -> Picture:
    height, width = y.shape
    rgb = np.zeros((height, width, 3), np.uint8)
    for i in range(height):
        for j in range(width):
            rgb[i, j] = rgb_of(int(y[i, j]), int(u[i // 2, j // 2]), int(v[i // 2, j // 2]))
    return rgb


@pytest.mark.parametrize("pixels", YUV)
def test_each_layout_is_converted_by_the_formula(pixels: PixelFormat) -> None:
    y, u, v = planes(16, 12)
    got = seen(stored(y, u, v, pixels), pixels, Box(0, 0, 16, 12), (16, 12))
    np.testing.assert_array_equal(got, to_rgb(y, u, v))


@pytest.mark.parametrize("pixels", [p for p in YUV if p is not PixelFormat.YUYV])
@pytest.mark.parametrize("orientation", Orientation)
@pytest.mark.parametrize("size", [(14, 10), (15, 11), (40, 7)], ids=str)
def test_planes_are_resized_turned_and_then_converted(
    pixels: PixelFormat, orientation: Orientation, size: tuple[int, int]
) -> None:
    y, u, v = planes(48, 34)
    box = Box(6, 4, 30, 21)
    got = seen(stored(y, u, v, pixels), pixels, box, size, orientation)
    width, height = size[::-1] if orientation.swaps_sides else size
    half = (width + 1) // 2, (height + 1) // 2
    turn = UPRIGHT[orientation]
    small = turn(exact_resize(y[4:25, 6:36], width, height, plane=True))
    u, v = (turn(exact_resize(np.ascontiguousarray(plane[2:13, 3:18]), *half, plane=True)) for plane in (u, v))
    np.testing.assert_array_equal(got, to_rgb(small, u, v))


@pytest.mark.parametrize("pixels", [p for p in YUV if p is not PixelFormat.YUYV])
def test_planes_that_are_halved_are_rounded_once(pixels: PixelFormat) -> None:
    y, u, v = planes(48, 32)
    got = seen(stored(y, u, v, pixels), pixels, Box(0, 0, 48, 32), (24, 16))

    def halved(plane: Picture) -> Picture:
        a, b, c, d = (plane[row::2, column::2].astype(int) for row in (0, 1) for column in (0, 1))
        return np.asarray((a + b + c + d + 2) >> 2, np.uint8)

    np.testing.assert_array_equal(got, to_rgb(halved(y), halved(u), halved(v)))


@pytest.mark.parametrize("pixels", YUV)
@pytest.mark.parametrize(
    "value", [(16, 128, 128), (235, 128, 128), (0, 0, 0), (255, 255, 255), (81, 90, 240), (255, 255, 0)]
)
@pytest.mark.parametrize("size", [(40, 30), (20, 15), (23, 17), (90, 70)])
def test_plain_colours_survive_any_resize(
    pixels: PixelFormat, value: tuple[int, int, int], size: tuple[int, int]
) -> None:
    y, u, v = (np.full(s, c, np.uint8) for s, c in zip([(30, 40), (15, 20), (15, 20)], value, strict=True))
    got = seen(stored(y, u, v, pixels), pixels, Box(0, 0, 40, 30), size)
    assert np.unique(got.reshape(-1, 3), axis=0).tolist() == [list(rgb_of(*value))]


@pytest.mark.parametrize("pixels", YUV)
def test_a_camera_frame_looks_as_opencv_shows_it(pixels: PixelFormat) -> None:
    """OpenCV rounds otherwise, so this is about planes in the right order, not about the last bit."""
    codes = {
        PixelFormat.NV12: cv2.COLOR_YUV2RGB_NV12,
        PixelFormat.NV21: cv2.COLOR_YUV2RGB_NV21,
        PixelFormat.I420: cv2.COLOR_YUV2RGB_I420,
        PixelFormat.YV12: cv2.COLOR_YUV2RGB_YV12,
        PixelFormat.YUYV: cv2.COLOR_YUV2RGB_YUY2,
    }
    small = planes(8, 6)
    y, u, v = (np.kron(plane // 2 + 64, np.ones((20, 20), np.uint8)) for plane in small)
    image = stored(y, u, v, pixels)
    got = seen(image, pixels, Box(0, 0, 160, 120), (160, 120))
    assert np.abs(got.astype(int) - cv2.cvtColor(image, codes[pixels])).max() <= 6


@pytest.mark.parametrize("pixels", YUV)
@pytest.mark.parametrize(("x", "y"), [(0, 0), (1, 0), (0, 1), (1, 1), (7, 5)])
def test_colours_stay_with_their_shapes_where_a_region_begins_at_an_odd_pixel(
    pixels: PixelFormat, x: int, y: int
) -> None:
    """A ramp of colour along both sides is found again where it was, within half a sample of colour."""
    ramp = np.broadcast_to(np.arange(60, dtype=np.uint8) * 4, (60, 60))
    luma = np.full((120, 120), 128, np.uint8)
    got = seen(stored(luma, ramp, ramp.T, pixels), pixels, Box(x, y, 100, 100), (100, 100)).astype(int)
    whole = seen(stored(luma, ramp, ramp.T, pixels), pixels, Box(0, 0, 120, 120), (120, 120)).astype(int)
    # In the middle of a region nothing is shifted: one sample is 4 steps of U or V, and 8 of blue at most.
    middle = np.s_[30:70, 30:70]
    shift = got[middle] - whole[y : y + 100, x : x + 100][middle]
    assert np.abs(shift.mean(axis=(0, 1))).max() < 4.5


@pytest.mark.parametrize("pixels", YUV)
@pytest.mark.parametrize("box", [Box(39, 29, 1, 1), Box(0, 0, 1, 1), Box(5, 7, 1, 20), Box(38, 0, 2, 1)], ids=str)
def test_the_smallest_regions_have_colours_too(pixels: PixelFormat, box: Box) -> None:
    y, u, v = planes(40, 30)
    got = seen(stored(y, u, v, pixels), pixels, box, (9, 8))
    assert got.shape == (8, 9, 3)
    if (box.width, box.height) == (1, 1):
        want = rgb_of(int(y[box.y, box.x]), int(u[box.y // 2, box.x // 2]), int(v[box.y // 2, box.x // 2]))
        assert np.unique(got.reshape(-1, 3), axis=0).tolist() == [list(want)]


@pytest.mark.parametrize("pixels", YUV)
def test_a_yuv_frame_of_another_memory_layout_gives_the_same_pixels(pixels: PixelFormat) -> None:
    image = stored(*planes(48, 34), pixels)
    box = Box(3, 5, 40, 21)
    want = seen(image, pixels, box, (14, 10))
    padded = np.pad(image, ((0, 0), (0, 16)) + ((0, 0),) * (image.ndim - 2))[:, :48]
    np.testing.assert_array_equal(seen(padded, pixels, box, (14, 10)), want)
    np.testing.assert_array_equal(seen(np.asfortranarray(image), pixels, box, (14, 10)), want)


def test_yv21_is_the_task_librarys_name_of_i420() -> None:
    assert PixelFormat("yv21") is PixelFormat.I420
    assert PixelFormat["YV21"] is PixelFormat.I420
    assert "yv21" not in list(PixelFormat)
    with pytest.raises(ValueError, match="yv22"):
        PixelFormat("yv22")
