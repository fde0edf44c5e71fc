"""The section ``model``: what turns pictures into vectors, and how it is run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from edged.config.environment import default_num_threads
from edged.config.problems import shown
from edged.config.sections.delegate import DelegateSetting
from edged.config.sections.fields import FilePath, Section, misfit, no_fixed_default, several

__all__ = ["FallbackConfig", "ModelConfig"]

MOST_WORKERS = 16

_Channels = Annotated[tuple[float, ...], several]


def _head(value: object) -> object:
    if isinstance(value, bool) or (
        not (isinstance(value, str) and value) and not (isinstance(value, int) and value >= 0)
    ):
        raise misfit(f"must be a number from 0, or a head's name (got {shown(value)})")
    return value


def _workers(value: object) -> object:
    is_number = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_WORKERS
    if value != "auto" and not is_number:
        raise misfit(f"must be auto or a whole number in 1…{MOST_WORKERS} (got {shown(value)})")
    return value


_Workers = Annotated[Annotated[int, Field(ge=1, le=MOST_WORKERS)] | Literal["auto"], BeforeValidator(_workers)]


class _NamedOrFile(Section):
    """A model that comes with edged, by its name, or a file."""

    name: str | None = None
    path: FilePath | None = None

    @field_validator("path", check_fields=False)
    @classmethod
    def _one_model(cls, path: FilePath | None, info: ValidationInfo) -> FilePath | None:
        name = info.data.get("name")
        if path is not None and name is not None:
            raise misfit(f"must not be given beside name (name is {shown(name)}); remove one of the two")
        return path

    @model_validator(mode="after")
    def _some_model(self) -> Self:
        if self.name is None and self.path is None:
            raise misfit("must have a name or a path")
        return self


class FallbackConfig(_NamedOrFile):
    """The model that runs on the CPU where the delegate of the first cannot be had."""

    name: str | None = Field(default=None, description="A bundled model.")
    path: FilePath | None = Field(
        default=None, description="Instead of name: a TFLite file, with the head, mean and std of the first model."
    )


class ModelConfig(_NamedOrFile):
    """The model that turns pictures into vectors, and how it is run."""

    name: str | None = Field(
        default="efficientnet-lite0",
        json_schema_extra=no_fixed_default,
        description="A bundled model: efficientnet-lite0 (float16) or efficientnet-lite0-int8 (quantised). Default: "
        "efficientnet-lite0-int8 with version: 2, else efficientnet-lite0.",
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
    on_failure: Literal["refuse", "fallback"] = Field(
        default="refuse",
        description="Where the delegate cannot be had, or computes other vectors than it should: refuse to start, or "
        "run the fallback model on the CPU.",
    )
    fallback: FallbackConfig | None = Field(
        default=None, validate_default=True, description="The model that on_failure: fallback runs, on the CPU."
    )
    delegate_agreement: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = Field(
        default=0.98,
        description="The least cosine, at the start, of the vectors with the delegate to those that the model gives on "
        "the CPU, and of the fallback's vectors. A bundled model has to meet its own with half of this tolerance.",
    )
    num_threads: Annotated[int, Field(ge=1, le=64)] = Field(
        default_factory=default_num_threads,
        description="Threads of one inference. Default: one fewer than there are cores, in 1…4; they are divided among "
        "the workers.",
    )
    workers: _Workers = Field(
        default="auto",
        validate_default=True,
        description="Workers that embed side by side, each with an interpreter of its own. auto: as many as there are "
        "cores but one, regions to embed, and memory for; at most 4, and 1 with a delegate library.",
    )
    resize: Literal["exact", "linear", "area"] = Field(
        default="exact",
        description="How a picture becomes the model's input size: exact (as the TFLite Task Library does, bit for "
        "bit), or OpenCV's linear or area.",
    )
    fit: Literal["stretch", "letterbox", "crop"] = Field(
        default="stretch",
        description="What becomes of a picture of other proportions than the model's input: stretched to them, in the "
        "middle of grey bars (letterbox), or only its middle (crop). Changes the vectors.",
    )
    decode: Literal["full", "reduced"] = Field(
        default="full",
        description="How JPEGs of cameras and references are decoded: in full, or at a half, a quarter or an eighth "
        "where that leaves every region as large as the model's input. Changes the vectors.",
    )
    mean: _Channels | None = Field(
        default=None,
        description="Normalisation (pixel - mean) / std instead of the one in the model's metadata: one value, or "
        "three for R, G, B.",
    )
    std: _Channels | None = Field(
        default=None, validate_default=True, description="Goes with mean: as many values, none of them 0."
    )

    @model_validator(mode="before")
    @classmethod
    def _path_replaces_name(cls, values: object) -> object:
        if isinstance(values, Mapping) and values.get("path") is not None:
            return {"name": None, **values}
        return values

    @field_validator("fallback")
    @classmethod
    def _asked_for(cls, fallback: FallbackConfig | None, info: ValidationInfo) -> FallbackConfig | None:
        on_failure = info.data.get("on_failure")
        if on_failure == "fallback" and fallback is None:
            raise misfit("must be given with on_failure: fallback, such as fallback: {name: efficientnet-lite0-int8}")
        if on_failure == "refuse" and fallback is not None:
            raise misfit("is never used unless on_failure is fallback; set that, or remove this")
        return fallback

    @field_validator("workers")
    @classmethod
    def _one_for_a_library(cls, workers: int | Literal["auto"], info: ValidationInfo) -> int | Literal["auto"]:
        delegate = info.data.get("delegate")
        if workers not in ("auto", 1) and delegate is not None and delegate.kind in ("coral", "external"):
            raise misfit(f"must be 1 or auto with a delegate library, which runs one model at a time (got {workers})")
        return workers

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
            raise misfit("must not hold 0, because pixels are divided by it")
        if "mean" in info.data:
            mean = info.data["mean"]
            if (mean is None) != (std is None):
                raise misfit("must be given together: mean and std", at=("..", "mean" if std is None else "std"))
            if mean is not None and std is not None and len(mean) != len(std):
                raise misfit(f"must have as many values as mean (got {len(std)} and {len(mean)})")
            if mean is not None and info.data.get("name") is not None:
                raise misfit(
                    "must not be given beside name: models that come with edged know theirs", at=("..", "mean")
                )
        return std
