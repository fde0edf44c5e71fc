"""A grid of tenths on a picture, by which a person reads where a region begins and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edged.values import MOST_PIXELS
from edged.vision.pictures.decoding import decode
from edged.vision.pictures.png import to_png

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["draw_grid", "with_grid"]

DARK, LIGHT = (0, 0, 0), (255, 255, 255)  # RGB
LEAST_SIDE = 320  # of a picture that has room for numbers of pixels beside the tenths


def with_grid(png: bytes) -> bytes:
    """Return the picture *png* with a grid, as a PNG: see `draw_grid`.

    Raises:
        PictureError: it is not a picture.
    """
    picture = decode(png, exif=False, max_pixels=MOST_PIXELS)
    draw_grid(picture)
    return to_png(picture)


def draw_grid(picture: NDArray[np.uint8]) -> None:
    """Draw lines at all tenths on *picture*, RGB of shape ``(height, width, 3)``, with their numbers.

    A number is 0.1 to 0.9 and, where there is room, the same in pixels; those of the lines from top to bottom stand at
    the top, those of the others at the left.
    """
    height, width = picture.shape[:2]
    thickness = max(1, round(max(height, width) / 800))
    scale = max(0.3, max(height, width) / 1600)
    has_pixels = min(height, width) >= LEAST_SIDE
    lines = picture.copy()
    for tenth in range(1, 10):
        x, y = round(width * tenth / 10), round(height * tenth / 10)
        for colour, wide in ((DARK, thickness + 2), (LIGHT, thickness)):
            cv2.line(lines, (x, 0), (x, height - 1), colour, wide)
            cv2.line(lines, (0, y), (width - 1, y), colour, wide)
    cv2.addWeighted(lines, 0.6, picture, 0.4, 0.0, picture)
    for tenth in range(1, 10):
        for place, size, is_across in ((width, width, True), (height, height, False)):
            at = round(place * tenth / 10)
            texts = [f"0.{tenth}", *([f"{round(size * tenth / 10)}px"] if has_pixels else [])]
            _write(picture, texts, at, scale, is_across=is_across)


def _write(picture: NDArray[np.uint8], texts: list[str], at: int, scale: float, *, is_across: bool) -> None:
    """Write *texts* below each other, beside the line at *at* and at the edge of the picture."""
    line = round(36 * scale)
    for number, text in enumerate(texts):
        below = line * (number + 1)
        origin = (at + round(6 * scale), below) if is_across else (round(6 * scale), at + below)
        for colour, wide in ((DARK, round(6 * scale) + 2), (LIGHT, max(1, round(2 * scale)))):
            cv2.putText(picture, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, wide, cv2.LINE_AA)
