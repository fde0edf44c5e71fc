"""YUV pictures of odd sides: the colours of the last column and row are those of half a block."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.regions import Box
from edged.values import PixelFormat
from edged.vision import TensorImage
from edged.vision.pixels.view import RgbView
from tests.vision.pixels.test_colour import to_rgb

Plane = NDArray[np.uint8]
LAYOUTS = [PixelFormat.NV12, PixelFormat.NV21, PixelFormat.I420, PixelFormat.YV12]


def planes(width: int, height: int) -> tuple[Plane, Plane, Plane]:
    random = np.random.default_rng(width * 100 + height)
    half = ((height + 1) // 2, (width + 1) // 2)
    return tuple(random.integers(0, 256, shape, np.uint8) for shape in ((height, width), half, half))  # type: ignore[return-value]  # three


def stored(y: Plane, u: Plane, v: Plane, pixels: PixelFormat) -> Plane:
    colours = {
        PixelFormat.NV12: np.stack([u, v], 2),
        PixelFormat.NV21: np.stack([v, u], 2),
        PixelFormat.I420: np.stack([u, v]),
        PixelFormat.YV12: np.stack([v, u]),
    }
    return np.concatenate([y.ravel(), colours[pixels].ravel()])


def shown(image: TensorImage, box: Box) -> Plane:
    return RgbView(box).of(image.buffer, image.pixels)


@pytest.mark.parametrize("pixels", LAYOUTS)
@pytest.mark.parametrize("size", [(17, 11), (16, 11), (17, 10), (1, 1), (3, 1), (16, 10)], ids=str)
def test_a_picture_of_odd_sides_has_all_its_pixels_and_colours(pixels: PixelFormat, size: tuple[int, int]) -> None:
    parts = planes(*size)
    image = TensorImage.create_from_array(stored(*parts, pixels), pixels, size)
    assert (image.width, image.height) == size
    np.testing.assert_array_equal(shown(image, Box(0, 0, *size)), to_rgb(*parts))


@pytest.mark.parametrize("pixels", LAYOUTS)
def test_an_odd_height_follows_from_the_shape(pixels: PixelFormat) -> None:
    parts = planes(16, 11)
    image = TensorImage.create_from_array(stored(*parts, pixels).reshape(17, 16), pixels)
    assert (image.width, image.height) == (16, 11)
    np.testing.assert_array_equal(shown(image, Box(0, 0, 16, 11)), to_rgb(*parts))


def test_an_odd_width_without_its_size_and_a_wrong_size_are_refused() -> None:
    parts = stored(*planes(17, 11), PixelFormat.NV12)
    with pytest.raises(ValueError, match="both sides even; for an odd width give its size"):
        TensorImage.create_from_array(parts, "nv12")
    with pytest.raises(ValueError, match=r"17 x 12 pixels has 312 bytes in this layout: .* 9 x 6 \(got 295 of uint8\)"):
        TensorImage.create_from_array(parts, "nv12", (17, 12))
    with pytest.raises(ValueError, match=r"size must be that of the array, \(4, 2\) \(got \(4, 3\)\)"):
        TensorImage.create_from_array(np.zeros((2, 4, 3), np.uint8), "rgb", (4, 3))
