"""A cap on frames per second, by capture times."""

from __future__ import annotations

from edged.values import Stamp

__all__ = ["RateCap"]


class RateCap:
    """Passes at most *max_fps* frames a second, evenly spaced, by their capture times."""

    def __init__(self, max_fps: float | None) -> None:
        self._interval_ns = int(1e9 / max_fps) if max_fps else 0
        # The first frame may have come late: without this, those of a camera that delivers just as many would come
        # before they are due, and one in ten of them would be dropped.
        self._early_ns = self._interval_ns // 8
        self._next_ns = 0

    def admits(self, stamp: Stamp) -> bool:
        """Whether the frame of *stamp* may pass."""
        if stamp.t_cap_ns < self._next_ns - self._early_ns:
            return False
        # Counted from the slot that was due, not from this frame, so that 30 frames/s capped at 20 give 20 and not 15;
        # but after a gap nothing is made up for.
        late_ns = stamp.t_cap_ns - self._next_ns
        self._next_ns = (self._next_ns if late_ns < self._interval_ns else stamp.t_cap_ns) + self._interval_ns
        return True
