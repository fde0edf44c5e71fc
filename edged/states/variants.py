"""Variants of an example: its picture as another hour or a worse camera would have seen it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edged.vision.pixels.alterations import darkened, in_grey, noisy_jpeg, shifted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["VARIANTS", "variants"]

VARIANTS = 4
"""The number of variants of one picture."""

NOISE_LEVELS = 7.0
JPEG_QUALITY = 40
DARKER_STOPS = 1.9
RIGHT, DOWN = 0.012, -0.01  # shares of the width and the height
SEED = 14


def variants(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], ...]:
    """Return the `VARIANTS` of *picture*, RGB of shape ``(height, width, 3)``, of the same shape and always the same.

    They are: without colour; with noise, as a coarse JPEG; nearly two stops darker; and moved a little.
    """
    height, width = picture.shape[:2]
    return (
        in_grey(picture),
        noisy_jpeg(picture, NOISE_LEVELS, JPEG_QUALITY, SEED),
        darkened(picture, DARKER_STOPS),
        shifted(picture, RIGHT * width, DOWN * height),
    )
