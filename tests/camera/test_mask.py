"""Masks: every pixel that a polygon touches is grey, in every layout, and no other."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edged.camera.mask import GREY, Mask
from edged.regions import Polygon
from edged.values import Format, PixelFormat
from tests.allocated import allocated
from tests.camera.frames import noise, rgb_of

FORMATS = list(PixelFormat)
TRIANGLE: Polygon = ((0.1, 0.2), (0.83, 0.31), (0.4, 0.97))
LEFT_HALF: Polygon = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
PENTAGRAM: Polygon = tuple((0.5 + 0.4 * np.sin(i * 0.8 * np.pi), 0.5 - 0.4 * np.cos(i * 0.8 * np.pi)) for i in range(5))


def masked(
    polygons: list[Polygon], width: int, height: int, pixels: PixelFormat = PixelFormat.GRAY
) -> NDArray[np.bool_]:
    """The pixels of a frame of zeros that are not zero any more, as a picture."""
    frame_format = Format(width, height, pixels)
    frame = np.zeros(frame_format.shape, np.uint8)
    Mask(polygons, frame_format)(frame)
    return np.asarray(frame != 0)


def touched(polygon: Polygon, width: int, height: int, steps: int = 16) -> NDArray[np.bool_]:
    """The pixels of which a point of a fine grid lies in *polygon*: all of them are touched, a few more may be."""
    outline = (np.array(polygon) * [width, height]).astype(np.float32)[:, None]
    found = np.zeros((height, width), bool)
    for row, column in np.ndindex(height * steps, width * steps):
        point = (column + 0.5) / steps, (row + 0.5) / steps
        if cv2.pointPolygonTest(outline, point, False) > 0:
            found[row // steps, column // steps] = True
    return found


def on_edges(polygon: Polygon, width: int, height: int) -> NDArray[np.bool_]:
    """The pixels that an edge of *polygon* goes through: a needle has no point of the grid in it."""
    found = np.zeros((height, width), bool)
    for (left, top), (right, bottom) in pairwise((*polygon, polygon[0])):
        columns = np.linspace(left, right, 1000) * width
        rows = np.linspace(top, bottom, 1000) * height
        found[np.minimum(rows.astype(int), height - 1), np.minimum(columns.astype(int), width - 1)] = True
    return found


def with_neighbours(pixels: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(cv2.dilate(pixels.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)


@pytest.mark.parametrize("pixels", FORMATS)
def test_the_masked_part_is_grey_and_all_else_is_as_it_was(pixels: PixelFormat) -> None:
    frame_format = Format(64, 48, pixels)
    frame = noise(frame_format, 1)
    before = rgb_of(frame, pixels)
    Mask([LEFT_HALF], frame_format)(frame)
    after = rgb_of(frame, pixels)
    assert np.array_equal(after[:, 32:], before[:, 32:])
    assert len(np.unique(after[:, :32].reshape(-1, 3), axis=0)) == 1
    assert np.abs(after[0, 0].astype(int) - GREY).max() <= 3


@pytest.mark.parametrize("pixels", FORMATS)
def test_nothing_of_the_masked_part_is_left_in_any_layout(pixels: PixelFormat) -> None:
    frame_format = Format(64, 48, pixels)
    shown = masked([TRIANGLE], 64, 48)
    same, other = noise(frame_format, 1), noise(frame_format, 2)
    mask = Mask([TRIANGLE], frame_format)
    whole = [each.copy() for each in (same, other)]
    for each in (same, other):
        mask(each)
    one, two = (rgb_of(each, pixels) for each in (same, other))
    assert np.array_equal(one[shown], two[shown]), "the masked part does not depend on what was there"
    assert not np.array_equal(one[~shown], two[~shown])
    assert [np.array_equal(before, after) for before, after in zip(whole, (same, other), strict=True)] == [False, False]


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=3, unique=True),
    st.sampled_from([(7, 5), (12, 9)]),
)
@example([(0.0, 0.0), (0.75, 0.265625), (0.484375, 0.171875)], (7, 5))
@settings(max_examples=60, deadline=None)
def test_every_pixel_that_a_polygon_touches_is_masked_and_hardly_another(
    corners: list[tuple[float, float]], size: tuple[int, int]
) -> None:
    polygon = tuple(corners)
    found, least = masked([polygon], *size), touched(polygon, *size)
    assert not (least & ~found).any(), "a pixel that the polygon touches is shown"
    near = with_neighbours(least | on_edges(polygon, *size))
    assert not (found & ~near).any(), "a pixel far from the polygon is masked"


def test_edges_between_pixels_mask_no_pixel_more() -> None:
    # 0.7 of 480 and 0.29 of 100 are a little less than whole numbers in floats, and 0.57 of 100 a little less, too.
    mask = masked([((0.29, 0.7), (0.57, 0.7), (0.57, 1.0), (0.29, 1.0))], 100, 480)
    assert mask[336:, 29:57].all()
    assert mask.sum() == (480 - 336) * (57 - 29)


def test_what_a_polygon_goes_round_twice_is_masked() -> None:
    assert masked([PENTAGRAM], 60, 60)[30, 30]


def test_several_polygons_mask_what_any_of_them_touches() -> None:
    both = masked([TRIANGLE, LEFT_HALF], 60, 40)
    assert np.array_equal(both, masked([TRIANGLE], 60, 40) | masked([LEFT_HALF], 60, 40))


def test_a_polygon_thinner_than_a_pixel_masks_what_it_touches() -> None:
    mask = masked([((0.0, 0.501), (1.0, 0.5011), (1.0, 0.502))], 30, 100)
    assert mask[50].all()
    assert mask.sum() == 30


def test_the_memory_that_a_mask_takes_is_bounded_and_a_frame_takes_none() -> None:
    frame_format = Format(1920, 1080)
    polygons = [TRIANGLE, LEFT_HALF, PENTAGRAM]
    mask, frame = Mask(polygons, frame_format), noise(frame_format, 1)
    assert allocated(lambda: Mask(polygons, frame_format)).peak < 8 << 20
    assert allocated(lambda: mask(frame)).peak < 4096
