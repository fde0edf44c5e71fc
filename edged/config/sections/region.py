"""A region of a camera's frames."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from edged.config.problems import shown
from edged.config.sections.fields import Section, misfit
from edged.values import Region

__all__ = ["RegionConfig"]

_Edge = Annotated[float, Field(ge=0, le=1)]


class RegionConfig(Section):
    """A rectangle of the frame as captured, before rotation: its edges in 0…1."""

    left: _Edge = Field(default=0.0, description="Left edge, from the left of the frame.")
    top: _Edge = Field(default=0.0, description="Top edge, from the top of the frame.")
    right: _Edge = Field(default=1.0, description="Right edge, from the left of the frame.", validate_default=True)
    bottom: _Edge = Field(default=1.0, description="Bottom edge, from the top of the frame.", validate_default=True)

    @field_validator("right", "bottom")
    @classmethod
    def _not_empty(cls, high: float, info: ValidationInfo) -> float:
        lower, upper = ("left", "right") if info.field_name == "right" else ("top", "bottom")
        low = info.data.get(lower)
        if low is not None and low >= high:
            raise misfit(f"must be less than {upper} (got {shown(low)} and {shown(high)})", at=("..", lower))
        return high

    @property
    def region(self) -> Region:
        """The same as a value of the pipeline."""
        return Region(self.left, self.top, self.right, self.bottom)
