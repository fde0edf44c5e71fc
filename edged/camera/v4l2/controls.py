"""Controls of a V4L2 camera: exposure, gain, white balance, focus, the mains frequency, and mirrors of the sensor."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from edged.camera.mirror import mirror_of, mirrors
from edged.camera.v4l2 import abi
from edged.camera.v4l2.device import Device
from edged.camera.v4l2.stream import GONE
from edged.errors import SourceError
from edged.values import Mirror

__all__ = ["AUTO", "CameraControls", "Controls"]

AUTO = "auto"

MANUAL_EXPOSURE = 1
EXPOSURE_UNIT_US = 100

# In kelvins, for cameras without such presets of their own; the nearest that the camera has is taken.
LIGHTS: Mapping[str, int] = MappingProxyType(
    {
        "incandescent": 2700,
        "tungsten": 3200,
        "fluorescent": 4200,
        "indoor": 4000,
        "daylight": 5600,
        "cloudy": 6500,
    }
)
# The entries of V4L2_CID_AUTO_N_PRESET_WHITE_BALANCE.
PRESETS: Mapping[str | int, int] = MappingProxyType(
    {AUTO: 1, "incandescent": 2, "tungsten": 2, "fluorescent": 3, "indoor": 3, "daylight": 6, "cloudy": 8}
)
FREQUENCIES: Mapping[str | int, int] = MappingProxyType({"off": 0, 50: 1, 60: 2, AUTO: 3})


@dataclass(frozen=True, slots=True)
class Controls:
    """Settings of a camera, in the driver's own units but for the exposure. None leaves one as it is.

    Args:
        exposure_us: microseconds for which a frame is exposed.
        gain: how much the sensor amplifies.
        white_balance: ``auto``, a kind of light, kelvins, or the gains of red and blue.
        focus: ``auto``, or the position of the lens.
        power_line_frequency: against the flicker of lamps: ``off``, 50, 60 or ``auto``.
    """

    exposure_us: int | None = None
    gain: int | None = None
    white_balance: str | int | tuple[int, int] | None = None
    focus: Literal["auto"] | int | None = None
    power_line_frequency: Literal["off", "auto"] | int | None = None


class CameraControls:
    """Sets the controls of an open *device*, and sets them back to what they were.

    ``shortfall`` is a sentence on values that the driver changed; empty if there are none.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._before: list[tuple[int, int]] = []
        self._changed: list[str] = []

    @property
    def shortfall(self) -> str:
        return f"it was asked for {', '.join(self._changed)}" if self._changed else ""

    def mirror(self, wanted: Mirror) -> Mirror:
        """Mirror in the sensor, as far as it can; returns what it does of *wanted*."""
        across, down = mirrors(wanted)
        return mirror_of(across and self._flips(abi.CID_HFLIP), down and self._flips(abi.CID_VFLIP))

    def apply(self, wanted: Controls) -> None:
        """Set what is *wanted*.

        Raises:
            SourceError: the camera has no such control, or not that value; the text has its range.
        """
        if wanted.exposure_us is not None:
            self._expose(wanted.exposure_us)
        if wanted.gain is not None:
            self._switch_off(abi.CID_AUTOGAIN)
            self._set_number("gain", abi.CID_GAIN, wanted.gain)
        if wanted.white_balance is not None:
            self._balance(wanted.white_balance)
        if wanted.focus is not None:
            self._focus(wanted.focus)
        if wanted.power_line_frequency is not None:
            self._choose_frequency(wanted.power_line_frequency)

    def restore(self) -> None:
        """Set back what was changed, as far as the device is still there."""
        while self._before:
            with suppress(OSError):
                self._device.set_value(*self._before.pop())

    def _flips(self, number: int) -> bool:
        """Switch a flip on; returns whether the sensor does it."""
        try:
            return self._device.control(number) is not None and self._set(number, 1) == 1
        except SourceError:  # refused; it is done without the sensor then
            return False

    def _expose(self, exposure_us: int) -> None:
        if self._device.control(abi.CID_EXPOSURE_AUTO) is not None:
            if not self._device.offers(abi.CID_EXPOSURE_AUTO, MANUAL_EXPOSURE):
                raise SourceError("this camera always exposes automatically; leave exposure_us out")
            self._set(abi.CID_EXPOSURE_AUTO, MANUAL_EXPOSURE)
        self._set_number("exposure_us", abi.CID_EXPOSURE_ABSOLUTE, exposure_us, EXPOSURE_UNIT_US)

    def _balance(self, wanted: str | int | tuple[int, int]) -> None:
        name = "white_balance"
        if isinstance(wanted, str) and self._device.control(abi.CID_AUTO_N_PRESET_WHITE_BALANCE) is not None:
            self._set_entry(name, abi.CID_AUTO_N_PRESET_WHITE_BALANCE, wanted, PRESETS)
        elif wanted == AUTO:
            self._check(name, abi.CID_AUTO_WHITE_BALANCE)
            self._set(abi.CID_AUTO_WHITE_BALANCE, 1)
        elif isinstance(wanted, tuple):
            self._switch_off(abi.CID_AUTO_WHITE_BALANCE)
            for colour, number, gain in zip(
                ("red", "blue"), (abi.CID_RED_BALANCE, abi.CID_BLUE_BALANCE), wanted, strict=True
            ):
                self._set_number(f"{name} of {colour}", number, gain)
        else:
            self._switch_off(abi.CID_AUTO_WHITE_BALANCE)
            least, greatest = self._check(name, abi.CID_WHITE_BALANCE_TEMPERATURE)
            kelvins = min(max(LIGHTS[wanted], least), greatest) if isinstance(wanted, str) else wanted
            self._set_number(name, abi.CID_WHITE_BALANCE_TEMPERATURE, kelvins)

    def _focus(self, wanted: Literal["auto"] | int) -> None:
        if isinstance(wanted, str):
            self._check("focus", abi.CID_FOCUS_AUTO)
            self._set(abi.CID_FOCUS_AUTO, 1)
        else:
            self._switch_off(abi.CID_FOCUS_AUTO)
            self._set_number("focus", abi.CID_FOCUS_ABSOLUTE, wanted)

    def _choose_frequency(self, wanted: str | int) -> None:
        self._set_entry("power_line_frequency", abi.CID_POWER_LINE_FREQUENCY, wanted, FREQUENCIES)

    def _set_entry(self, name: str, number: int, wanted: str | int, entries: Mapping[str | int, int]) -> None:
        self._check(name, number)
        known = {choice: entry for choice, entry in entries.items() if self._device.offers(number, entry)}
        if wanted not in known:
            choices = ", ".join(map(str, known)) or "nothing"
            raise SourceError(f"{name} must be one of {choices} for this camera (got {wanted})")
        self._set(number, known[wanted])

    def _set_number(self, name: str, number: int, wanted: int, unit: int = 1) -> None:
        """Set a number that the configuration has in 1/*unit* of the driver's."""
        least, greatest = self._check(name, number)
        value = round(wanted / unit)
        if not least <= value <= greatest:
            raise SourceError(f"{name} must be in {least * unit}…{greatest * unit} for this camera (got {wanted})")
        took = self._set(number, value)
        if took != value:
            self._changed.append(f"{name} {wanted} and took {took * unit}")

    def _check(self, name: str, number: int) -> tuple[int, int]:
        limits = self._device.control(number)
        if limits is None:
            key = name.partition(" ")[0]
            raise SourceError(f"this camera has no control for {name}; leave {key} out, or give it another value")
        return limits

    def _switch_off(self, number: int) -> None:
        """Switch an automatic control off, where there is one: it would change what is set."""
        if self._device.control(number) is not None:
            self._set(number, 0)

    def _set(self, number: int, value: int) -> int:
        before = self._device.value(number)
        if before != value:
            self._before.append((number, before))
        try:
            return self._device.set_value(number, value)
        except OSError as exc:
            if exc.errno in GONE:
                raise
            raise SourceError(f"it refuses a control: {exc.strerror}") from exc
