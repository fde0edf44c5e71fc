"""Transparent pictures, laid on a colour: a model has no input for transparency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edged.values import Colour

__all__ = ["opaque"]

_STRIP = 1 << 18  # pixels that are laid at a time


def opaque(stored: NDArray[np.uint8], background: Colour, *, is_premultiplied: bool = False) -> NDArray[np.uint8]:
    """Return BGR of shape ``(height, width, 3)`` for *stored*: gray, BGR, or BGRA, which is laid on *background*.

    *is_premultiplied*: its colours were multiplied by their opacity when they were stored.
    """
    if stored.ndim == 2:
        return np.asarray(cv2.cvtColor(stored, cv2.COLOR_GRAY2BGR), np.uint8)
    if stored.shape[2] == 3:
        return stored
    laid = np.empty((*stored.shape[:2], 3), np.uint8)
    behind = np.array(background[::-1], np.uint32)
    rows = max(1, _STRIP // stored.shape[1])
    for top in range(0, len(stored), rows):
        part = stored[top : top + rows].astype(np.uint32)
        alpha = part[..., 3:]
        seen = 255 * part[..., :3] if is_premultiplied else part[..., :3] * alpha
        laid[top : top + rows] = np.minimum((seen + behind * (255 - alpha) + 127) // 255, 255)
    return laid
