"""Variants of a picture show it as another hour, another sensor and a pushed camera would."""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt
import pytest

from edged.states import RECIPE, VARIANTS, variants
from edged.states.dual import PENALTY
from edged.states.example import LENGTH

Picture = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def picture() -> Picture:
    rows, columns = np.mgrid[0:120, 0:200]
    channels = [rows * 2, columns, (rows + columns) % 64 * 3]
    drawn: Picture = np.stack(channels, axis=-1).astype(np.uint8)
    return drawn


def test_they_are_as_many_and_as_large_as_promised(picture: Picture) -> None:
    made = variants(picture)
    assert len(made) == VARIANTS == 4
    assert {(each.shape, each.dtype.name) for each in made} == {(picture.shape, "uint8")}


def test_they_are_always_the_same_and_leave_the_picture_alone(picture: Picture) -> None:
    before = picture.copy()
    for one, other in zip(variants(picture), variants(picture), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(picture, before)


def test_the_first_is_brighter_and_has_no_colour(picture: Picture) -> None:
    grey = variants(picture)[0]
    assert (grey == grey[..., :1]).all()
    brighter = np.clip(picture * 2 ** (1.2 / 2.2), 0, 255)
    np.testing.assert_allclose(grey[..., 0], brighter @ np.array([0.299, 0.587, 0.114]), atol=1.5)


def test_the_second_has_noise_and_the_same_colours_on_average(picture: Picture) -> None:
    difference = variants(picture)[1].astype(np.float64) - picture
    assert 3 < difference.std() < 16
    assert np.abs(difference.mean(axis=(0, 1))).max() < 2


def test_the_third_is_nearly_two_stops_darker_and_has_moved_to_the_right_and_up() -> None:
    dark = variants(spot())[2]
    assert np.argwhere(dark[..., 0] == dark.max()).tolist() == [[86, 300]]
    assert dark.max() == round(200 * 2 ** (-1.9 / 2.2))


def test_the_fourth_has_moved_to_the_left_and_down() -> None:
    moved = variants(spot())[3]
    assert np.argwhere(moved[..., 0] == 200).tolist() == [[114, 200]]


def spot() -> Picture:
    """One bright pixel, 100 pixels down and 250 to the right."""
    picture = np.zeros((200, 500, 3), np.uint8)
    picture[100, 250] = 200
    return picture


def test_a_tiny_picture_has_variants_too() -> None:
    assert [each.shape for each in variants(np.full((1, 1, 3), 7, np.uint8))] == [(1, 1, 3)] * 4


def test_another_recipe_has_another_number() -> None:
    """What daemons keep is made again only where the number differs: a change here needs the next one."""
    module = sys.modules["edged.states.variants"]
    names = ("NOISE_LEVELS", "JPEG_QUALITY", "BRIGHTER_STOPS", "DARKER_STOPS", "RIGHT", "DOWN", "SEED")
    settings = tuple(getattr(module, name) for name in names)
    assert (RECIPE, settings, PENALTY, LENGTH) == (1, (7.0, 40, 1.2, 1.9, 0.1, -0.07, 14), 0.02, 8.0)
