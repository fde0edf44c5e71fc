"""Fitting of a crop into the model's input: stretched, with bars beside it, or its middle alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from edged.regions import Box

if TYPE_CHECKING:
    from edged.vision.pixels.orientation import Orientation

__all__ = ["BAR", "Fit", "Placement", "place"]

Fit = Literal["stretch", "letterbox", "crop"]
"""The way in which a crop of other proportions than the input becomes the input.

``stretch`` changes its proportions, as the Task Library does. The others keep them: ``letterbox`` puts it in the middle
with grey bars at two sides, ``crop`` takes as much of its middle as has the input's proportions.
"""

BAR = 128
"""The level of the bars of a letterbox, in R, G and B: grey, which is about 0 for a model that normalises."""


class Placement(NamedTuple):
    """The part *box* of the picture, and where it lies in the input, upright: its left, top, width and height."""

    box: Box
    left: int
    top: int
    width: int
    height: int


def place(fit: Fit, box: Box, size: tuple[int, int], orientation: Orientation) -> Placement:
    """Return how *box* fits into an input of the width and height *size*, after it is turned upright."""
    width, height = size
    if fit == "letterbox":
        shown = (box.height, box.width) if orientation.swaps_sides else (box.width, box.height)
        inner_width, inner_height = _largest(shown, size)
        return Placement(box, (width - inner_width) // 2, (height - inner_height) // 2, inner_width, inner_height)
    if fit == "crop":
        stored = (height, width) if orientation.swaps_sides else size
        part_width, part_height = _largest(stored, (box.width, box.height))
        left, top = box.x + (box.width - part_width) // 2, box.y + (box.height - part_height) // 2
        box = Box(left, top, part_width, part_height)
    return Placement(box, 0, 0, width, height)


def _largest(shape: tuple[int, int], within: tuple[int, int]) -> tuple[int, int]:
    """Return the largest size of the proportions of *shape* *within* a size, rounded half up, at least 1 × 1."""
    (width, height), (most_width, most_height) = shape, within
    if width * most_height >= most_width * height:
        return most_width, max(1, (2 * most_width * height + width) // (2 * width))
    return max(1, (2 * most_height * width + height) // (2 * height)), most_height
