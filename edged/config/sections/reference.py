"""One reference in the file: its pictures or catalogue, the places where it is compared, and its event rule."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from edged.config.problems import shown
from edged.config.sections.fields import FilePath, Section, at_least_one, misfit, several

__all__ = ["ReferenceConfig", "default_leave"]

LEAVE_BAND = 0.03  # some eight times what the score of a still picture wanders from frame to frame


def default_leave(enter: float) -> float:
    """Return the score below which an event ends, where only *enter* is given."""
    return max(-1.0, round(enter - LEAVE_BAND, 6))


class ReferenceConfig(Section):
    """A reference for frames: pictures of one thing, and the best score counts; or a catalogue of many."""

    model_config = ConfigDict(
        json_schema_extra={"minProperties": 1, "anyOf": [{"required": ["images"]}, {"required": ["catalogue"]}]}
    )

    images: Annotated[tuple[FilePath, ...], several, at_least_one] | None = Field(
        default=None,
        description="Picture files, or folders of them. Each is embedded whole, turned by its EXIF orientation.",
    )
    catalogue: FilePath | None = Field(
        default=None,
        description="Instead of images: a file with vectors and labels, which 'edged embed --out FILE.npz' makes.",
    )
    dtype: Literal["float32", "float16", "int8"] | None = Field(
        default=None,
        description="How vectors are kept in memory: 4, 2 or 1 byte a number; int8 changes scores by 0.004 at most. "
        "Default: float32, with more than 20,000 vectors float16; int8 where quantize makes vectors int8 anyway.",
    )
    top_k: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None,
        description="How many of its pictures are reported, each with its label: the best ones. Default: of images the "
        "best one, of a catalogue 5.",
    )
    places: Annotated[tuple[str, ...], several, at_least_one] | None = Field(
        default=None,
        alias="for",
        description="Cameras (street) and regions (street/path) that it is compared with. Default: all.",
    )
    enter: Annotated[float, Field(ge=-1, le=1)] | None = Field(
        default=None, description="Make events: one begins when the score is at or above this. Default: no events."
    )
    leave: Annotated[float, Field(ge=-1, le=1)] | None = Field(
        default=None,
        description="An event ends when the score falls below this; at most enter. Default: 0.03 less than enter.",
    )
    min_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=0.0, description="An event begins only when the score has been at or above enter for so long."
    )
    cooldown_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=0.0, description="No event begins for so long after the end of the one before."
    )

    @field_validator("catalogue")
    @classmethod
    def _one_of_both(cls, catalogue: FilePath | None, info: ValidationInfo) -> FilePath | None:
        if catalogue is not None and info.data.get("images") is not None:
            raise misfit("must not be given beside images; remove one of the two")
        return catalogue

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.images is None and self.catalogue is None:
            raise misfit("must have images or a catalogue")
        return self

    @field_validator("leave", "min_seconds", "cooldown_seconds")
    @classmethod
    def _goes_with_enter(cls, value: float | None, info: ValidationInfo) -> float | None:
        is_default = value == cls.model_fields[info.field_name or ""].default  # as `edged check` writes it
        if not is_default and "enter" in info.data and info.data["enter"] is None:
            raise misfit("does nothing without enter, the score at which an event begins; set that, or remove this")
        return value

    @field_validator("leave")
    @classmethod
    def _not_above_enter(cls, leave: float | None, info: ValidationInfo) -> float | None:
        enter = info.data.get("enter")
        if enter is not None and leave is not None and leave > enter:
            raise misfit(f"must be at most enter (got {shown(leave)} and {shown(enter)})")
        return leave

    @property
    def leaves_below(self) -> float | None:
        """The score below which an event ends; None where there are no events."""
        if self.enter is None:
            return None
        return default_leave(self.enter) if self.leave is None else self.leave
