"""The size that frames need to have for the model and the regions."""

from __future__ import annotations

from edged.camera.frame_needs import FrameNeeds
from edged.regions import AnyRegion, PixelRegion, Pixels, Region


def least(*regions: AnyRegion) -> tuple[int, int] | None:
    return FrameNeeds(regions, (224, 200), is_reduced=False, fps=None).least_frame(is_cropped=False)


def test_a_frame_is_so_large_that_each_region_has_the_pixels_of_the_model() -> None:
    assert least(Region(right=0.5), Region(top=0.75)) == (448, 800)


def test_a_region_in_pixels_needs_a_frame_that_has_these_pixels() -> None:
    part = PixelRegion(left=Pixels(100), right=Pixels(300), bottom=0.5)
    assert least(part) == (300, 400)
    assert least(part, Region(right=0.5)) == (448, 400)
