"""A region of a camera as it is embedded: its pixels, and the references that it is compared with."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.inference.feed import Feed
from edged.pipeline.inference.region_state import RegionState
from edged.pipeline.inference.skip_unchanged import UnchangedSettings
from edged.pipeline.ring import FrameRing
from edged.references import ReferenceGroup, References
from edged.regions import AnyRegion, Box, PixelRegion, Pixels, Region
from edged.values import Format

LEFT = Region(right=0.5)
SMALL, LARGE = Format(width=120, height=80), Format(width=240, height=80)


def region(
    *, is_cropped: bool = False, skipping: UnchangedSettings | None = None, place: AnyRegion = LEFT
) -> RegionState:
    groups = [
        ReferenceGroup.single("everywhere", [np.ones(4, np.float32)]),
        ReferenceGroup.single("elsewhere", [np.ones(4, np.float32)], ("yard",)),
    ]
    ring, stats = FrameRing(threading.Condition()), CameraStats("street")
    feed = Feed("street", ring, stats, (("left", place),), 0, False, is_cropped, skipping)
    return RegionState(feed, "left", place, References(groups))


@pytest.mark.parametrize(("is_cropped", "width"), [(False, 60), (True, 120)])
def test_its_pixels_are_a_part_of_the_frame_or_all_of_one_that_the_camera_has_cropped(
    is_cropped: bool, width: int
) -> None:
    state = region(is_cropped=is_cropped)
    assert state.box(SMALL) == Box(0, 0, width, 80)
    assert state.box(LARGE) == Box(0, 0, 2 * width, 80)
    assert (state.name, state.roi) == ("left", LEFT)


def test_pixels_of_its_own_are_those_of_each_format() -> None:
    state = region(place=PixelRegion(left=Pixels(30)))
    assert (state.box(SMALL), state.roi) == (Box(30, 0, 90, 80), Region(left=0.25))
    assert (state.box(LARGE), state.roi) == (Box(30, 0, 210, 80), Region(left=0.125))


def test_its_pixels_are_computed_once_for_each_format() -> None:
    state = region()
    box = state.box(SMALL)
    assert state.box(SMALL) is box
    assert state.box(LARGE) is not box


def test_it_is_compared_with_the_references_of_its_place() -> None:
    assert region().compared == 1


def test_unchanged_frames_are_found_only_where_they_are_to_be_skipped() -> None:
    assert region().unchanged_filter is None
    assert region(skipping=UnchangedSettings(8, 0.0)).unchanged_filter is not None
