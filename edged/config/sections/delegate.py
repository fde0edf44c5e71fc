"""The spelling of a delegate in the file: a word such as ``coral:usb:1``, or a mapping that names a library."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Discriminator, Field, Tag

from edged.config.problems import shown
from edged.config.sections.fields import MAPPING, WORD, Read, Section, left_empty, misfit
from edged.config.sections.paths import absolute
from edged.values import Delegate

__all__ = ["DelegateSetting", "ExternalDelegate"]


def _library(text: str, folder: Path) -> str:
    return str(absolute(text, folder)) if "/" in text or not text else text


def _option(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise misfit(f"must be text or a whole number (got {shown(value)}); put it in quotes")
    return str(value)


class ExternalDelegate(Section):
    """A TFLite delegate in a library of its own."""

    library: Annotated[str, Read(str, _library)] = Field(
        description="The delegate's shared library. A name without '/' is looked for where the system keeps libraries.",
    )
    options: Annotated[Mapping[str, Annotated[str, BeforeValidator(_option)]], left_empty] = Field(
        default={}, description="Handed to the delegate as text, key by key."
    )


def _tag(value: object) -> str | None:
    if isinstance(value, str):
        return WORD
    return MAPPING if isinstance(value, Mapping) else None


def _read(value: str | ExternalDelegate, folder: Path) -> Delegate:  # noqa: ARG001  # Read hands it to every parser
    if isinstance(value, str):
        return Delegate.parse(value)
    return Delegate("external", library=value.library, options=tuple(value.options.items()))


def _write(delegate: Delegate) -> object:
    if delegate.kind == "external":
        return {"library": delegate.library, "options": dict(delegate.options)}
    return f"{delegate.kind}:{delegate.device}" if delegate.device else delegate.kind


DelegateSetting = Annotated[
    Delegate,
    Read(
        Annotated[
            Annotated[str, Tag(WORD)] | Annotated[ExternalDelegate, Tag(MAPPING)],
            Discriminator(
                _tag,
                custom_error_type="misfit",
                custom_error_message="must be a word such as auto or coral, or a mapping with a library",
            ),
        ],
        _read,
        _write,
    ),
]
