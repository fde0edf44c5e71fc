"""A tiny picture of a part of a frame, to see whether something has moved there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edged.vision.pixels.colour import CHANNELS, split_planes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from edged.regions import Box
    from edged.values import PixelFormat

__all__ = ["Thumbnails"]

_CELLS = 16  # to a side: what covers 3 % of the picture fills one of them wholly, wherever it is
_FEWEST = 10
_CELL_PIXELS = 8  # of a cell's side at least: fewer would not average the noise away
_CELL_ROWS = 16  # that are looked at in a cell; of more every second, third, … is enough

NOTHING_KEPT = 256.0


class Thumbnails:
    """Compares tiny pictures of the part *box* of frames whose layout is *pixels*. One thread uses it.

    A thumbnail has at most 16 × 16 cells, each the mean of what lies in it, in every channel or plane of the frame. Its
    memory is made with the first one. At 1280 × 720 a thumbnail costs about a third of a millisecond.
    """

    def __init__(self, pixels: PixelFormat, box: Box) -> None:
        self._pixels = pixels
        self._box = box
        self._newest: list[NDArray[np.uint8]] = []
        self._kept: list[NDArray[np.uint8]] = []

    def take(self, frame: NDArray[np.uint8]) -> float:
        """Make the thumbnail of *frame*. Returns how many levels, 0…255, the cell differs that differs most.

        The thumbnail is the one that was kept; 256 if none was.
        """
        for number, part in enumerate(self._parts(frame)):
            if number == len(self._newest):
                self._newest.append(_empty(part))
            newest = self._newest[number]
            step = max(1, len(part) // (len(newest) * _CELL_ROWS))
            cv2.resize(part[::step], newest.shape[1::-1], newest, 0.0, 0.0, cv2.INTER_AREA)
        if not self._kept:
            return NOTHING_KEPT
        return max(cv2.norm(new, old, cv2.NORM_INF) for new, old in zip(self._newest, self._kept, strict=True))

    def keep(self) -> None:
        """Compare the next ones with the one that was taken last."""
        if not self._kept:
            self._kept = [np.empty_like(picture) for picture in self._newest]
        self._newest, self._kept = self._kept, self._newest

    def _parts(self, frame: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
        """The part in the box of the picture, or of the pictures that hold its planes, each once."""
        box = self._box
        if self._pixels in CHANNELS:
            yield frame[box.y : box.y + box.height, box.x : box.x + box.width]
            return
        seen: NDArray[np.uint8] | None = None
        for plane in split_planes(frame, self._pixels):
            if plane.picture is not seen:
                seen = plane.picture
                top, left = box.y // plane.down, box.x // plane.across
                bottom, right = (box.y + box.height - 1) // plane.down, (box.x + box.width - 1) // plane.across
                yield seen[top : bottom + 1, left : right + 1]


def _empty(part: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width, *channels = part.shape
    return np.empty((_cells(height), _cells(width), *channels), np.uint8)


def _cells(side: int) -> int:
    """Return how many cells fit *side* pixels: about 16; if possible so that none is left over, which is faster."""
    most = max(1, min(_CELLS, side // _CELL_PIXELS))
    return next((count for count in range(most, min(most, _FEWEST) - 1, -1) if side % count == 0), most)
