"""How much a Raspberry Pi camera shows, and in how many pixels."""

from __future__ import annotations

from typing import Any

import pytest

from edged.camera.pi.view import FrameSize, crop_rectangle, full_view, sensor_mode
from edged.errors import SourceError
from edged.regions import Region

# As picamera2 tells them of the camera module 2, whose small mode sees the middle of the scene only.
IMX219: list[dict[str, Any]] = [
    {"size": (640, 480), "bit_depth": 10, "fps": 206.65, "crop_limits": (1000, 752, 1280, 960)},
    {"size": (1640, 1232), "bit_depth": 10, "fps": 41.85, "crop_limits": (0, 0, 3280, 2464)},
    {"size": (1920, 1080), "bit_depth": 10, "fps": 47.57, "crop_limits": (680, 692, 1920, 1080)},
    {"size": (3280, 2464), "bit_depth": 10, "fps": 21.19, "crop_limits": (0, 0, 3280, 2464)},
    {"size": (1640, 1232), "bit_depth": 8, "fps": 41.85, "crop_limits": (0, 0, 3280, 2464)},
]
LIMITS = ((0, 0, 64, 64), (0, 0, 3280, 2464), (0, 0, 3280, 2464))


def test_only_modes_count_that_show_the_whole_scene() -> None:
    assert [mode["size"] for mode in full_view(IMX219)] == [(1640, 1232), (1640, 1232), (3280, 2464)]
    assert full_view([{"format": "NV12"}]) == []
    assert full_view([]) == []


@pytest.mark.parametrize(
    ("size", "fps", "mode"),
    [
        ((224, 224), None, (1640, 1232)),
        ((1640, 1232), 41, (1640, 1232)),
        ((1642, 1000), 15, (3280, 2464)),
        ((1642, 1000), 30, (1640, 1232)),  # the rate counts more than the pixels
        ((5000, 5000), None, (3280, 2464)),
        ((224, 224), 200, (1640, 1232)),
    ],
)
def test_the_smallest_mode_that_is_enough_is_taken(size: tuple[int, int], fps: float | None, mode: Any) -> None:
    assert sensor_mode(full_view(IMX219), size, fps)["size"] == mode


@pytest.mark.parametrize(
    ("wanted", "pixels"),
    [
        (FrameSize(), (640, 480)),
        (FrameSize(640, 360), (640, 360)),
        (FrameSize(width=301), (302, 226)),
        (FrameSize(height=300), (400, 300)),
        (FrameSize(at_least=(224, 224)), (300, 224)),
        (FrameSize(at_least=(500, 100)), (500, 376)),
        (FrameSize(at_least=(1, 1)), (86, 64)),
        (FrameSize(at_least=(9000, 9000)), (1640, 1230)),
    ],
)
def test_frames_have_the_shape_of_the_scene_where_nothing_else_is_asked_for(
    wanted: FrameSize, pixels: tuple[int, int]
) -> None:
    assert wanted.pixels(4 / 3, 1640) == pixels


@pytest.mark.parametrize("sides", [(63, 480), (640, 0), (-1, None), (None, 10)])
def test_frames_that_are_too_small_are_refused(sides: tuple[int | None, int | None]) -> None:
    with pytest.raises(ValueError, match="at least 64 pixels"):
        FrameSize(*sides)


def test_a_crop_is_a_part_of_all_that_the_sensor_sees() -> None:
    assert crop_rectangle(Region(), LIMITS) == (0, 0, 3280, 2464)
    assert crop_rectangle(Region(0.5, 0.25, 0.75, 1.0), LIMITS) == (1640, 616, 820, 1848)
    shifted = ((0, 0, 64, 64), (16, 24, 3280, 2464), (0, 0, 1, 1))
    assert crop_rectangle(Region(0.5, 0.25, 0.75, 1.0), shifted) == (1656, 640, 820, 1848)


def test_a_crop_that_the_hardware_cannot_enlarge_is_refused() -> None:
    with pytest.raises(SourceError, match=r"has 33×2464 pixels of the sensor; it must have at least 64×64"):
        crop_rectangle(Region(0.5, 0.0, 0.51, 1.0), LIMITS)
