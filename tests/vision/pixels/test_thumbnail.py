"""Tiny pictures: what noise does to them, and what moves."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edged.regions import Box
from edged.values import Format, PixelFormat
from edged.vision.pixels.thumbnail import NOTHING_KEPT, Thumbnails
from tests.allocated import allocated

BOX = Box(38, 184, 285, 139)
LEVELS = 6  # the default of changed_levels


@cache
def scene(seed: int, noise: float) -> NDArray[np.uint8]:
    """A soft gradient as a sensor with that noise, in levels, sees it: 768 × 576."""
    picture = np.linspace(60, 180, 768)[None, :, None] + np.linspace(-20, 20, 576)[:, None, None]
    noise_of_it = noise * np.random.default_rng(seed).standard_normal((576, 768, 3), np.float32)
    return np.asarray((picture + noise_of_it).clip(0, 255).round(), np.uint8)


def difference(box: Box, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    thumbnails = Thumbnails(PixelFormat.BGR, box)
    assert thumbnails.take(before) == NOTHING_KEPT
    thumbnails.keep()
    return thumbnails.take(after)


@pytest.mark.parametrize("box", [BOX, Box(0, 0, 768, 576), Box(100, 100, 128, 128)])
def test_the_noise_of_a_sensor_is_not_a_change(box: Box) -> None:
    assert max(difference(box, scene(0, 5), scene(seed, 5)) for seed in range(1, 6)) < LEVELS


@pytest.mark.parametrize(("left", "top"), [(0.0, 0.0), (0.31, 0.47), (0.826, 0.826)])
@pytest.mark.parametrize("box", [BOX, Box(0, 0, 768, 576), Box(3, 5, 64, 48), Box(0, 0, 40, 300)])
def test_what_covers_3_percent_is_a_change_wherever_it_is(box: Box, left: float, top: float) -> None:
    before, after = scene(0, 3), scene(1, 3).copy()
    side = 0.03**0.5
    x, y = box.x + round(left * box.width), box.y + round(top * box.height)
    part = after[y : y + round(side * box.height), x : x + round(side * box.width)]
    part += 30
    assert difference(box, before, after) >= 2 * LEVELS


def test_another_colour_of_the_same_brightness_is_a_change() -> None:
    before = np.full((100, 100, 3), 128, np.uint8)
    after = before.copy()
    after[40:60, 40:60] = (20, 160, 100)
    grey = cv2.cvtColor(after, cv2.COLOR_BGR2GRAY)
    assert abs(int(grey[50, 50]) - 128) <= 2
    assert difference(Box(0, 0, 100, 100), before, after) > 50


def test_a_change_outside_of_the_box_does_not_count() -> None:
    before = scene(0, 0)
    after = before.copy()
    after[:, BOX.x + BOX.width :] = 255
    after[: BOX.y] = 255
    assert difference(BOX, before, after) == 0


@pytest.mark.parametrize("pixels", list(PixelFormat))
@pytest.mark.parametrize("box", [Box(0, 0, 64, 48), Box(7, 5, 33, 21), Box(63, 47, 1, 1)])
def test_every_layout_shows_what_moves(pixels: PixelFormat, box: Box) -> None:
    frame = np.random.default_rng(3).integers(0, 200, Format(64, 48, pixels).shape, np.uint8)
    thumbnails = Thumbnails(pixels, box)
    thumbnails.take(frame)
    thumbnails.keep()
    assert thumbnails.take(frame) == 0
    assert thumbnails.take(frame + np.uint8(50)) >= 45
    assert thumbnails.take(frame) == 0


@pytest.mark.parametrize("pixels", [PixelFormat.NV12, PixelFormat.I420, PixelFormat.YUYV])
def test_a_plane_of_colour_counts_as_well(pixels: PixelFormat) -> None:
    frame = np.full(Format(64, 48, pixels).shape, 128, np.uint8)
    thumbnails = Thumbnails(pixels, Box(0, 0, 64, 48))
    thumbnails.take(frame)
    thumbnails.keep()
    if pixels is PixelFormat.YUYV:
        frame[..., 1] = 90
    else:
        frame[48:] = 90
    assert thumbnails.take(frame) == 38


def test_nothing_is_made_for_a_frame() -> None:
    frame, thumbnails = scene(0, 3), Thumbnails(PixelFormat.BGR, BOX)

    def look() -> None:
        thumbnails.take(frame)
        thumbnails.keep()

    look()
    look()
    assert allocated(look).peak < 2000
