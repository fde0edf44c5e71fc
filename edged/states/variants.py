"""Variants of an example: its picture as another hour or a worse camera would have seen it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edged.vision.pixels.alterations import darkened, in_grey, noisy_jpeg, shifted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["RECIPE", "VARIANTS", "variants"]

RECIPE = 1
"""The number of the way from pictures to a head. Whatever is kept of another number is made again."""

VARIANTS = 4
"""The number of variants of one picture."""

NOISE_LEVELS = 7.0
JPEG_QUALITY = 40
BRIGHTER_STOPS, DARKER_STOPS = 1.2, 1.9
RIGHT, DOWN = 0.1, -0.07  # shares of the region's width and height
SEED = 14


def variants(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], ...]:
    """Return the `VARIANTS` of *picture*, RGB of shape ``(height, width, 3)``, of the same shape and always the same.

    They are: brighter and without colour; with noise, as a coarse JPEG; darker and moved to the right and up; and moved
    to the left and down. docs/decision-quality.md has what these do for decisions, and what others did.
    """
    height, width = picture.shape[:2]
    right, down = RIGHT * width, DOWN * height
    return (
        in_grey(darkened(picture, -BRIGHTER_STOPS)),
        noisy_jpeg(picture, NOISE_LEVELS, JPEG_QUALITY, SEED),
        darkened(shifted(picture, right, down), DARKER_STOPS),
        shifted(picture, -right, -down),
    )
