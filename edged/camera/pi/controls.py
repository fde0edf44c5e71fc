"""The settings of a camera: exposure, gain, white balance, frame rate and focus."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from edged.errors import SourceError

__all__ = ["WHITE_BALANCES", "PiControls"]

WHITE_BALANCES: Mapping[str, str] = MappingProxyType(
    {
        "auto": "Auto",
        "incandescent": "Incandescent",
        "tungsten": "Tungsten",
        "fluorescent": "Fluorescent",
        "indoor": "Indoor",
        "daylight": "Daylight",
        "cloudy": "Cloudy",
    }
)
"""The names of kinds of light, and what libcamera calls them."""

FASTEST_US, SLOWEST_US = 33_333, 100_000  # of a frame, where no rate is asked for: at night it may take longer


@dataclass(frozen=True, slots=True)
class PiControls:
    """Settings of a camera. None leaves it to the camera.

    Args:
        exposure_us: microseconds for which a frame is exposed.
        gain: how much the sensor amplifies, from 1.
        white_balance: a kind of light (see `WHITE_BALANCES`), or the gains of red and blue.
        fps: frames per second; None for 10…30, depending on the light.
        focus: ``auto`` to focus all the time, or the distance in dioptres: 0 is infinity, 2 half a metre. Left alone, a
            lens that can move stays where it is.

    Raises:
        ValueError: a value that no sensor has, or two that do not go together.
    """

    exposure_us: int | None = None
    gain: float | None = None
    white_balance: str | tuple[float, float] | None = None
    fps: float | None = None
    focus: Literal["auto"] | float | None = None

    def __post_init__(self) -> None:
        if self.exposure_us is not None and self.exposure_us < 1:
            raise ValueError(f"exposure_us must be at least 1 (got {self.exposure_us})")
        if self.gain is not None and not 1 <= self.gain < math.inf:
            raise ValueError(f"gain must be at least 1 (got {self.gain})")
        if self.fps is not None and not 0 < self.fps < math.inf:
            raise ValueError(f"fps must be positive (got {self.fps})")
        if self.fps and self.exposure_us and self.exposure_us * self.fps > 1_000_000:
            raise ValueError(f"an exposure of {self.exposure_us} us is longer than a frame at {self.fps:g} frames/s")
        if not (self.focus in (None, "auto") or (isinstance(self.focus, int | float) and 0 <= self.focus < math.inf)):
            raise ValueError(f"focus must be auto, or dioptres from 0 (got {self.focus!r})")
        match self.white_balance:
            case str() if self.white_balance not in WHITE_BALANCES:
                kinds = ", ".join(WHITE_BALANCES)
                raise ValueError(f"white_balance must be one of {kinds} (got {self.white_balance!r})")
            case tuple() if len(self.white_balance) != 2 or not all(0 < g < math.inf for g in self.white_balance):
                raise ValueError(f"white_balance must be two positive gains (got {self.white_balance})")

    def for_camera(
        self, available: Mapping[str, tuple[Any, Any, Any]], choice: Callable[[str, str], Any]
    ) -> dict[str, Any]:
        """These settings as libcamera's controls, for a camera that has the *available* ones.

        Raises:
            SourceError: it lacks one that was asked for, or cannot do what it should.
        """
        controls: dict[str, Any] = {}
        if self.exposure_us is not None:
            controls["ExposureTime"] = _checked("exposure_us", "ExposureTime", self.exposure_us, available)
        if self.gain is not None:
            controls["AnalogueGain"] = _checked("gain", "AnalogueGain", self.gain, available)
        match self.white_balance:
            case str():
                mode = choice("AwbMode", WHITE_BALANCES[self.white_balance])
                controls |= {"AwbEnable": True, "AwbMode": mode}
            case tuple():
                controls |= {"AwbEnable": False, "ColourGains": self.white_balance}
        for name in controls:
            _range("white_balance", name, available)
        return controls | self._lens(available, choice) | self._frame_duration(available)

    def _lens(self, available: Mapping[str, tuple[Any, Any, Any]], choice: Callable[[str, str], Any]) -> dict[str, Any]:
        if self.focus is None:
            return {}
        _range("focus", "AfMode", available)
        if self.focus == "auto":
            return {"AfMode": choice("AfMode", "Continuous")}
        position = _checked("focus", "LensPosition", self.focus, available)
        return {"AfMode": choice("AfMode", "Manual"), "LensPosition": float(position)}

    def _frame_duration(self, available: Mapping[str, tuple[Any, Any, Any]]) -> dict[str, Any]:
        name = "FrameDurationLimits"
        if self.fps is not None:
            least, most = _range("fps", name, available)
            if not least <= (duration := round(1_000_000 / self.fps)) <= most:
                raise SourceError(f"fps must be in {1e6 / most:.3g}…{1e6 / least:.3g} at this size (got {self.fps:g})")
            return {name: (duration, duration)}
        if name not in available:
            return {}
        least, most = _range("fps", name, available)
        slowest = max(SLOWEST_US, self.exposure_us or 0)
        return {name: (min(max(FASTEST_US, least), most), min(max(slowest, least), most))}


def _checked(setting: str, control: str, value: float, available: Mapping[str, tuple[Any, Any, Any]]) -> float:
    least, most = _range(setting, control, available)
    if not least <= value <= most:
        raise SourceError(f"{setting} must be in {least:g}…{most:g} for this camera (got {value:g})")
    return value


def _range(setting: str, control: str, available: Mapping[str, tuple[Any, Any, Any]]) -> tuple[float, float]:
    if control not in available:
        raise SourceError(f"this camera has no {control}, which {setting} needs; leave {setting} out")
    least, most, _ = available[control]
    return least, most
