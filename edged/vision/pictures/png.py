"""Encode pictures as PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["to_png"]


def to_png(picture: NDArray[np.uint8]) -> bytes:
    """Return *picture*, RGB of shape ``(height, width, 3)``, as a PNG, which loses nothing."""
    return cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()
