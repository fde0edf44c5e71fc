"""Mirrors frames, for cameras whose sensor does not."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edged.values import Format, Mirror, PixelFormat
from edged.vision.pixels.colour import CHANNELS, split_planes

__all__ = ["Flip", "combined", "mirror_of", "mirrors"]

_AXES: dict[Mirror, tuple[bool, bool]] = {
    "none": (False, False),
    "horizontal": (True, False),
    "vertical": (False, True),
    "both": (True, True),
}
_CODES = {(True, False): 1, (False, True): 0, (True, True): -1}  # of cv2.flip


def mirrors(mirror: Mirror) -> tuple[bool, bool]:
    """Whether left and right are swapped, and whether top and bottom are."""
    return _AXES[mirror]


def mirror_of(horizontal: bool, vertical: bool) -> Mirror:
    """Return the name for left and right swapped or not, and top and bottom."""
    return next(name for name, axes in _AXES.items() if axes == (horizontal, vertical))


def combined(first: Mirror, second: Mirror) -> Mirror:
    """Return what one after the other does; also what is still to do for *first* where *second* was done."""
    (across, down), (across_too, down_too) = mirrors(first), mirrors(second)
    return mirror_of(across != across_too, down != down_too)


class Flip:
    """Mirrors frames of one format from one array into another; *mirror* is not ``none``."""

    def __init__(self, frame_format: Format, mirror: Mirror) -> None:
        self._pixels = frame_format.pixels
        self._code = _CODES[mirrors(mirror)]
        self._is_swapped = frame_format.pixels is PixelFormat.YUYV and mirror != "vertical"
        pairs = (frame_format.height, frame_format.width // 2, 4) if self._is_swapped else 0
        self._swapped: NDArray[np.uint8] = np.zeros(pairs, np.uint8)

    def __call__(self, frame: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        """Write *frame*, mirrored, to *out*; both are C-contiguous, of the format's shape, and do not overlap."""
        if self._pixels in CHANNELS:
            cv2.flip(frame, self._code, out)
        elif self._pixels is PixelFormat.YUYV:
            self._flip_pairs(*(each.reshape(each.shape[0], -1, 4) for each in (frame, out)))
        else:
            seen: NDArray[np.uint8] | None = None
            for plane, target in zip(split_planes(frame, self._pixels), split_planes(out, self._pixels), strict=True):
                if plane.picture is not seen:  # U and V may lie in one
                    seen = plane.picture
                    cv2.flip(plane.picture, self._code, target.picture)

    def _flip_pairs(self, pairs: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        """Mirror pairs of pixels: Y, U, Y, V. Both Ys change places where left and right do."""
        if self._is_swapped:
            cv2.cvtColor(pairs, cv2.COLOR_BGRA2RGBA, self._swapped)  # the first and the third of four
            pairs = self._swapped
        cv2.flip(pairs, self._code, out)
