"""The time at which a frame was exposed, as libcamera gives it, on the clock that edged uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edged.values import Stamp

__all__ = ["stamp_of"]

OLDEST_NS = 10_000_000_000  # a frame that old is not fresh from the camera: its time means something else
AHEAD_NS = 5_000_000  # by so much a time may lie in the future, because the clocks are read one after the other


def stamp_of(metadata: Mapping[str, Any], monotonic_ns: int, boottime_ns: int) -> Stamp:
    """Return the capture time in *metadata* as CLOCK_MONOTONIC; if it cannot be true, the arrival time *monotonic_ns*.

    ``SensorTimestamp`` is defined to be of CLOCK_BOOTTIME, which also counts the time in which the machine slept;
    drivers give CLOCK_MONOTONIC. On a machine that never sleeps that is the same; on others the later of the
    two possible times is taken.
    """
    reported = metadata.get("SensorTimestamp")
    if isinstance(reported, int):
        candidates = (reported, reported - (boottime_ns - monotonic_ns))
        possible = [at for at in candidates if -AHEAD_NS <= monotonic_ns - at <= OLDEST_NS]
        if possible:
            return Stamp(min(max(possible), monotonic_ns), "driver")
    return Stamp(monotonic_ns, "arrival")
