"""The way up of a video's frames, by its display matrix or its metadata."""

from __future__ import annotations

import struct

from edged.vision.pixels.orientation import Orientation

__all__ = ["orientation_of_degrees", "orientation_of_matrix"]

_MATRIX = struct.Struct("=9i")  # rows (a, b, u), (c, d, v), (x, y, w), where u, v, w, x and y turn nothing

# By whether the axes are exchanged, and whether the result is then mirrored along x and along y.
_WAYS = {
    (False, False, False): Orientation.TOP_LEFT,
    (False, True, False): Orientation.TOP_RIGHT,
    (False, True, True): Orientation.BOTTOM_RIGHT,
    (False, False, True): Orientation.BOTTOM_LEFT,
    (True, False, False): Orientation.LEFT_TOP,
    (True, True, False): Orientation.RIGHT_TOP,
    (True, True, True): Orientation.RIGHT_BOTTOM,
    (True, False, True): Orientation.LEFT_BOTTOM,
}


def orientation_of_matrix(content: bytes | memoryview) -> Orientation:
    """Return the orientation of a display matrix as FFmpeg has it: (x, y) is shown at (a·x + c·y, b·x + d·y).

    A matrix that turns by another angle than a quarter of a turn counts as the nearest that does, and one that means
    nothing as none.
    """
    try:
        a, b, _, c, d, *_ = _MATRIX.unpack(content)
    except struct.error:
        return Orientation.TOP_LEFT
    is_transposed = max(abs(a), abs(d)) < max(abs(b), abs(c))
    flips_x, flips_y = (c < 0, b < 0) if is_transposed else (a < 0, d < 0)
    return _WAYS[is_transposed, flips_x, flips_y]


def orientation_of_degrees(text: str) -> Orientation:
    """Return the orientation of the metadata ``rotate``: degrees clockwise, to the nearest quarter of a turn."""
    try:
        quarters = round(float(text) / 90) % 4
    except (ValueError, OverflowError):
        return Orientation.TOP_LEFT
    upright = (Orientation.TOP_LEFT, Orientation.RIGHT_TOP, Orientation.BOTTOM_RIGHT, Orientation.LEFT_BOTTOM)
    return upright[quarters]
