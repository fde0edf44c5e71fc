"""The configuration as frozen values, one class per section of the file; every default is here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from edged.config.delegate import DelegateSetting
from edged.config.environment import default_endpoints, default_node, default_num_threads
from edged.config.fields import (
    EndpointText,
    FilePath,
    Name,
    Section,
    SourceText,
    at_least_one,
    left_empty,
    misfit,
    no_fixed_default,
    several,
    whole,
)
from edged.config.places import misplaced
from edged.config.problems import shown
from edged.values import Region, Rotation

__all__ = [
    "CameraConfig",
    "Config",
    "LogConfig",
    "ModelConfig",
    "Policy",
    "PublishConfig",
    "ReferenceConfig",
    "RegionConfig",
]

Policy = Literal["block", "latest"]

_Edge = Annotated[float, Field(ge=0, le=1)]
_Channels = Annotated[tuple[float, ...], several]


def _head(value: object) -> object:
    if isinstance(value, bool) or (
        not (isinstance(value, str) and value) and not (isinstance(value, int) and value >= 0)
    ):
        raise misfit(f"must be a number from 0, or a head's name (got {shown(value)})")
    return value


class ModelConfig(Section):
    """The model that turns pictures into vectors, and how it is run."""

    name: str | None = Field(
        default="efficientnet-lite0",
        description="A bundled model: efficientnet-lite0 (float16) or efficientnet-lite0-int8 (quantised).",
    )
    path: FilePath | None = Field(
        default=None, description="Instead of name: a TFLite file with one RGB picture as input and vectors as outputs."
    )
    head: Annotated[Annotated[int, Field(ge=0)] | Annotated[str, Field(min_length=1)], BeforeValidator(_head)] = Field(
        default=0, description="Which output of the model: its number from 0, or its name in the model's metadata."
    )
    l2_normalize: bool = Field(default=False, description="Scale every vector to length 1.")
    quantize: bool = Field(default=False, description="Publish vectors as int8 instead of float32.")
    engine: Literal["auto", "ai-edge-litert", "tflite-runtime"] = Field(
        default="auto", description="The TFLite runtime. auto: the installed one that suits the delegate."
    )
    delegate: DelegateSetting = Field(
        default="auto",
        validate_default=True,
        description="What runs the model: auto (the engine's own choice), none, xnnpack, coral, one of several Corals "
        "(coral:usb, coral:usb:1, coral:pci:0, coral::0), or a delegate library with its options.",
    )
    num_threads: Annotated[int, Field(ge=1, le=64)] = Field(
        default_factory=default_num_threads,
        description="Threads of one inference. Default: one fewer than there are cores, in 1…4.",
    )
    resize: Literal["exact", "linear", "area"] = Field(
        default="exact",
        description="How a picture becomes the model's input size: exact (as the TFLite Task Library does, bit for "
        "bit), or OpenCV's linear or area.",
    )
    mean: _Channels | None = Field(
        default=None,
        description="Normalisation (pixel - mean) / std instead of the one in the model's metadata: one value, or "
        "three for R, G, B.",
    )
    std: _Channels | None = Field(default=None, description="Goes with mean: as many values, none of them 0.")

    @model_validator(mode="before")
    @classmethod
    def _path_replaces_name(cls, values: object) -> object:
        if isinstance(values, Mapping) and values.get("path") is not None:
            return {"name": None, **values}
        return values

    @field_validator("path")
    @classmethod
    def _one_model(cls, path: FilePath | None, info: ValidationInfo) -> FilePath | None:
        name = info.data.get("name")
        if path is not None and name is not None:
            raise misfit(f"must not be given beside name (name is {shown(name)}); remove one of the two")
        return path

    @field_validator("mean", "std")
    @classmethod
    def _channels(cls, values: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if values is not None and len(values) not in (1, 3):
            raise misfit(f"must be 1 value or 3 (got {len(values)})")
        return values

    @field_validator("std")
    @classmethod
    def _pair(cls, std: tuple[float, ...] | None, info: ValidationInfo) -> tuple[float, ...] | None:
        if std is not None and 0 in std:
            raise misfit("must not hold 0, by which it divides")
        if "mean" in info.data:
            mean = info.data["mean"]
            if (mean is None) != (std is None):
                raise misfit("must be given together: mean and std", at=("..", "mean" if std is None else "std"))
            if mean is not None and std is not None and len(mean) != len(std):
                raise misfit(f"must have as many values as mean (got {len(std)} and {len(mean)})")
        return std

    @model_validator(mode="after")
    def _some_model(self) -> Self:
        if self.name is None and self.path is None:
            raise misfit("must have a name or a path")
        return self


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
    regions: Annotated[Mapping[Name, RegionConfig], left_empty] = Field(
        default={},
        validate_default=True,
        json_schema_extra=no_fixed_default,
        description="Parts of the frame, each embedded for itself. Default: the whole frame, called full.",
    )
    retry_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(
        default=2.0, description="Pause before a live camera that is missing or has gone is opened again."
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
            return policy or "latest"
        if policy == "block" and source.is_live:
            raise misfit(f"must be latest for a live camera, which cannot wait (source is {shown(str(source))})")
        return policy or ("latest" if source.is_live else "block")

    @field_validator("regions")
    @classmethod
    def _whole_frame(cls, regions: Mapping[str, RegionConfig]) -> Mapping[str, RegionConfig]:
        return regions or {"full": RegionConfig()}

    @property
    def is_live(self) -> bool:
        """Do frames come whether or not anybody reads them?"""
        return self.source.is_live

    @property
    def effective_policy(self) -> Policy:
        """``policy``, which is never left open here."""
        return self.policy


class ReferenceConfig(Section):
    """Pictures of one thing that frames are compared with; of several, the best score counts."""

    images: Annotated[tuple[FilePath, ...], several, at_least_one] = Field(
        json_schema_extra={"minItems": 1},
        description="Picture files, or folders of them. Each is embedded whole, turned as its EXIF orientation says.",
    )
    places: Annotated[tuple[str, ...], several, at_least_one] | None = Field(
        default=None,
        alias="for",
        description="Cameras (street) and regions (street/path) that it is compared with. Default: all.",
    )

    def applies_to(self, camera: str, region: str) -> bool:
        """Is this compared with *region* of *camera*?"""
        return self.places is None or camera in self.places or f"{camera}/{region}" in self.places


class PublishConfig(Section):
    """Where messages go."""

    endpoints: Annotated[tuple[EndpointText, ...], several, at_least_one] = Field(
        default_factory=default_endpoints,
        json_schema_extra={"minItems": 1},
        validate_default=True,
        description="ZeroMQ addresses after pub+bind: or pub+connect:, on this machine only. Default: "
        "ipc://$RUNTIME_DIRECTORY/pub.sock (else ipc://$XDG_RUNTIME_DIR/edged/pub.sock) and tcp://127.0.0.1:5556.",
    )

    @field_validator("endpoints")
    @classmethod
    def _each_once(cls, endpoints: tuple[EndpointText, ...]) -> tuple[EndpointText, ...]:
        seen: set[str] = set()
        for index, endpoint in enumerate(endpoints):
            if endpoint.address in seen:
                raise misfit(f"must not be given twice (got {shown(str(endpoint))})", at=(index,))
            if not endpoint.address.endswith(":*"):
                seen.add(endpoint.address)
        return endpoints


class LogConfig(Section):
    """What is written to stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least serious lines that are written."
    )


class Config(Section):
    """The whole configuration of a daemon."""

    node: Name = Field(
        default_factory=default_node,
        description="Name of this board in every message. Default: the host name, made to fit.",
    )
    model: ModelConfig = Field(default_factory=ModelConfig, description=ModelConfig.__doc__)
    cameras: Annotated[Mapping[Name, CameraConfig], at_least_one, left_empty] = Field(
        json_schema_extra={"minProperties": 1}, description="Cameras by name; at least one."
    )
    references: Annotated[Mapping[Name, ReferenceConfig], left_empty] = Field(
        default={}, description="What frames are compared with, by name."
    )
    publish: PublishConfig = Field(default_factory=PublishConfig, description=PublishConfig.__doc__)
    log: LogConfig = Field(default_factory=LogConfig, description=LogConfig.__doc__)

    @model_validator(mode="after")
    def _references_have_places(self) -> Self:
        cameras = {name: camera.regions.keys() for name, camera in self.cameras.items()}
        places = {name: reference.places or () for name, reference in self.references.items()}
        for path, rule in misplaced(cameras, places):
            raise misfit(rule, at=path)
        return self
