"""Fitting: proportions are kept where that is asked for, and stretching is what it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.regions import Box
from edged.values import PixelFormat
from edged.vision.pixels.fit import BAR, Fit, place
from edged.vision.pixels.orientation import Orientation
from edged.vision.pixels.pixel_values import pixel_values
from edged.vision.pixels.preprocess import Preprocessor, Resize
from edged.vision.specs import InputSpec, Normalization, Quantization
from tests.allocated import allocated
from tests.vision.pixels.exact_pixels import Picture
from tests.vision.pixels.test_preprocess import expected, frame, spec

UPRIGHT = Orientation.TOP_LEFT
BOX = Box(10, 6, 120, 45)  # wider than the input of 40 × 28
HIGH = Box(10, 6, 30, 80)

INPUTS = [
    spec(),
    spec("float32", Normalization((127.5,), (127.5,))),
    spec("float32", Normalization((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))),
    spec("int8", Normalization((127.5,), (127.5,)), Quantization(1 / 128, -1)),
    spec("int8"),
]


def seen(
    image: Picture,
    box: Box,
    fit: Fit,
    *,
    of: InputSpec,
    orientation: Orientation = UPRIGHT,
    pixels: PixelFormat = PixelFormat.RGB,
    resize: Resize = "exact",
) -> npt.NDArray[Any]:
    out = np.full((1, of.height, of.width, 3), 99, of.dtype)
    Preprocessor(of, resize, fit)(image, pixels, box, orientation, out)
    result: npt.NDArray[Any] = out[0]
    return result


@given(
    st.tuples(st.integers(1, 500), st.integers(1, 500)),
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.sampled_from(list(Orientation)),
)
def test_proportions_are_kept_to_the_pixel(
    shape: tuple[int, int], size: tuple[int, int], orientation: Orientation
) -> None:
    box = Box(7, 9, *shape)
    upright = shape[::-1] if orientation.swaps_sides else shape
    inner = place("letterbox", box, size, orientation)
    assert inner.box == box
    assert (inner.width, inner.height)[int(upright[0] * size[1] < upright[1] * size[0])] == size[
        int(upright[0] * size[1] < upright[1] * size[0])
    ], "one side is filled"
    scale = min(size[0] / upright[0], size[1] / upright[1])
    assert abs(inner.width - upright[0] * scale) <= max(0.5, 1 - upright[0] * scale) + 1e-9
    assert abs(inner.height - upright[1] * scale) <= max(0.5, 1 - upright[1] * scale) + 1e-9
    assert abs(2 * inner.left + inner.width - size[0]) <= 1
    assert abs(2 * inner.top + inner.height - size[1]) <= 1
    part = place("crop", box, size, orientation)
    assert part[1:] == (0, 0, *size)
    stored = size[::-1] if orientation.swaps_sides else size
    scale = min(shape[0] / stored[0], shape[1] / stored[1])
    assert abs(part.box.width - stored[0] * scale) <= max(0.5, 1 - stored[0] * scale) + 1e-9
    assert abs(part.box.height - stored[1] * scale) <= max(0.5, 1 - stored[1] * scale) + 1e-9
    assert abs(2 * (part.box.x - 7) + part.box.width - shape[0]) <= 1
    assert abs(2 * (part.box.y - 9) + part.box.height - shape[1]) <= 1
    assert place("stretch", box, size, orientation) == (box, 0, 0, *size)


@pytest.mark.parametrize("orientation", Orientation)
@pytest.mark.parametrize("box", [BOX, HIGH], ids=["wide", "high"])
def test_a_crop_is_the_middle_of_the_box(box: Box, orientation: Orientation) -> None:
    image = frame(97, 161, 3)
    part = place("crop", box, (40, 28), orientation).box
    assert part != box
    found = seen(image, box, "crop", of=spec(), orientation=orientation)
    np.testing.assert_array_equal(found, expected(image, part, orientation))


@pytest.mark.parametrize("of", INPUTS, ids=lambda of: f"{of.dtype} {of.normalization and len(of.normalization.mean)}")
@pytest.mark.parametrize("orientation", Orientation)
@pytest.mark.parametrize("box", [BOX, HIGH], ids=["wide", "high"])
def test_a_letterbox_is_the_whole_box_between_grey_bars(box: Box, orientation: Orientation, of: InputSpec) -> None:
    image = frame(97, 161, 3)
    found = seen(image, box, "letterbox", of=of, orientation=orientation)
    _, left, top, width, height = place("letterbox", box, (40, 28), orientation)
    inner = replace(spec(), width=width, height=height)
    picture = np.full((28, 40, 3), BAR, np.uint8)
    picture[top : top + height, left : left + width] = expected(image, box, orientation, inner)
    values = pixel_values(of)
    if values is not None:
        table = values if values.ndim == 1 else values[0]
        picture = (
            table[picture] if table.ndim == 1 else np.stack([table[picture[..., c], c] for c in range(3)], axis=-1)
        )
    np.testing.assert_array_equal(found, picture)


@pytest.mark.parametrize("pixels", [PixelFormat.NV12, PixelFormat.I420, PixelFormat.YUYV])
@pytest.mark.parametrize("fit", ["letterbox", "crop"])
def test_planes_are_fitted_as_packed_pictures_are(fit: Fit, pixels: PixelFormat) -> None:
    shape = (96, 160, 2) if pixels is PixelFormat.YUYV else (144, 160)
    image = frame(*shape)
    placement = place(fit, BOX, (40, 28), UPRIGHT)
    inner = replace(spec(), width=placement.width, height=placement.height)
    picture = np.full((28, 40, 3), BAR, np.uint8)
    stretched = seen(image, placement.box, "stretch", of=inner, pixels=pixels)
    rows, columns = slice(placement.top, None), slice(placement.left, None)
    picture[rows, columns][: placement.height, : placement.width] = stretched
    np.testing.assert_array_equal(seen(image, BOX, fit, of=spec(), pixels=pixels), picture)


@pytest.mark.parametrize("fit", ["letterbox", "crop"])
def test_a_box_of_the_inputs_proportions_is_neither_cut_nor_framed(fit: Fit) -> None:
    image = frame(97, 161, 3)
    box = Box(3, 5, 80, 56)
    np.testing.assert_array_equal(seen(image, box, fit, of=spec()), expected(image, box))


def test_no_letterbox_keeps_pixels_of_another() -> None:
    """The bars are written each time, because a model may compute in the memory of its input."""
    preprocess = Preprocessor(spec(), "exact", "letterbox")
    image = frame(97, 161, 3)
    out = np.zeros((1, 28, 40, 3), np.uint8)
    preprocess(image, PixelFormat.RGB, BOX, UPRIGHT, out)
    first = out.copy()
    preprocess(image, PixelFormat.RGB, HIGH, UPRIGHT, out)
    out[...] = 0
    preprocess(image, PixelFormat.RGB, BOX, UPRIGHT, out)
    np.testing.assert_array_equal(out, first)


@pytest.mark.parametrize("fit", ["letterbox", "crop"])
def test_a_geometry_that_was_seen_takes_no_memory(fit: Fit) -> None:
    preprocess = Preprocessor(spec(), "exact", fit)
    image, out = frame(480, 640, 3), np.zeros((1, 28, 40, 3), np.uint8)
    box = Box(0, 0, 630, 470)
    preprocess(image, PixelFormat.BGR, box, UPRIGHT, out)
    assert allocated(lambda: preprocess(image, PixelFormat.BGR, box, UPRIGHT, out)).peak < 4096
