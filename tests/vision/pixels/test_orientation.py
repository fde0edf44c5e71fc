"""Turning stored pictures upright: the table of the EXIF standard, in NumPy's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edged.values import ROTATIONS
from edged.vision.pixels.orientation import Orientation

UPRIGHT: dict[Orientation, Callable[[npt.NDArray[Any]], npt.NDArray[Any]]] = {
    Orientation.TOP_LEFT: lambda a: a,
    Orientation.TOP_RIGHT: lambda a: a[:, ::-1],
    Orientation.BOTTOM_RIGHT: lambda a: a[::-1, ::-1],
    Orientation.BOTTOM_LEFT: lambda a: a[::-1],
    Orientation.LEFT_TOP: lambda a: a.swapaxes(0, 1),
    Orientation.RIGHT_TOP: lambda a: np.rot90(a, -1),
    Orientation.RIGHT_BOTTOM: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    Orientation.LEFT_BOTTOM: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("shape", [(7, 4), (7, 4, 2), (7, 4, 3), (40, 33, 4), (1, 5, 3), (5, 1, 3), (1, 1, 3)], ids=str)
@pytest.mark.parametrize("orientation", Orientation)
def test_each_orientation_is_turned_upright(orientation: Orientation, shape: tuple[int, ...]) -> None:
    stored = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    want = UPRIGHT[orientation](stored)
    upright = np.empty(want.shape, np.uint8)
    orientation.turn(stored, upright)
    np.testing.assert_array_equal(upright, want)
    assert orientation.swaps_sides == (want.shape[:2] == shape[1::-1] and int(orientation) > 4)


def test_a_rotation_is_clockwise() -> None:
    names = [Orientation.from_rotation(degrees).name for degrees in ROTATIONS]
    assert names == ["TOP_LEFT", "RIGHT_TOP", "BOTTOM_RIGHT", "LEFT_BOTTOM"]


def test_a_rotation_that_is_not_a_right_angle_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be 0, 90, 180 or 270 degrees clockwise \(got 45\)"):
        Orientation.from_rotation(45)  # type: ignore[arg-type]  # what is tested
