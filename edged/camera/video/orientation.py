"""The way up of a video's frames, as its display matrix or its metadata gives it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["AS_STORED", "Orientation"]

_MATRIX = struct.Struct("=9i")  # rows (a, b, u), (c, d, v), (x, y, w), where u, v, w do not turn anything


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a stored frame is shown: with its axes exchanged, or not, and then mirrored along x, y, both or neither.

    These are the eight ways to lay down a rectangle. A matrix that turns by another angle counts as the nearest.
    """

    is_transposed: bool = False
    flips_x: bool = False
    flips_y: bool = False

    @classmethod
    def of_matrix(cls, content: bytes | memoryview) -> Self:
        """Return the orientation of a display matrix as FFmpeg has it: (x, y) is shown at (a·x + c·y, b·x + d·y)."""
        try:
            a, b, _, c, d, *_ = _MATRIX.unpack(content)
        except struct.error:
            return cls()
        if max(abs(a), abs(d)) >= max(abs(b), abs(c)):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    @classmethod
    def of_degrees(cls, text: str) -> Self:
        """Return the orientation of the metadata ``rotate``: degrees clockwise, to the nearest quarter of a turn."""
        try:
            quarters = round(float(text) / 90) % 4
        except (ValueError, OverflowError):
            return cls()
        return (cls(), cls(True, True, False), cls(False, True, True), cls(True, False, True))[quarters]

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return width and height as shown, of a stored frame of *width* × *height*; and the other way round."""
        return (height, width) if self.is_transposed else (width, height)

    def write(self, stored: NDArray[np.uint8], slot: NDArray[np.uint8]) -> None:
        """Write *stored*, of shape ``(height, width, 3)``, into *slot* as it is shown."""
        if not self.is_transposed:
            if self.flips_x or self.flips_y:
                cv2.flip(stored, _flip_code(self.flips_x, self.flips_y), dst=slot)
            else:
                np.copyto(slot, stored)
        elif self.flips_x != self.flips_y:
            quarter = cv2.ROTATE_90_CLOCKWISE if self.flips_x else cv2.ROTATE_90_COUNTERCLOCKWISE
            cv2.rotate(stored, quarter, dst=slot)
        else:
            cv2.transpose(stored, dst=slot)
            if self.flips_x:
                cv2.flip(slot, -1, dst=slot)


def _flip_code(flips_x: bool, flips_y: bool) -> int:
    return -1 if flips_x and flips_y else 1 if flips_x else 0


AS_STORED = Orientation()
