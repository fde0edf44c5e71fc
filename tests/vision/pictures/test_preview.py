"""Previews of frames in every layout and size."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edged.regions import FULL
from edged.values import Format, PixelFormat
from edged.vision.pictures.preview import to_preview
from edged.vision.pixels.view import RgbView


def decoded(content: bytes) -> NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, np.uint8)


def smooth(frame_format: Format) -> NDArray[np.uint8]:
    """A frame without fine detail, of any colours."""
    planes = {PixelFormat.I420: cv2.COLOR_BGR2YUV_I420, PixelFormat.YV12: cv2.COLOR_BGR2YUV_YV12}
    if frame_format.pixels in planes:  # planes of half the size lie in the rows of one picture
        return np.asarray(
            cv2.cvtColor(smooth(replace(frame_format, pixels=PixelFormat.BGR)), planes[frame_format.pixels])
        )
    shape = frame_format.shape
    rough = np.random.default_rng(5).integers(60, 200, (3, 4, *shape[2:]), np.uint8)
    return np.asarray(cv2.resize(rough, shape[1::-1]), np.uint8).reshape(shape)


@pytest.mark.parametrize("pixels", [each for each in PixelFormat if each is not PixelFormat.YUYV])
def test_a_frame_of_every_layout_looks_like_what_the_model_is_given(pixels: PixelFormat) -> None:
    frame_format = Format(160, 120, pixels)
    frame = smooth(frame_format)
    seen = decoded(to_preview(frame, pixels, 640, 95).content)[..., ::-1].astype(int)
    expected = RgbView(FULL.to_box(160, 120)).of(frame, pixels).astype(int)
    assert abs(seen - expected).mean() < 6


def test_yuyv_is_in_colour() -> None:
    frame = np.zeros((4, 8, 2), np.uint8)
    frame[..., 0], frame[:, 0::2, 1], frame[:, 1::2, 1] = 100, 90, 200  # more of V: red
    blue, _, red = decoded(to_preview(frame, PixelFormat.YUYV, 640, 95).content).reshape(-1, 3).mean(axis=0)
    assert red > blue + 60


@pytest.mark.parametrize(
    ("size", "width", "expected"),
    [
        ((640, 480), 640, (640, 480)),
        ((640, 480), 1920, (640, 480)),
        ((768, 576), 640, (640, 480)),
        ((1281, 721), 320, (320, 180)),
        ((1944, 2592), 64, (64, 85)),
        ((4000, 1), 64, (64, 1)),
        ((4000, 3), 64, (64, 1)),
    ],
)
def test_a_preview_has_the_proportions_of_the_frame(
    size: tuple[int, int], width: int, expected: tuple[int, int]
) -> None:
    frame = np.full((size[1], size[0], 3), 90, np.uint8)
    preview = to_preview(frame, PixelFormat.BGR, width, 75)
    assert (preview.width, preview.height) == expected
    assert decoded(preview.content).shape == (expected[1], expected[0], 3)
    assert abs(decoded(preview.content).astype(int) - 90).max() <= 2


def test_what_is_in_the_corners_stays_there_however_small_it_becomes() -> None:
    frame = np.zeros((1201, 1603, 3), np.uint8)
    frame[:300, :400], frame[-300:, -400:] = 255, 128
    small = decoded(to_preview(frame, PixelFormat.BGR, 200, 95).content).astype(int)
    assert small[:34, :46].mean() > 245
    assert abs(small[-34:, -46:].mean() - 128) < 6
    assert small[-34:, :46].max() < 20


def test_a_frame_is_not_changed_by_its_preview() -> None:
    frame = smooth(Format(160, 120))
    before = frame.copy()
    to_preview(frame, PixelFormat.BGR, 64, 75)
    assert np.array_equal(frame, before)
