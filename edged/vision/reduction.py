"""Decoding JPEGs at a fraction of their size: how far that may go, and how a reference goes the same way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from edged.values import Region

if TYPE_CHECKING:
    from edged.values import Rotation

__all__ = ["Decode", "crop_size", "largest_reduction"]

Decode = Literal["full", "reduced"]
"""Whether JPEGs are decoded at full size, or at a fraction of it where that leaves enough pixels for the model."""

REDUCTIONS = (8, 4, 2)


def crop_size(input_size: tuple[int, int], rotation: Rotation) -> tuple[int, int]:
    """Width and height to which a crop is resized, before it is turned by *rotation* into a picture of *input_size*."""
    width, height = input_size
    return (height, width) if rotation in (90, 270) else (width, height)


def largest_reduction(width: int, height: int, regions: Iterable[Region], least: tuple[int, int]) -> int:
    """By how much frames of *width* × *height* can be reduced so that each region keeps its *least* width and height.

    Returns 8, 4 or 2; or 1, which leaves them as they are. Sides are rounded up, as a JPEG's decoder does.
    """
    regions = list(regions)
    for reduction in REDUCTIONS:
        boxes = [region.to_box(-(-width // reduction), -(-height // reduction)) for region in regions]
        if all(box.width >= least[0] and box.height >= least[1] for box in boxes):
            return reduction
    return 1
