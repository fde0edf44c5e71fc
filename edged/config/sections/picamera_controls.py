"""Settings of light and focus for a Raspberry Pi camera."""

from __future__ import annotations

import math
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from edged.config.problems import shown
from edged.config.sections.fields import Section, misfit, several

__all__ = ["ControlsConfig", "WhiteBalance"]

NEAREST = 100.0  # dioptres

WhiteBalance = Literal["auto", "incandescent", "tungsten", "fluorescent", "indoor", "daylight", "cloudy"]


def _white_balance(value: object) -> object:
    if value is None or value in get_args(WhiteBalance):
        return value
    if isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_gain, value)):
        return tuple(map(float, value))
    kinds = ", ".join(get_args(WhiteBalance))
    got = f"[{', '.join(map(shown, value[:3]))}]" if isinstance(value, list) else shown(value)
    raise misfit(f"must be one of {kinds}, or the gains of red and blue such as [1.8, 1.5] (got {got})")


def _focus(value: object) -> object:
    if value is None or value == "auto":
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= NEAREST:
        return float(value)
    raise misfit(f"must be auto, or dioptres in 0…{NEAREST:g}: 0 is infinity, 2 half a metre (got {shown(value)})")


def _is_gain(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


class ControlsConfig(Section):
    """Settings of a Raspberry Pi camera. Exposure, gain and white balance are automatic where they are left out."""

    exposure_us: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = Field(
        default=None, description="Microseconds for which a frame is exposed. Default: automatic."
    )
    gain: Annotated[float, Field(ge=1, le=1000)] | None = Field(
        default=None, description="How much the sensor amplifies, from 1. Default: automatic."
    )
    white_balance: Annotated[
        WhiteBalance | Annotated[tuple[float, float], several] | None, BeforeValidator(_white_balance)
    ] = Field(
        default=None,
        description="The kind of light, or the gains of red and blue, such as [1.8, 1.5]. Default: automatic.",
    )
    focus: Annotated[Literal["auto"] | float | None, BeforeValidator(_focus)] = Field(
        default=None,
        description="auto to focus all the time, or the distance in dioptres: 0 is infinity, 2 half a metre. Default: "
        "the lens stays where it is.",
    )
