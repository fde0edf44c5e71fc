"""One set of states in the file: the names of the states, the places where they are decided, and pictures of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from edged.config.problems import KeyPath, brief, shown, suggestion
from edged.config.sections.fields import (
    LIST,
    MAPPING,
    FilePath,
    Name,
    Read,
    Section,
    at_least_one,
    left_empty,
    misfit,
    several,
)
from edged.values import UNKNOWN

__all__ = ["MOST_STATES", "StateSetConfig", "names_taken"]

MOST_STATES = 8
"""The most states of one set."""


def _state_name(name: str) -> str:
    if name == UNKNOWN:
        raise ValueError(f"must not be {UNKNOWN}, because that is the answer of a set that is not sure")
    return name


StateName = Annotated[Name, AfterValidator(_state_name)]


def _tag(value: object) -> str | None:
    if isinstance(value, Mapping):
        return MAPPING
    return LIST if isinstance(value, list | tuple) else None


def _read(value: tuple[str, ...] | Mapping[str, str], folder: Path) -> object:  # noqa: ARG001  # Read hands it to all
    return value


def _write(value: tuple[str, ...] | Mapping[str, str]) -> object:
    return dict(value) if isinstance(value, Mapping) else list(value)


StatesSetting = Annotated[
    Any,  # a tuple of names, or a mapping from name to reference
    Read(
        Annotated[
            Annotated[
                tuple[StateName, ...],
                several,
                Field(json_schema_extra={"minItems": 2, "maxItems": MOST_STATES}),
                Tag(LIST),
            ]
            | Annotated[
                Mapping[StateName, Name],
                Field(
                    json_schema_extra={"minProperties": 2, "maxProperties": MOST_STATES, "additionalProperties": False}
                ),
                Tag(MAPPING),
            ],
            Discriminator(
                _tag,
                custom_error_type="misfit",
                custom_error_message="must be a list of states, or a mapping with a reference for each state",
            ),
        ],
        _read,
        _write,
    ),
]


class StateSetConfig(Section):
    """A set of states of a place, such as empty and occupied, which are told apart by examples of each."""

    places: Annotated[tuple[str, ...], several, at_least_one] | None = Field(
        default=None,
        alias="for",
        description="Cameras (dock) and regions (dock/bay) that it decides for, each by itself. Required with images "
        "and with references. Default: the places that its examples were enrolled from.",
    )
    of: StatesSetting = Field(
        description="The names of 2 to 8 states; or a mapping that gives each state a reference, by whose scores the "
        "states are told apart until each has three enrolled examples."
    )
    images: Annotated[Mapping[StateName, Annotated[tuple[FilePath, ...], several, at_least_one]], left_empty] = Field(
        default={},
        description="Examples in files: pictures of each state, or folders of them. Each is embedded whole, turned by "
        "its EXIF orientation. Examples that are enrolled come on top.",
    )
    unknown_below: Annotated[float, Field(gt=0.5, lt=1)] = Field(
        default=0.73, description="The answer for a frame is unknown if no state has at least this probability."
    )
    min_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=0.5, description="The decided state changes when another one has been every answer for so long."
    )
    unknown_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=30.0, description="The decided state is unknown when the answers have been unknown for so long."
    )
    review: bool = Field(
        default=False, description="Keep pictures that edged was least sure of, on this machine, to be answered."
    )
    events: Annotated[tuple[StateName, ...], several] = Field(
        default=(), description="The states that events are made of. Default: none."
    )

    @field_validator("of")
    @classmethod
    def _two_to_eight(cls, of: tuple[str, ...] | Mapping[str, str]) -> tuple[str, ...] | Mapping[str, str]:
        if not 2 <= len(of) <= MOST_STATES:
            raise misfit(f"must have 2 to {MOST_STATES} states (got {len(of)})")
        named: list[tuple[str | int, str]] = [*(of.items() if isinstance(of, Mapping) else enumerate(of))]
        for number, (place, name) in enumerate(named):
            if any(name == other for _, other in named[:number]):
                raise misfit(f"must not be given twice (got {shown(name)})", at=(place,))
        return of

    @field_validator("images")
    @classmethod
    def _of_these_states(cls, images: Mapping[str, Any], info: ValidationInfo) -> Mapping[str, Any]:
        for state in images:
            _check_state(state, info, state)
        return images

    @field_validator("events")
    @classmethod
    def _each_once(cls, events: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for index, state in enumerate(events):
            _check_state(state, info, index)
            if state in events[:index]:
                raise misfit(f"must not be given twice (got {shown(state)})", at=(index,))
        return events

    @model_validator(mode="after")
    def _has_places(self) -> Self:
        why = "images" if self.images else "references in of" if self.references else None
        if self.places is None and why is not None:
            rule = f"must be given with {why}: the cameras or regions where edged decides, such as for: [dock/bay]"
            raise misfit(rule, at=("for",))
        return self

    @property
    def states(self) -> tuple[str, ...]:
        """The names of its states."""
        return tuple(self.of)

    @property
    def references(self) -> Mapping[str, str]:
        """The reference of each state; empty where it groups none."""
        return self.of if isinstance(self.of, Mapping) else {}


def names_taken(sets: Collection[str], references: Collection[str]) -> Iterator[tuple[KeyPath, str]]:
    """Each of *sets* that has the name of one of *references*: its path in the file, and what is wrong with it."""
    for name in sets:
        if name in references:
            yield ("states", name), f"must not have the name of a reference (got {brief(name)}); rename one of the two"


def _check_state(state: str, info: ValidationInfo, place: str | int) -> None:
    """Raise a problem of *place* if *state* is none of the set's; that these are wrong is a problem of its own."""
    if "of" in info.data and state not in info.data["of"]:
        rule = f"names no state of this set (got {shown(state)}); {suggestion(state, list(info.data['of']))}"
        raise misfit(rule, at=(place,))
