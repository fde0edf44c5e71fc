"""Mirrors: the picture is the mirrored one in every layout."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.camera.mirror import Flip, combined, mirror_of, mirrors
from edged.values import Format, Mirror, PixelFormat
from tests.allocated import allocated
from tests.camera.frames import noise, rgb_of

MIRRORS: tuple[Mirror, ...] = get_args(Mirror)


def mirrored(picture: NDArray[np.uint8], mirror: Mirror) -> NDArray[np.uint8]:
    across, down = mirrors(mirror)
    return picture[:: -1 if down else 1, :: -1 if across else 1]


@pytest.mark.parametrize("mirror", MIRRORS[1:])
@pytest.mark.parametrize("pixels", list(PixelFormat))
def test_the_picture_is_the_mirrored_one_in_every_layout(pixels: PixelFormat, mirror: Mirror) -> None:
    frame_format = Format(64, 48, pixels)
    frame = noise(frame_format, 1)
    out = np.zeros_like(frame)
    Flip(frame_format, mirror)(frame, out)
    assert np.array_equal(rgb_of(out, pixels), mirrored(rgb_of(frame, pixels), mirror))


@pytest.mark.parametrize("pixels", [PixelFormat.BGR, PixelFormat.YUYV, PixelFormat.NV12])
def test_mirroring_takes_no_memory(pixels: PixelFormat) -> None:
    frame_format = Format(640, 480, pixels)
    frame = noise(frame_format, 1)
    out, flip = np.zeros_like(frame), Flip(frame_format, "both")
    assert allocated(lambda: flip(frame, out)).peak < 4096


@pytest.mark.parametrize("first", MIRRORS)
@pytest.mark.parametrize("second", MIRRORS)
def test_what_is_still_to_do_completes_what_was_done(first: Mirror, second: Mirror) -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    still = combined(first, second)
    assert np.array_equal(mirrored(mirrored(picture, second), still), mirrored(picture, first))
    assert mirror_of(*mirrors(first)) == first
