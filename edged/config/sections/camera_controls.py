"""Settings of light and focus, for a Raspberry Pi camera and for a USB camera."""

from __future__ import annotations

import math
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from edged.config.problems import shown
from edged.config.sections.fields import Section, misfit, several

__all__ = ["ControlsConfig", "WhiteBalance"]

NEAREST = 100.0  # dioptres
MOST = 65535  # of a driver's own units
KELVINS = range(1000, 20001)

WhiteBalance = Literal["auto", "incandescent", "tungsten", "fluorescent", "indoor", "daylight", "cloudy"]


def _white_balance(value: object) -> object:
    if value is None or value in get_args(WhiteBalance) or (type(value) is int and value in KELVINS):
        return value
    if isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_gain, value)):
        return tuple(map(float, value))
    kinds = ", ".join(get_args(WhiteBalance))
    got = f"[{', '.join(map(shown, value[:3]))}]" if isinstance(value, list) else shown(value)
    raise misfit(f"must be one of {kinds}, or the gains of red and blue such as [1.8, 1.5] (got {got})")


def _focus(value: object) -> object:
    if value is None or value == "auto":
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST:
        return float(value)
    raise misfit(f"must be {_FOCUS} (got {shown(value)})")


def _frequency(value: object) -> object:
    if value is None or value in ("off", "auto") or (type(value) is int and value in (50, 60)):
        return value
    raise misfit(f"must be off, 50, 60 or auto (got {shown(value)})")


def _is_gain(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


_FOCUS = f"auto, or dioptres in 0…{NEAREST:g}: 0 is infinity, 2 half a metre"


class ControlsConfig(Section):
    """Settings of a picamera: or usb: camera. What is left out is left to the camera."""

    exposure_us: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = Field(
        default=None, description="Microseconds for which a frame is exposed. Default: automatic."
    )
    gain: Annotated[float, Field(ge=0, le=MOST)] | None = Field(
        default=None,
        description="How much the sensor amplifies: from 1 for a picamera:, in the driver's units for usb:. Default: "
        "automatic.",
    )
    white_balance: Annotated[
        WhiteBalance | int | Annotated[tuple[float, float], several] | None, BeforeValidator(_white_balance)
    ] = Field(
        default=None,
        description="The kind of light, kelvins for usb:, or the gains of red and blue, such as [1.8, 1.5]. Default: "
        "automatic.",
    )
    focus: Annotated[Literal["auto"] | float | None, BeforeValidator(_focus)] = Field(
        default=None,
        description="auto to focus all the time, or the distance in dioptres: 0 is infinity, 2 half a metre; for usb: "
        "the position of the lens in the driver's units. Default: the lens stays where it is.",
    )
    power_line_frequency: Annotated[Literal["off", "auto", 50, 60] | None, BeforeValidator(_frequency)] = Field(
        default=None,
        description="For usb:, against the flicker of lamps: the frequency of the mains, 50 or 60 Hz, auto, or off. "
        "Default: as the camera is set.",
    )

    def misfit_of_picamera(self) -> PydanticCustomError | None:
        """Return what a picamera: cannot be set to; None if there is nothing."""
        if self.gain is not None and not 1 <= self.gain <= 1000:
            bound = "at least 1" if self.gain < 1 else "at most 1000"
            return misfit(f"must be {bound} (got {shown(self.gain)})", at=("gain",))
        if isinstance(self.white_balance, int):
            return misfit("must not be kelvins for a picamera:; name a kind of light", at=("white_balance",))
        if isinstance(self.focus, float) and self.focus > NEAREST:
            return misfit(f"must be {_FOCUS} (got {shown(self.focus)})", at=("focus",))
        if self.power_line_frequency is not None:
            return misfit("is only for usb:; leave it out", at=("power_line_frequency",))
        return None

    def misfit_of_usb(self) -> PydanticCustomError | None:
        """Return what no usb: camera can be set to; None if there is nothing."""
        balance = self.white_balance if isinstance(self.white_balance, tuple) else ()
        numbers = [("gain", self.gain), ("focus", self.focus), *(("white_balance", gain) for gain in balance)]
        for name, number in numbers:
            if isinstance(number, float) and not number.is_integer():
                return misfit(f"must be whole for usb:, in the driver's own units (got {shown(number)})", at=(name,))
        return None
