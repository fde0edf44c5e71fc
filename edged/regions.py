"""Regions of a frame: rectangles in parts of its size or in pixels, and polygons."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["FULL", "AnyRegion", "Box", "PixelRegion", "Pixels", "Polygon", "Region"]

Polygon: TypeAlias = tuple[tuple[float, float], ...]
"""The corners of a part of a picture, each from its left and from its top, in 0…1."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in whole pixels of the frame as captured; ``x``, ``y`` is its top left corner."""

    x: int
    y: int
    width: int
    height: int


def _check_edge(name: str, value: float) -> None:
    if not (math.isfinite(value) and 0.0 <= value <= 1.0):
        raise ValueError(f"{name} must be in 0…1 (got {value})")


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle in 0…1 of the frame as captured, before any rotation.

    Raises:
        ValueError: an edge is not a number in 0…1, or the rectangle is empty.
    """

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def __post_init__(self) -> None:
        for edge in ("left", "top", "right", "bottom"):
            value = getattr(self, edge)
            _check_edge(edge, value)
        if self.left >= self.right:
            raise ValueError(f"left must be less than right (got {self.left} and {self.right})")
        if self.top >= self.bottom:
            raise ValueError(f"top must be less than bottom (got {self.top} and {self.bottom})")

    def at(self, _width: int, _height: int) -> Region:
        """Return this region: it is the same in a frame of any size."""
        return self

    def to_box(self, width: int, height: int) -> Box:
        """Return this region in pixels of a frame of *width* × *height*: edges rounded half up, at least 1 × 1."""
        x, right = _span(self.left, self.right, width)
        y, bottom = _span(self.top, self.bottom, height)
        return Box(x, y, right - x, bottom - y)


FULL = Region()
"""The whole frame."""

_PIXELS = re.compile(r"([0-9]{1,5})px", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Pixels:
    """A distance from the left or from the top of a frame, in whole pixels: ``320px``."""

    count: int

    @classmethod
    def parse(cls, text: str) -> Pixels | None:
        """Return the pixels that *text* names, None if it names none."""
        found = _PIXELS.fullmatch(text)
        return cls(int(found[1])) if found else None

    def __str__(self) -> str:
        return f"{self.count}px"


@dataclass(frozen=True, slots=True)
class PixelRegion:
    """A region of which some edges are in pixels of the frame, and the others in 0…1.

    The frame is the one as captured, before any rotation, in the camera's own size, even where it is decoded smaller.

    Raises:
        ValueError: an edge is neither pixels nor a number in 0…1, or the rectangle is empty in every frame.
    """

    left: float | Pixels = 0.0
    top: float | Pixels = 0.0
    right: float | Pixels = 1.0
    bottom: float | Pixels = 1.0

    def __post_init__(self) -> None:
        for low, high in (("left", "right"), ("top", "bottom")):
            start, end = getattr(self, low), getattr(self, high)
            for edge, value in ((low, start), (high, end)):
                if not isinstance(value, Pixels):
                    _check_edge(edge, value)
            if type(start) is type(end) and start >= end:
                raise ValueError(f"{low} must be less than {high} (got {start} and {end})")

    def misfit(self, width: int, height: int) -> tuple[str, str] | None:
        """Return an edge that cannot be in a frame of *width* × *height*, and why; None if all can."""
        frame = f"the frame of {width}×{height} pixels"
        for edge, size in (("left", width), ("top", height), ("right", width), ("bottom", height)):
            place = getattr(self, edge)
            if isinstance(place, Pixels) and place.count > size:
                return edge, f"{place} is outside {frame}; write at most {size}px, or a number in 0…1"
        for low, high, size in (("left", "right", width), ("top", "bottom", height)):
            start, end = getattr(self, low), getattr(self, high)
            if _fraction(start, size) >= _fraction(end, size):
                return high, f"must be more than {low} in {frame} (got {end} and {start})"
        return None

    def at(self, width: int, height: int) -> Region:
        """Return this region in 0…1 of a frame of *width* × *height*; of a `misfit`, the nearest that is possible."""
        left, right = _ordered(_fraction(self.left, width), _fraction(self.right, width), width)
        top, bottom = _ordered(_fraction(self.top, height), _fraction(self.bottom, height), height)
        return Region(left, top, right, bottom)

    def to_box(self, width: int, height: int) -> Box:
        """Return this region in pixels of a frame of *width* × *height*, in the camera's own size: see `at`."""
        return self.at(width, height).to_box(width, height)


AnyRegion: TypeAlias = Region | PixelRegion
"""A region as it is configured. ``at`` makes a `Region` of it when the size of the frame is known."""


def _fraction(edge: float | Pixels, size: int) -> float:
    return min(edge.count / size, 1.0) if isinstance(edge, Pixels) else edge


def _ordered(low: float, high: float, size: int) -> tuple[float, float]:
    if low < high:
        return low, high
    start = min(low, 1.0 - 1.0 / size)
    return start, start + 1.0 / size


def _span(low: float, high: float, size: int) -> tuple[int, int]:
    start = min(math.floor(low * size + 0.5), size - 1)
    return start, max(math.floor(high * size + 0.5), start + 1)
