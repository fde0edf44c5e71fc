"""The sections under ``cameras``: where frames come from, and which parts of them are embedded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from edged.config.fields import Name, Section, SourceText, misfit, no_fixed_default, whole
from edged.config.problems import shown
from edged.values import Region, Rotation

__all__ = ["CameraConfig", "Policy", "RegionConfig"]

Policy = Literal["block", "latest"]

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


def _or_whole_frame(regions: object) -> object:
    return {"full": {}} if regions is None or regions == {} else regions


class CameraConfig(Section):
    """One camera and what is looked at in its frames."""

    source: SourceText = Field(
        description="Where frames come from: file:VIDEO, or usb:DEVICE such as usb:/dev/video0 or usb:/dev/v4l/by-id/…",
    )
    loop: bool = Field(default=False, description="Begin a file again when it ends.")
    policy: Policy = Field(
        default=None,
        validate_default=True,
        json_schema_extra=no_fixed_default,
        description="When frames come faster than they are embedded: block lets a file wait, so that every frame is "
        "embedded; latest drops all but the newest. Default: block for files, latest for live cameras.",
    )
    fps: Annotated[float, Field(gt=0, le=1000)] | None = Field(
        default=None,
        description="Frames per second: for a file the speed at which it plays, for a live camera a cap. "
        "Default: as they come.",
    )
    rotation: Annotated[Rotation, BeforeValidator(whole)] = Field(
        default=0, description="How far a region's picture is turned before it is embedded, in degrees clockwise."
    )
    regions: Annotated[Mapping[Name, RegionConfig], BeforeValidator(_or_whole_frame)] = Field(
        default=None,
        validate_default=True,
        json_schema_extra=no_fixed_default,
        description="Parts of the frame, each embedded for itself. Default: the whole frame, called full.",
    )
    retry_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(
        default=2.0,
        description="First pause before a live camera that is missing or has gone is opened again; it doubles up to "
        "30 seconds.",
    )

    @field_validator("loop")
    @classmethod
    def _only_files_loop(cls, loop: bool, info: ValidationInfo) -> bool:
        source = info.data.get("source")
        if loop and source is not None and source.is_live:
            raise misfit(f"must be false for a live camera (source is {shown(str(source))})")
        return loop

    @field_validator("policy", mode="before")
    @classmethod
    def _policy_of_source(cls, policy: object, info: ValidationInfo) -> object:
        source = info.data.get("source")
        if source is None:
            return "latest" if policy is None else policy
        if policy == "block" and source.is_live:
            raise misfit(f"must be latest for a live camera, which cannot wait (source is {shown(str(source))})")
        if policy is None:
            return "latest" if source.is_live else "block"
        return policy

    @property
    def is_live(self) -> bool:
        """Do frames come whether or not anybody reads them?"""
        return self.source.is_live
