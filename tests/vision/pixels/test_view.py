"""Pictures of frames for people: pixel for pixel, in every layout that cameras have."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edged.regions import Box, Region
from edged.values import Format, PixelFormat
from edged.vision.pixels.view import RgbView, frame_pictures
from edged.vision.specs import InputSpec

SCENE = np.asarray(
    cv2.GaussianBlur(np.random.default_rng(4).integers(0, 256, (60, 80, 3), np.uint8), (0, 0), 6), np.uint8
)

TO_RGB = {
    PixelFormat.NV12: cv2.COLOR_YUV2RGB_NV12,
    PixelFormat.NV21: cv2.COLOR_YUV2RGB_NV21,
    PixelFormat.I420: cv2.COLOR_YUV2RGB_I420,
    PixelFormat.YV12: cv2.COLOR_YUV2RGB_YV12,
    PixelFormat.YUYV: cv2.COLOR_YUV2RGB_YUYV,
    PixelFormat.BGR: cv2.COLOR_BGR2RGB,
    PixelFormat.RGBA: cv2.COLOR_RGBA2RGB,
    PixelFormat.BGRA: cv2.COLOR_BGRA2RGB,
    PixelFormat.GRAY: cv2.COLOR_GRAY2RGB,
}


def frame_of(pixels: PixelFormat) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Some frame of that layout, 80 × 60 pixels, in which neighbours are alike."""
    if pixels in (PixelFormat.I420, PixelFormat.YV12):  # two rows of a plane of colour are one row of the array
        code = cv2.COLOR_RGB2YUV_I420 if pixels is PixelFormat.I420 else cv2.COLOR_RGB2YUV_YV12
        return np.asarray(cv2.cvtColor(SCENE, code), np.uint8)
    shape = Format(80, 60, pixels).shape
    noise = np.random.default_rng(5).integers(0, 256, shape, np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 8), np.uint8).reshape(shape)


@pytest.mark.parametrize("pixels", TO_RGB)
@pytest.mark.parametrize("box", [Box(0, 0, 80, 60), Box(8, 4, 40, 30), Box(7, 5, 33, 21), Box(79, 59, 1, 1)])
def test_a_part_of_a_frame_of_any_layout_is_cut_out_and_nothing_else(pixels: PixelFormat, box: Box) -> None:
    frame = frame_of(pixels)
    seen = RgbView(box).of(frame, pixels).astype(int)
    whole = np.asarray(cv2.cvtColor(frame, TO_RGB[pixels])).astype(int)
    expected = whole[box.y : box.y + box.height, box.x : box.x + box.width]
    assert seen.shape == expected.shape
    packed = pixels in (PixelFormat.BGR, PixelFormat.RGBA, PixelFormat.BGRA, PixelFormat.GRAY)
    # Planes of colour have half the pixels, and there is more than one way to fill in the others.
    assert np.abs(seen - expected).max() <= (0 if packed else 12)
    assert np.abs(seen - expected).mean() <= (0 if packed else 3)


def test_the_frame_comes_first_and_then_what_the_model_is_given_of_each_region() -> None:
    spec = InputSpec(name="input", index=0, height=24, width=32, dtype="uint8")
    regions = {"left": Region(right=0.5), "all": Region()}
    before = SCENE.copy()
    pictures = frame_pictures("door", SCENE, Format(80, 60), regions, 90, spec, "exact")
    assert {name: picture.shape for name, picture in pictures.items()} == {
        "door": (60, 80, 3),
        "door.left": (24, 32, 3),
        "door.all": (24, 32, 3),
    }
    assert np.array_equal(SCENE, before), "the regions are drawn on a copy"
    assert not np.array_equal(pictures["door"], SCENE[..., ::-1])


def test_pictures_of_cameras_whose_names_are_alike_have_names_of_their_own() -> None:
    spec = InputSpec(name="input", index=0, height=24, width=32, dtype="uint8")
    door = frame_pictures("door", SCENE, Format(80, 60), {"left": Region(), "left-low": Region()}, 0, spec, "exact")
    left = frame_pictures("door-left", SCENE, Format(80, 60), {"low": Region()}, 0, spec, "exact")
    assert len({*door, *left}) == len(door) + len(left) == 5
