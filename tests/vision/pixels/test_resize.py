"""The exact resize against its slow twin, and OpenCV's own ways against OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edged.vision.pixels.resize import Scratch, make_resizer
from edged.vision.pixels.sampling import SamplingMethod, sample
from tests.vision.pixels.exact_pixels import Picture, exact_resize

Size = tuple[int, int]


def noise(width: int, height: int, channels: int, seed: int = 0) -> Picture:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def resized(picture: Picture, target: Size, scratch: Scratch | None = None) -> Picture:
    height, width = picture.shape[:2]
    channels = 1 if picture.ndim == 2 else picture.shape[2]
    out = np.empty((target[1], target[0], *picture.shape[2:]), np.uint8)
    make_resizer("exact", (width, height), target, channels, scratch or Scratch())(picture, out)
    return out


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("source", "target"),
    [
        ((1280, 720), (224, 224)),
        ((640, 480), (224, 224)),
        ((641, 479), (224, 224)),
        ((31, 17), (224, 224)),
        ((100, 300), (224, 224)),
        ((300, 100), (224, 224)),
        ((225, 223), (224, 224)),
        ((1, 1), (7, 5)),
        ((1, 50), (7, 5)),
        ((50, 1), (7, 5)),
        ((2, 2), (1, 1)),
        ((2, 3), (96, 96)),
        ((2000, 3), (5, 4)),
    ],
    ids=str,
)
def test_every_pixel_is_the_librarys(source: Size, target: Size, channels: int) -> None:
    picture = noise(*source, channels)
    np.testing.assert_array_equal(resized(picture, target), exact_resize(picture, *target))


@pytest.mark.parametrize("across", [1, 2, 3, 4, 5, 6, 8])
@pytest.mark.parametrize("down", [1, 2, 3, 4, 5, 6, 8])
@pytest.mark.parametrize("target", [(13, 9), (12, 8), (3, 3), (1, 1)], ids=str)
def test_whole_factors_have_their_own_rules(target: Size, across: int, down: int) -> None:
    picture = noise(target[0] * across, target[1] * down, 3)
    np.testing.assert_array_equal(resized(picture, target), exact_resize(picture, *target))


@pytest.mark.parametrize(
    ("source", "target", "kind", "rows", "columns", "rows_first"),
    [
        ((448, 448), (224, 224), SamplingMethod.BOX, False, False, True),
        ((672, 1120), (224, 224), SamplingMethod.PICK, False, False, True),
        ((1, 400), (224, 224), SamplingMethod.PICK, False, False, True),
        ((224, 672), (224, 224), SamplingMethod.PICK, False, False, True),
        ((224, 500), (224, 224), SamplingMethod.BLEND, True, False, True),
        ((500, 672), (224, 224), SamplingMethod.BLEND, False, True, True),
        ((500, 1), (224, 224), SamplingMethod.BLEND, False, True, True),
        ((500, 400), (224, 224), SamplingMethod.BLEND, True, True, True),
        ((500, 100), (224, 224), SamplingMethod.BLEND, True, True, False),
    ],
    ids=str,
)
def test_the_sizes_decide_what_is_blended(
    source: Size, target: Size, kind: SamplingMethod, rows: bool, columns: bool, rows_first: bool
) -> None:
    sampling = sample(source, target)
    assert sampling.kind is kind
    assert (sampling.row_weights is not None and bool(sampling.row_weights.any())) == rows
    assert (sampling.column_weights is not None) == columns
    assert sampling.rows_first == rows_first


def test_a_white_picture_comes_out_as_253() -> None:
    white = np.full((720, 1280, 3), 255, np.uint8)
    assert np.unique(resized(white, (224, 224))).tolist() == [253]


def test_an_equal_size_is_a_copy() -> None:
    picture = noise(30, 20, 3)
    np.testing.assert_array_equal(resized(picture, (30, 20)), picture)


def test_a_crop_is_read_where_it_lies() -> None:
    frame = noise(300, 200, 3)
    crop = frame[11:170, 23:290]
    np.testing.assert_array_equal(resized(crop, (96, 96)), exact_resize(np.ascontiguousarray(crop), 96, 96))


@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 4),
    st.integers(0, 99),
)
@settings(max_examples=300)
def test_any_size_becomes_any_other(
    width: int, height: int, to_width: int, to_height: int, channels: int, seed: int
) -> None:
    picture = noise(width, height, channels, seed)
    np.testing.assert_array_equal(resized(picture, (to_width, to_height)), exact_resize(picture, to_width, to_height))


def test_pictures_too_wide_for_opencvs_coordinates_are_resized_too() -> None:
    wide, tall = noise(40_000, 5, 3), noise(5, 40_000, 3)
    np.testing.assert_array_equal(resized(wide, (20, 3)), exact_resize(wide, 20, 3))
    np.testing.assert_array_equal(resized(tall, (3, 20)), exact_resize(tall, 3, 20))


def test_resizers_that_share_memory_do_not_disturb_each_other() -> None:
    scratch = Scratch()
    pictures = [noise(200, 100, 3), noise(30, 40, 3), noise(448, 448, 3)]
    resizers = [make_resizer("exact", (p.shape[1], p.shape[0]), (64, 64), 3, scratch) for p in pictures]
    out = np.empty((64, 64, 3), np.uint8)
    for _ in range(2):
        for picture, resizer in zip(pictures, resizers, strict=True):
            resizer(picture, out)
            np.testing.assert_array_equal(out, exact_resize(picture, 64, 64))


@pytest.mark.parametrize("threads", [1, 4])
def test_the_pixels_do_not_depend_on_opencvs_threads(threads: int) -> None:
    before = cv2.getNumThreads()
    cv2.setNumThreads(threads)
    try:
        picture = noise(1280, 720, 3)
        np.testing.assert_array_equal(resized(picture, (224, 224)), exact_resize(picture, 224, 224))
    finally:
        cv2.setNumThreads(before)


def test_linear_and_area_are_opencvs_own() -> None:
    picture, out = noise(300, 200, 3), np.empty((50, 60, 3), np.uint8)
    make_resizer("linear", (300, 200), (60, 50), 3, Scratch())(picture, out)
    np.testing.assert_array_equal(out, cv2.resize(picture, (60, 50), interpolation=cv2.INTER_LINEAR))
    make_resizer("area", (300, 200), (60, 50), 3, Scratch())(picture, out)
    np.testing.assert_array_equal(out, cv2.resize(picture, (60, 50), interpolation=cv2.INTER_AREA))
