"""The eight ways a picture can be stored, and how each is turned upright."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edged.values import ROTATIONS

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from edged.values import Rotation

__all__ = ["Orientation"]


class Orientation(IntEnum):
    """The order of the stored rows and columns, with the numbers of the EXIF tag 0x0112.

    The name is the corner of the upright scene the first stored row and column begin in: with ``RIGHT_TOP`` (6) the
    stored picture has to be turned by 90 degrees clockwise.
    """

    TOP_LEFT = 1
    TOP_RIGHT = 2
    BOTTOM_RIGHT = 3
    BOTTOM_LEFT = 4
    LEFT_TOP = 5
    RIGHT_TOP = 6
    RIGHT_BOTTOM = 7
    LEFT_BOTTOM = 8

    @classmethod
    def from_rotation(cls, degrees: Rotation) -> Orientation:
        """Return the orientation that is turned upright by *degrees* clockwise: 0, 90, 180 or 270.

        Raises:
            ValueError: *degrees* is not one of these.
        """
        if degrees not in ROTATIONS:
            raise ValueError(f"rotation must be 0, 90, 180 or 270 degrees clockwise (got {degrees!r})")
        turned = (cls.TOP_LEFT, cls.RIGHT_TOP, cls.BOTTOM_RIGHT, cls.LEFT_BOTTOM)
        return turned[ROTATIONS.index(degrees)]

    @property
    def swaps_sides(self) -> bool:
        """True if width and height are swapped when the picture is turned upright."""
        return self >= Orientation.LEFT_TOP

    def turn(self, stored: NDArray[Any], upright: NDArray[Any]) -> None:
        """Write *stored* into *upright*, turned: the same pixels in other places.

        Both are ``(height, width)`` or ``(height, width, channels)`` of one dtype, with the sides of *upright* swapped
        where ``swaps_sides``. They must not share memory.
        """
        match self:
            case Orientation.TOP_LEFT:
                np.copyto(upright, stored)
            case Orientation.TOP_RIGHT:
                cv2.flip(stored, 1, upright)
            case Orientation.BOTTOM_RIGHT:
                cv2.rotate(stored, cv2.ROTATE_180, upright)
            case Orientation.BOTTOM_LEFT:
                cv2.flip(stored, 0, upright)
            case Orientation.LEFT_TOP:
                cv2.transpose(stored, upright)
            case Orientation.RIGHT_TOP:
                cv2.rotate(stored, cv2.ROTATE_90_CLOCKWISE, upright)
            case Orientation.RIGHT_BOTTOM:
                cv2.transpose(stored, upright)
                cv2.flip(upright, -1, upright)
            case Orientation.LEFT_BOTTOM:
                cv2.rotate(stored, cv2.ROTATE_90_COUNTERCLOCKWISE, upright)
