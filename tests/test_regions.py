"""Regions whose edges are in pixels of the camera's own size."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edged.regions import Box, PixelRegion, Pixels, Region
from edged.values import Format

EDGES = st.one_of(st.floats(0, 1), st.integers(0, 3000).map(Pixels))
SIDES = st.integers(1, 2000)


def test_pixels_are_those_of_the_frame() -> None:
    region = PixelRegion(Pixels(320), Pixels(7), 0.75, Pixels(480))
    assert region.to_box(640, 480) == Box(320, 7, 160, 473)
    assert region.at(640, 480) == Region(0.5, 7 / 480, 0.75, 1.0)
    assert str(region.left) == "320px"


@given(st.integers(0, 1999), st.integers(0, 1999), SIDES, SIDES)
def test_every_pixel_can_be_named_exactly(left: int, top: int, width: int, height: int) -> None:
    region = PixelRegion(Pixels(left), Pixels(top), Pixels(left + 1), Pixels(top + 1))
    if left < width and top < height:
        assert region.misfit(width, height) is None
        assert region.to_box(width, height) == Box(left, top, 1, 1)


def test_where_frames_are_decoded_smaller_pixels_are_those_of_the_camera() -> None:
    reduced = Format(width=480, height=270, captured_size=(1919, 1079))
    region = PixelRegion(Pixels(0), Pixels(0), Pixels(960), Pixels(540))
    assert reduced.region(region).to_box(reduced.width, reduced.height) == Box(0, 0, 240, 135)


@pytest.mark.parametrize(
    ("region", "misfit"),
    [
        (PixelRegion(right=Pixels(641)), ("right", "641px is outside the frame of 640×480 pixels")),
        (PixelRegion(top=Pixels(481)), ("top", "481px is outside the frame of 640×480 pixels")),
        (
            PixelRegion(left=Pixels(640)),
            ("right", "must be more than left in the frame of 640×480 pixels (got 1.0 and"),
        ),
        (PixelRegion(top=Pixels(240), bottom=0.5), ("bottom", "must be more than top")),
    ],
)
def test_what_is_not_in_a_frame_is_known_with_the_reason(region: PixelRegion, misfit: tuple[str, str]) -> None:
    found = region.misfit(640, 480)
    assert found is not None
    assert found[0] == misfit[0]
    assert found[1].startswith(misfit[1])


@pytest.mark.parametrize(
    "edges",
    [
        (1.5, 0.0, Pixels(9), 1.0),
        (float("nan"), 0.0, Pixels(9), 1.0),
        (Pixels(9), 0.0, Pixels(9), 1.0),
        (0.0, 1.0, Pixels(9), 1.0),
    ],
)
def test_what_is_in_no_frame_cannot_be_built(edges: tuple[float | Pixels, ...]) -> None:
    with pytest.raises(ValueError, match="must be"):
        PixelRegion(*edges)


@given(EDGES, EDGES, EDGES, EDGES, SIDES, SIDES)
def test_there_is_always_a_region_in_the_frame(
    left: float | Pixels, top: float | Pixels, right: float | Pixels, bottom: float | Pixels, width: int, height: int
) -> None:
    assume(type(left) is not type(right) or left < right)  # type: ignore[operator]  # of one type
    assume(type(top) is not type(bottom) or top < bottom)  # type: ignore[operator]  # likewise
    box = PixelRegion(left, top, right, bottom).to_box(width, height)
    assert box.width >= 1
    assert box.height >= 1
    assert 0 <= box.x <= width - box.width
    assert 0 <= box.y <= height - box.height
