"""Variants of a picture show it as another hour, another sensor and a pushed camera would."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from edged.states import VARIANTS, variants

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


def test_the_first_has_no_colour(picture: Picture) -> None:
    grey = variants(picture)[0]
    assert (grey == grey[..., :1]).all()
    expected = picture @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(grey[..., 0], expected, atol=1)


def test_the_second_has_noise_and_the_same_colours_on_average(picture: Picture) -> None:
    difference = variants(picture)[1].astype(np.float64) - picture
    assert 3 < difference.std() < 16
    assert np.abs(difference.mean(axis=(0, 1))).max() < 2


def test_the_third_is_nearly_two_stops_darker(picture: Picture) -> None:
    np.testing.assert_allclose(variants(picture)[2], picture * 2 ** (-1.9 / 2.2), atol=0.51)


def test_the_fourth_has_moved_to_the_right_and_up() -> None:
    spot = np.zeros((200, 500, 3), np.uint8)
    spot[100, 250] = 200
    moved = variants(spot)[3]
    assert np.argwhere(moved[..., 0] == moved.max()).tolist() == [[98, 256]]


def test_a_tiny_picture_has_variants_too() -> None:
    assert [each.shape for each in variants(np.full((1, 1, 3), 7, np.uint8))] == [(1, 1, 3)] * 4
