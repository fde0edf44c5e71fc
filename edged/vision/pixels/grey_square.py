"""A picture as a small grey square, for measures of light and detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["grey_square"]


def grey_square(picture: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """Return *picture*, RGB of shape ``(height, width, 3)``, as grey levels 0…255 of shape ``(side, side)``.

    Each is the mean of the pixels that lie in it, so that noise vanishes.
    """
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
