"""From a frame to the model's input: every layout, place and orientation against plain NumPy."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edged.errors import ModelError
from edged.regions import Box
from edged.values import PixelFormat
from edged.vision.pixels.orientation import Orientation
from edged.vision.pixels.pixel_values import pixel_values
from edged.vision.pixels.preprocess import Preprocessor, Resize
from edged.vision.specs import InputSpec, Normalization, Quantization, TensorType
from tests.allocated import allocated
from tests.vision.pixels.exact_pixels import Picture, exact_resize
from tests.vision.pixels.test_orientation import UPRIGHT

ONE = Normalization((127.5,), (127.5,))
THREE = Normalization((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
WHOLE = Box(0, 0, 161, 97)
UPRIGHT_ALREADY = Orientation.TOP_LEFT


def spec(
    dtype: TensorType = "uint8",
    normalization: Normalization | None = None,
    quantization: Quantization | None = None,
    size: tuple[int, int] = (40, 28),
) -> InputSpec:
    width, height = size
    return InputSpec("image", 0, height, width, dtype, quantization, normalization)


def frame(*shape: int, seed: int = 0) -> Picture:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def seen(
    image: Picture,
    box: Box = WHOLE,
    *,
    pixels: PixelFormat = PixelFormat.RGB,
    orientation: Orientation = UPRIGHT_ALREADY,
    of: InputSpec | None = None,
    resize: Resize = "exact",
) -> npt.NDArray[Any]:
    """What the model sees."""
    of = of or spec()
    out = np.zeros((1, of.height, of.width, 3), of.dtype)
    Preprocessor(of, resize)(image, pixels, box, orientation, out)
    result: npt.NDArray[Any] = out[0]
    return result


def expected(
    rgb: Picture, box: Box = WHOLE, orientation: Orientation = UPRIGHT_ALREADY, of: InputSpec | None = None
) -> Picture:
    of = of or spec()
    crop = np.ascontiguousarray(rgb[box.y : box.y + box.height, box.x : box.x + box.width])
    size = (of.height, of.width) if orientation.swaps_sides else (of.width, of.height)
    return UPRIGHT[orientation](exact_resize(crop, *size))


@pytest.mark.parametrize("orientation", Orientation)
@pytest.mark.parametrize(
    "box", [WHOLE, Box(3, 5, 100, 61), Box(160, 96, 1, 1), Box(10, 0, 28, 40), Box(9, 9, 40, 28)], ids=str
)
def test_a_region_is_cut_out_resized_and_then_turned(box: Box, orientation: Orientation) -> None:
    image = frame(97, 161, 3)
    np.testing.assert_array_equal(seen(image, box, orientation=orientation), expected(image, box, orientation))


LAYOUTS: dict[str, Callable[[Picture], Picture]] = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "a crop of a larger frame": lambda a: np.pad(a, ((3, 4), (5, 6), (0, 0)))[3:-4, 5:-6],
    "three of four channels": lambda a: np.pad(a, ((0, 0), (0, 0), (0, 1)))[..., :3],
    "channels reversed": lambda a: np.ascontiguousarray(a[..., ::-1])[..., ::-1],
    "a crop with its channels reversed": lambda a: np.pad(a[..., ::-1], ((3, 4), (5, 6), (0, 0)))[3:-4, 5:-6, ::-1],
    "upside down": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "mirrored": lambda a: np.ascontiguousarray(a[:, ::-1])[:, ::-1],
    "turned": lambda a: np.rot90(np.ascontiguousarray(np.rot90(a)), -1),
    "planes first": lambda a: np.ascontiguousarray(a.transpose(2, 0, 1)).transpose(1, 2, 0),
    "every second column": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "every second row": lambda a: np.repeat(a, 2, axis=0)[::2],
    "read only": lambda a: np.frombuffer(a.tobytes(), np.uint8).reshape(a.shape),
    "not aligned": lambda a: np.frombuffer(b"x" + a.tobytes(), np.uint8)[1:].reshape(a.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("box", [WHOLE, Box(3, 5, 100, 61), Box(9, 9, 40, 28)], ids=str)
@pytest.mark.parametrize("orientation", [UPRIGHT_ALREADY, Orientation.RIGHT_TOP])
def test_any_memory_layout_gives_the_same_pixels(layout: str, box: Box, orientation: Orientation) -> None:
    image = frame(97, 161, 3)
    laid_out = LAYOUTS[layout](image)
    np.testing.assert_array_equal(laid_out, image)
    np.testing.assert_array_equal(seen(laid_out, box, orientation=orientation), expected(image, box, orientation))


def test_one_repeated_row_is_a_picture_too() -> None:
    row = frame(1, 161, 3)
    image = np.broadcast_to(row, (97, 161, 3))
    np.testing.assert_array_equal(seen(image), expected(np.ascontiguousarray(image)))


def test_the_picture_is_left_as_it_was() -> None:
    image = frame(97, 161, 3)
    before = image.copy()
    seen(image, of=spec("float32", ONE), orientation=Orientation.RIGHT_BOTTOM)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    ("pixels", "channels", "to_rgb"),
    [
        (PixelFormat.BGR, 3, [2, 1, 0]),
        (PixelFormat.RGBA, 4, [0, 1, 2]),
        (PixelFormat.BGRA, 4, [2, 1, 0]),
        (PixelFormat.GRAY, 1, [0, 0, 0]),
    ],
)
@pytest.mark.parametrize("box", [WHOLE, Box(3, 5, 100, 61), Box(9, 9, 40, 28)], ids=str)
@pytest.mark.parametrize("orientation", [UPRIGHT_ALREADY, Orientation.LEFT_BOTTOM])
def test_colours_are_found_where_the_layout_has_them(
    pixels: PixelFormat, channels: int, to_rgb: list[int], box: Box, orientation: Orientation
) -> None:
    image = frame(97, 161, channels)
    want = expected(image[..., to_rgb], box, orientation)
    np.testing.assert_array_equal(seen(image, box, pixels=pixels, orientation=orientation), want)
    reversed_in_memory = np.ascontiguousarray(image[..., ::-1])[..., ::-1]
    np.testing.assert_array_equal(seen(reversed_in_memory, box, pixels=pixels, orientation=orientation), want)


def test_alpha_is_dropped_and_nothing_is_made_darker_by_it() -> None:
    image = frame(97, 161, 4)
    image[..., 3] = 0
    np.testing.assert_array_equal(seen(image, pixels=PixelFormat.RGBA), expected(image[..., :3]))


def test_a_gray_picture_may_have_two_or_three_dimensions() -> None:
    image = frame(97, 161)
    np.testing.assert_array_equal(seen(image, pixels=PixelFormat.GRAY), seen(image[..., None], pixels=PixelFormat.GRAY))


@pytest.mark.parametrize("size", [(40, 28), (161, 97)], ids=str)
@pytest.mark.parametrize("normalization", [ONE, THREE])
def test_float_inputs_are_normalised_in_float32(size: tuple[int, int], normalization: Normalization) -> None:
    image, of = frame(97, 161, 3), spec("float32", normalization, size=size)
    mean, std = np.array(normalization.mean, np.float32), np.array(normalization.std, np.float32)
    want = (np.float32(1) / std) * (expected(image, of=of).astype(np.float32) - mean)
    np.testing.assert_array_equal(seen(image, of=of), want)


def test_uint8_inputs_take_pixels_as_they_are_and_ignore_the_metadata() -> None:
    image = frame(97, 161, 3)
    of = spec("uint8", ONE, Quantization(0.5, 3))
    np.testing.assert_array_equal(seen(image, of=of), expected(image))


def test_int8_inputs_without_normalisation_take_pixels_less_128() -> None:
    image = frame(97, 161, 3)
    np.testing.assert_array_equal(seen(image, of=spec("int8")), expected(image).astype(np.int16) - 128)


def test_int8_inputs_with_normalisation_are_quantised_by_their_scale() -> None:
    values = pixel_values(spec("int8", Normalization((0.0,), (1.0,)), Quantization(2.0, -3)))
    assert values is not None
    # 1 / 2 = 0.5 goes up to 1, and from 260 / 2 - 3 on there is no int8 any more.
    assert values[:6].tolist() == [-3, -2, -2, -1, -1, 0]
    assert values[-1] == 125
    values = pixel_values(spec("int8", Normalization((10.0,), (1.0,)), Quantization(2.0, 0)))
    assert values is not None
    assert values[7:14].tolist() == [-2, -1, -1, 0, 1, 1, 2]  # halves away from zero
    values = pixel_values(spec("int8", Normalization((0.0,), (1.0,)), Quantization(0.5, 0)))
    assert values is not None
    assert values[-1] == 127


def test_a_float_input_without_normalisation_is_refused() -> None:
    with pytest.raises(ModelError, match="it requires specifying NormalizationOptions metadata"):
        Preprocessor(spec("float32"))


def test_an_int8_input_with_normalisation_and_no_scale_is_refused() -> None:
    with pytest.raises(ModelError, match="requires a quantisation scale"):
        Preprocessor(spec("int8", ONE))


@pytest.mark.parametrize(
    "box",
    [
        Box(-1, 0, 10, 10),
        Box(0, -1, 10, 10),
        Box(0, 0, 0, 10),
        Box(0, 0, 10, 0),
        Box(0, 0, -5, 10),
        Box(152, 0, 10, 10),
        Box(0, 88, 10, 10),
        Box(2**40, 0, 1, 1),
        Box(161, 0, 1, 1),
    ],
    ids=str,
)
def test_a_region_that_is_not_inside_the_picture_is_refused(box: Box) -> None:
    with pytest.raises(ValueError, match=r"Invalid crop coordinates\. The picture has 161 x 97 pixels \(got a box of"):
        seen(frame(97, 161, 3), box)


@pytest.mark.parametrize(
    ("pixels", "shape", "dtype", "rule"),
    [
        (PixelFormat.RGB, (97, 161), np.uint8, "RGB pictures are uint8 arrays of shape"),
        (PixelFormat.RGB, (97, 161, 4), np.uint8, "RGB pictures are uint8 arrays of shape"),
        (PixelFormat.RGB, (97, 161, 3), np.int8, "RGB pictures are uint8 arrays of shape"),
        (PixelFormat.RGBA, (97, 161, 3), np.uint8, "RGBA pictures are uint8 arrays of shape"),
        (PixelFormat.GRAY, (97, 161, 3), np.uint8, "gray pictures are uint8 arrays of shape"),
        (PixelFormat.NV12, (97, 160), np.uint8, "NV12 pictures are uint8 arrays of shape"),
        (PixelFormat.I420, (96, 161), np.uint8, "I420 pictures are uint8 arrays of shape"),
        (PixelFormat.YUYV, (97, 161, 2), np.uint8, "the width even"),
    ],
)
def test_a_picture_of_another_layout_is_refused(
    pixels: PixelFormat, shape: tuple[int, ...], dtype: type, rule: str
) -> None:
    with pytest.raises(ValueError, match=rule):
        seen(np.zeros(shape, dtype), Box(0, 0, 1, 1), pixels=pixels)


@pytest.mark.parametrize("shape", [(28, 40, 4), (40, 28, 3), (2, 28, 40, 3), (28, 40)], ids=str)
def test_an_out_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"out must be uint8 of shape \(28, 40, 3\) or \(1, 28, 40, 3\)"):
        Preprocessor(spec())(frame(97, 161, 3), PixelFormat.RGB, WHOLE, UPRIGHT_ALREADY, np.zeros(shape, np.uint8))


def test_an_out_of_another_dtype_is_refused() -> None:
    with pytest.raises(ValueError, match="got float32"):
        Preprocessor(spec())(
            frame(97, 161, 3), PixelFormat.RGB, WHOLE, UPRIGHT_ALREADY, np.zeros((28, 40, 3), np.float32)
        )


@pytest.mark.parametrize("of", [spec(), spec("float32", ONE), spec(size=(161, 97))])
def test_out_may_have_any_memory_layout_too(of: InputSpec) -> None:
    image = frame(97, 161, 3)
    out = np.zeros((of.width, of.height, 3), of.dtype).swapaxes(0, 1)
    Preprocessor(of)(image, PixelFormat.RGB, WHOLE, UPRIGHT_ALREADY, out)
    np.testing.assert_array_equal(out, seen(image, of=of))


def test_one_preprocessor_serves_many_geometries_in_turn() -> None:
    preprocess, out = Preprocessor(spec()), np.zeros((28, 40, 3), np.uint8)
    image = frame(97, 161, 3)
    for width in [*range(1, 100), *range(99, 0, -1)]:
        box = Box(5, 6, width, 70)
        preprocess(image, PixelFormat.RGB, box, UPRIGHT_ALREADY, out)
        np.testing.assert_array_equal(out, expected(image, box))


def test_only_so_many_geometries_are_remembered() -> None:
    preprocess, out = Preprocessor(spec()), np.zeros((28, 40, 3), np.uint8)
    image = frame(97, 161, 3)

    def held() -> int:
        for width in range(1, 162):
            preprocess(image, PixelFormat.RGB, Box(0, 0, width, 97), UPRIGHT_ALREADY, out)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        first = held()
        assert held() < first * 1.1
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("resize", ["exact", "linear"])
@pytest.mark.parametrize(
    "pixels", [PixelFormat.RGB, PixelFormat.BGR, PixelFormat.RGBA, PixelFormat.GRAY, PixelFormat.NV12]
)
@pytest.mark.parametrize("orientation", [UPRIGHT_ALREADY, Orientation.RIGHT_TOP])
@pytest.mark.parametrize("of", [spec(size=(224, 224)), spec("float32", THREE, size=(224, 224))])
def test_once_a_geometry_is_known_no_array_is_made_any_more(
    resize: Resize, pixels: PixelFormat, orientation: Orientation, of: InputSpec
) -> None:
    shapes = {PixelFormat.RGBA: (480, 640, 4), PixelFormat.GRAY: (480, 640), PixelFormat.NV12: (720, 640)}
    image = frame(*shapes.get(pixels, (480, 640, 3)))
    preprocess, out = Preprocessor(of, resize), np.zeros((224, 224, 3), of.dtype)
    boxes = [Box(0, 0, 640, 480), Box(31, 17, 300, 200), Box(30, 16, 100, 90)]

    def run() -> None:
        for box in boxes:
            preprocess(image, pixels, box, orientation, out)

    for _ in range(10):  # NumPy keeps some small blocks of the first calls for the next ones
        run()
    peak, kept = allocated(run)
    assert peak < 4096
    assert kept < 1024


@pytest.mark.parametrize("resize", ["linear", "area"])
def test_opencvs_resizes_keep_the_order_of_crop_and_turn(resize: Resize) -> None:
    image, box = frame(97, 161, 3), Box(3, 5, 100, 61)
    interpolation = cv2.INTER_LINEAR if resize == "linear" else cv2.INTER_AREA
    crop = np.ascontiguousarray(image[5:66, 3:103])
    want = np.rot90(cv2.resize(crop, (28, 40), interpolation=interpolation), -1)
    np.testing.assert_array_equal(seen(image, box, orientation=Orientation.RIGHT_TOP, resize=resize), want)
