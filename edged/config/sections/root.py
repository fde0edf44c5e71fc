"""The whole configuration as frozen values. Every default is in these sections and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from edged.config.environment import default_model, default_node
from edged.config.problems import KeyPath, brief, shown
from edged.config.sections.camera import CameraConfig
from edged.config.sections.camera_kinds import CAMERA_KINDS, listed
from edged.config.sections.control import ControlConfig
from edged.config.sections.fields import Name, Section, at_least_one, left_empty, misfit, several
from edged.config.sections.metrics import MetricsConfig
from edged.config.sections.model import ModelConfig
from edged.config.sections.places import misplaced
from edged.config.sections.publish import PublishConfig
from edged.config.sections.reference import ReferenceConfig
from edged.config.sections.states import StateSetConfig, names_taken
from edged.values import MAX_PIXELS, MOST_PIXELS, WHITE

__all__ = ["Config", "LogConfig"]


MOST_CAMERAS = 1000
"""Each has two threads: with as many, all of them absent, a daemon starts in 10 s and stops in 2 s on a small PC."""


def _not_too_many(cameras: object) -> object:
    # Before they are looked at: that would take a minute where a program has written tens of thousands.
    if isinstance(cameras, dict) and len(cameras) > MOST_CAMERAS:
        raise misfit(f"must be at most {MOST_CAMERAS} cameras (got {len(cameras)})")
    return cameras


_Level = Annotated[int, Field(ge=0, le=255)]

NEWEST_VERSION = 2


def _known_version(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and not 1 <= value <= NEWEST_VERSION:
        raise misfit(
            f"is of another edged (got {shown(value)}); this one reads 1 to {NEWEST_VERSION}: write one of these, or "
            "install the edged that the file was written for"
        )
    return value


class LogConfig(Section):
    """The log on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least serious lines that are written."
    )


class Config(Section):
    """The whole configuration of a daemon."""

    version: Annotated[int, Field(ge=1, le=NEWEST_VERSION), BeforeValidator(_known_version)] = Field(
        default=1,
        description="The version of the configuration, which decides about defaults that would change vectors. 2: "
        "where no model is named, it is efficientnet-lite0-int8. 1: it is efficientnet-lite0. Default: 1.",
    )
    node: Name = Field(
        default_factory=default_node,
        description="Name of this board in every message. Default: the host name, made to fit.",
    )
    model: ModelConfig = Field(default={}, validate_default=True, description=ModelConfig.__doc__)
    cameras: Annotated[Mapping[Name, CameraConfig], at_least_one, BeforeValidator(_not_too_many), left_empty] = Field(
        json_schema_extra={"minProperties": 1, "maxProperties": MOST_CAMERAS},
        description=f"Cameras by name; at least one, and at most {MOST_CAMERAS}.",
    )
    references: Annotated[Mapping[Name, ReferenceConfig], left_empty] = Field(
        default={}, description="What frames are compared with, by name."
    )
    states: Annotated[Mapping[Name, StateSetConfig], left_empty] = Field(
        default={}, description="Sets of states, by name: what a place can look like, and edged decides what it does."
    )
    max_pixels: Annotated[int, Field(ge=1 << 16, le=MOST_PIXELS)] = Field(
        default=MAX_PIXELS,
        description="The most pixels of a frame of any camera, and of a picture of a reference; what claims to have "
        "more is refused before memory is used.",
    )
    background: Annotated[tuple[_Level, _Level, _Level], several] = Field(
        default=WHITE,
        description="The colour that transparent pictures are laid on, those of references and of dir: cameras: red, "
        "green and blue, each 0 to 255. Default: white.",
    )
    slow_when_hot: bool = Field(
        default=False,
        description="Halve the frame rates of live cameras while the board is throttled or at 80 °C or more, step by "
        "step, down to 1 frame/s; they come back when it has cooled down.",
    )
    publish: PublishConfig = Field(default={}, validate_default=True, description=PublishConfig.__doc__)
    control: ControlConfig = Field(default={}, validate_default=True, description=ControlConfig.__doc__)
    metrics: MetricsConfig = Field(default={}, validate_default=True, description=MetricsConfig.__doc__)
    log: LogConfig = Field(default={}, validate_default=True, description=LogConfig.__doc__)

    @field_validator("model", mode="before")
    @classmethod
    def _default_of_version(cls, model: object, info: ValidationInfo) -> object:
        given = {} if model is None else model
        if info.data.get("version") != NEWEST_VERSION or not isinstance(given, Mapping):
            return model
        name = default_model(str(given.get("engine", "auto")))
        if given.get("path") is not None or name == ModelConfig.model_fields["name"].default:
            return model
        return {"name": name, **given}

    @model_validator(mode="after")
    def _references_and_sets_fit(self) -> Self:
        cameras = {name: camera.regions.keys() for name, camera in self.cameras.items()}
        references: dict[KeyPath, tuple[str, ...]]
        references = {("references", name): reference.places or () for name, reference in self.references.items()}
        sets: dict[KeyPath, tuple[str, ...]]
        sets = {("states", name): states.places or () for name, states in self.states.items()}
        taken = names_taken(self.states, self.references)
        for path, rule in chain(misplaced(cameras, references | sets), taken):
            raise misfit(rule, at=path)
        return self

    @model_validator(mode="after")
    def _control_is_apart(self) -> Self:
        control = self.control.endpoint
        if control is not None and control.address in {endpoint.address for endpoint in self.publish.endpoints}:
            raise misfit("must be another socket file than those of publish.endpoints", at=("control", "endpoint"))
        return self

    @model_validator(mode="after")
    def _cameras_send_what_is_reduced(self) -> Self:
        others = [f"{name} ({shown(str(c.source))})" for name, c in self.cameras.items() if not c.can_send_jpegs]
        if self.model.decode == "reduced" and others:
            kinds = listed([kind.prefix for kind in CAMERA_KINDS if kind.sends_jpegs], "and")
            rule = f"must be full, because only the JPEGs of {kinds} cameras can be reduced"
            raise misfit(f"{rule}, and not what comes from {brief(', '.join(others))}", at=("model", "decode"))
        return self
