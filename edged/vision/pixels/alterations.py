"""One picture as it would be in other light, from a worse sensor, or from a camera that was pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["darkened", "in_grey", "noisy_jpeg", "shifted"]

STRIP_ROWS = 64  # that get their noise at a time: a large picture takes no multiple of its memory
DISPLAY_GAMMA = 2.2


def in_grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return *picture*, RGB of shape ``(height, width, 3)``, without its colours: a new RGB picture."""
    return _uint8(cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB))


def darkened(picture: NDArray[np.uint8], stops: float) -> NDArray[np.uint8]:
    """Return *picture*, RGB, as it is with *stops* less of exposure."""
    table = np.arange(256) * 2 ** (-stops / DISPLAY_GAMMA)
    return _uint8(cv2.LUT(picture, np.clip(np.rint(table), 0, 255).astype(np.uint8)))


def noisy_jpeg(picture: NDArray[np.uint8], sigma: float, quality: int, seed: int) -> NDArray[np.uint8]:
    """Return *picture*, RGB, with noise of *sigma* levels as a JPEG of *quality*, 0…100: one *seed*, one picture."""
    random = np.random.default_rng(seed)
    noisy = np.empty_like(picture)
    for top in range(0, len(picture), STRIP_ROWS):
        strip = picture[top : top + STRIP_ROWS]
        noise = random.standard_normal(strip.shape, np.float32)
        noisy[top : top + STRIP_ROWS] = np.clip(noise * np.float32(sigma) + strip, 0, 255)
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(noisy, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return _uint8(cv2.cvtColor(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB))


def shifted(picture: NDArray[np.uint8], right: float, down: float) -> NDArray[np.uint8]:
    """Return *picture*, RGB, moved by so many pixels; what comes in at the borders is the picture reflected."""
    height, width = picture.shape[:2]
    move = np.array([[1, 0, right], [0, 1, down]], np.float64)
    return _uint8(cv2.warpAffine(picture, move, (width, height), borderMode=cv2.BORDER_REFLECT_101))


def _uint8(picture: cv2.typing.MatLike) -> NDArray[np.uint8]:
    return picture.astype(np.uint8, copy=False)
