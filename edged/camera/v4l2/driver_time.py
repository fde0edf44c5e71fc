"""The time at which a frame was captured, as far as that of the driver makes sense."""

from __future__ import annotations

from edged.camera.v4l2 import abi
from edged.camera.v4l2.stream import FilledBuffer
from edged.values import Stamp

__all__ = ["DriverTime"]


class DriverTime:
    """Turns the drivers' times of one stream into stamps that never go back.

    The time counts if the driver marks it as CLOCK_MONOTONIC and it can be true. Drivers leave it at 0, fill in the
    time of day, or jump: then the arrival time counts for that frame.
    """

    OLDEST_NS = 10_000_000_000  # a frame that waited longer than this is not believed to have

    def __init__(self) -> None:
        self._last_ns = 0

    def stamp(self, filled: FilledBuffer, now_ns: int) -> Stamp:
        """Return the stamp of *filled*, taken at *now_ns* of CLOCK_MONOTONIC."""
        monotonic = filled.flags & abi.BUF_FLAG_TIMESTAMP_MASK == abi.BUF_FLAG_TIMESTAMP_MONOTONIC
        # A driver's clock that stands still gives no times, so that even the same time again is not believed.
        possible = max(self._last_ns + 1, now_ns - self.OLDEST_NS) <= filled.time_ns <= now_ns
        stamp = Stamp(filled.time_ns, "driver") if monotonic and possible else Stamp(now_ns, "arrival")
        self._last_ns = stamp.t_cap_ns
        return stamp
