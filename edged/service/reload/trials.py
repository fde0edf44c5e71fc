"""Trials: settings of cameras that take themselves back."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from edged.config import Loaded, with_camera

__all__ = ["Trial", "Trials"]


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial of *settings* of a camera, by their keys in the configuration, for so many *seconds*; 0 ends it."""

    camera: str
    settings: Mapping[str, object]
    seconds: float


@dataclass(frozen=True, slots=True)
class _UnderWay:
    settings: Mapping[str, object]
    ends: float  # on the monotonic clock


@dataclass(frozen=True, slots=True)
class Trials:
    """The trials under way, at most one for each camera; a value that is replaced whole."""

    _under_way: Mapping[str, _UnderWay] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._under_way)

    @property
    def ends(self) -> Mapping[str, float]:
        """When the trial of each camera ends, in seconds on the monotonic clock."""
        return {camera: each.ends for camera, each in self._under_way.items()}

    @property
    def seconds_left(self) -> float:
        """Seconds until the next one ends."""
        return max(0.0, min(self.ends.values(), default=math.inf) - time.monotonic())

    def with_trial(self, trial: Trial) -> Trials:
        """Return them with *trial*, which begins now, in place of another one of its camera."""
        others = {camera: each for camera, each in self._under_way.items() if camera != trial.camera}
        if not trial.seconds:
            return Trials(others)
        return Trials({**others, trial.camera: _UnderWay(trial.settings, time.monotonic() + trial.seconds)})

    def without_ended(self) -> Trials:
        """Return those that have not come to their end."""
        now = time.monotonic()
        return Trials({camera: each for camera, each in self._under_way.items() if each.ends > now})

    def apply(self, configured: Loaded) -> Loaded:
        """Return *configured* with their settings.

        Raises:
            ConfigFileError: something is wrong with them.
        """
        for camera, each in self._under_way.items():
            configured = with_camera(configured, camera, each.settings)
        return configured
