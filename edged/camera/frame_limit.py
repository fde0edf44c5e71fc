"""The limits on the size of a camera's frames, which are checked on what is claimed, before memory is used."""

from __future__ import annotations

from edged.errors import SourceError
from edged.memory_left import RESERVE, memory_left

__all__ = ["LARGE", "check_frame_size", "check_memory"]

LARGE = 1 << 21
"""Pixels of frames whose memory does not count; 1920 × 1080 are fewer."""

BYTES_OF_A_PIXEL = 3  # RGB; a decoder's own frames have 1.5 in most videos


def check_frame_size(width: int, height: int, max_pixels: int) -> None:
    """Raise unless a frame of *width* × *height* is within the limit, and there is memory for it.

    Raises:
        SourceError: it has no pixels, or more than *max_pixels*, or more than the memory that is left has room for.
    """
    if width < 1 or height < 1 or width * height > max_pixels:
        raise SourceError(
            f"its frames have {width}×{height} pixels, and at most max_pixels is permitted ({max_pixels})"
        )
    check_memory(width, height)


def check_memory(width: int, height: int) -> int:
    """Return how many more frames of *width* × *height* there is memory for.

    Raises:
        SourceError: not for one. A camera is lost, because otherwise the kernel would end the process.
    """
    if width * height <= LARGE:
        return 1
    left = memory_left()
    if left is None:
        return 1
    count = (left - RESERVE) // (width * height * BYTES_OF_A_PIXEL)
    if count < 1:
        raise SourceError(
            f"its frames of {width}×{height} pixels need more memory than is left ({max(left, 0) >> 20} MiB): "
            "have the camera send smaller ones"
        )
    return count
