"""A region of a camera's frames."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field, PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema, field_validator

from edged.config.problems import shown
from edged.config.sections.fields import Section, misfit
from edged.regions import AnyRegion, PixelRegion, Pixels, Region

__all__ = ["RegionConfig"]


def _edge(value: object) -> float | Pixels:
    if isinstance(value, Pixels):
        return value
    if isinstance(value, str) and (pixels := Pixels.parse(value)) is not None:
        return pixels
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise misfit(f"must be a number in 0…1, or whole pixels such as 320px (got {shown(value)})")
    if 0 <= value <= 1:
        return float(value)
    cure = f"; for pixels write {value:g}px" if value > 1 and value == int(value) and value < 100_000 else ""
    raise misfit(f"{shown(value)} is not in 0…1{cure}")


def _spelled(edge: float | Pixels) -> float | str:
    return str(edge) if isinstance(edge, Pixels) else edge


_Edge = Annotated[
    float | Pixels,
    PlainValidator(_edge),
    PlainSerializer(_spelled),
    # ``pattern`` does not apply to a number, nor ``minimum`` to a text.
    WithJsonSchema({"type": ["number", "string"], "minimum": 0, "maximum": 1, "pattern": "^[0-9]{1,5}px$"}),
]


class RegionConfig(Section):
    """A rectangle of the frame as captured, before rotation: its edges in 0…1, or in pixels such as 320px."""

    left: _Edge = Field(default=0.0, description="Left edge, from the left of the frame.")
    top: _Edge = Field(default=0.0, description="Top edge, from the top of the frame.")
    right: _Edge = Field(default=1.0, description="Right edge, from the left of the frame.", validate_default=True)
    bottom: _Edge = Field(default=1.0, description="Bottom edge, from the top of the frame.", validate_default=True)

    @field_validator("right", "bottom")
    @classmethod
    def _not_empty(cls, high: float | Pixels, info: ValidationInfo) -> float | Pixels:
        lower, upper = ("left", "right") if info.field_name == "right" else ("top", "bottom")
        low = info.data.get(lower)
        # Of pixels and a number in 0…1, only a frame can show which is more.
        is_empty = low >= high if isinstance(low, float) and isinstance(high, float) else False
        if isinstance(low, Pixels) and isinstance(high, Pixels):
            is_empty = low >= high
        if is_empty:
            raise misfit(f"must be less than {upper} (got {shown(low)} and {shown(high)})", at=("..", lower))
        return high

    @property
    def is_in_pixels(self) -> bool:
        """Whether an edge is in pixels."""
        return any(isinstance(edge, Pixels) for edge in (self.left, self.top, self.right, self.bottom))

    @property
    def region(self) -> AnyRegion:
        """The same as a value of the pipeline."""
        left, top, right, bottom = self.left, self.top, self.right, self.bottom
        if (
            isinstance(left, Pixels)
            or isinstance(top, Pixels)
            or isinstance(right, Pixels)
            or isinstance(bottom, Pixels)
        ):
            return PixelRegion(left, top, right, bottom)
        return Region(left, top, right, bottom)
