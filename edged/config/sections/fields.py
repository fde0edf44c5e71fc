"""The types of settings: how text, numbers and paths of the file become values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import CoreSchema, plain_serializer_function_ser_schema
from pydantic_core.core_schema import with_info_after_validator_function as then

from edged.config.problems import shown
from edged.config.sections.endpoint import Endpoint
from edged.config.sections.paths import absolute
from edged.config.sections.source import SOURCE_PATTERN, SourceSpec
from edged.values import NAME_PATTERN, check_name

__all__ = [
    "FORMS",
    "LIST",
    "MAPPING",
    "WORD",
    "EndpointText",
    "FilePath",
    "Name",
    "Read",
    "Section",
    "SourceText",
    "at_least_one",
    "left_empty",
    "misfit",
    "no_fixed_default",
    "several",
    "whole",
]


FORMS = WORD, LIST, MAPPING = "\0word", "\0list", "\0mapping"
"""Forms of one setting, which pydantic names in the place of an error; no key of a file can look like these."""


class Section(BaseModel):
    """A mapping of the file. It cannot change, refuses unknown keys, and takes no text for a number.

    A section that is left empty (``publish:`` and nothing after it) is one with all its defaults.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        defer_build=True,  # only the whole is ever validated; building each part for itself costs time at start
    )

    @model_validator(mode="before")
    @classmethod
    def _left_empty(cls, values: object) -> object:
        return {} if values is None else values


@dataclass(frozen=True, slots=True)
class Read:
    """Annotates a type that the file spells as a *spelling*: ``parse(spelling, folder)`` reads it, ``str()`` writes it.

    Relative paths start at *folder*, which is the folder of the file (the current one, without a file).
    """

    spelling: Any
    parse: Callable[[Any, Path], object]
    write: Callable[[Any], object] = str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def parse(value: object, info: ValidationInfo) -> object:
            folder = info.context["folder"] if info.context else Path.cwd()
            return self.parse(value, folder)

        return then(
            parse,
            handler.generate_schema(self.spelling),
            serialization=plain_serializer_function_ser_schema(self.write),
        )


def misfit(rule: str, *, at: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """Return an error that is reported at another value: *at* is the way there from this value, ``..`` its parent."""
    return PydanticCustomError("misfit", "{rule}", {"rule": rule, "at": at})


def whole(value: object) -> object:
    """Refuse a value that Python takes for a whole number though it is ``true`` or ``90.0`` in the file."""
    if isinstance(value, bool | float):
        raise misfit(f"must be a whole number (got {shown(value)})")
    return value


def no_fixed_default(schema: dict[str, Any]) -> None:
    """Keeps out of the JSON Schema a default that follows from other settings."""
    schema.pop("default", None)


Name = Annotated[str, AfterValidator(check_name), Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$"})]
"""Of a node, camera, region or reference."""

FilePath = Annotated[Path, Read(str, absolute)]
SourceText = Annotated[
    SourceSpec,
    Read(str, SourceSpec.parse),
    Field(
        json_schema_extra={"pattern": SOURCE_PATTERN, "examples": ["file:street.mp4", "usb:/dev/video0", "pattern:"]}
    ),
]
EndpointText = Annotated[
    Endpoint,
    Read(str, Endpoint.parse),
    Field(json_schema_extra={"pattern": r"^pub\+(bind|connect):(tcp|ipc)://."}),
]
several = Field(strict=False)
"""Lets a list of the file become a tuple; what is in it stays strict."""


def _at_least_one(values: object) -> object:
    if isinstance(values, list | tuple | dict) and not values:
        raise misfit("must name at least one (got none)")
    return values


at_least_one = BeforeValidator(_at_least_one)
"""Refuses an empty list or mapping. A length limit would count only what is right in it."""

left_empty = BeforeValidator(lambda value: {} if value is None else value)
"""Takes ``references:`` with nothing after it for an empty mapping."""
