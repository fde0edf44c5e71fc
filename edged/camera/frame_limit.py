"""The limit on the pixels of a camera's frames, which is checked on what is claimed, before memory is used."""

from __future__ import annotations

from edged.errors import SourceError

__all__ = ["check_frame_size"]


def check_frame_size(width: int, height: int, max_pixels: int) -> None:
    """Raise unless frames of *width* × *height* are within the limit.

    Raises:
        SourceError: they have no pixels, or more than *max_pixels*.
    """
    if width < 1 or height < 1 or width * height > max_pixels:
        raise SourceError(
            f"its frames have {width}×{height} pixels, and at most max_pixels is permitted ({max_pixels})"
        )
