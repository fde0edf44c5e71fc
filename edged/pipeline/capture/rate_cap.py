"""A cap on frames per second, by capture times."""

from __future__ import annotations

from edged.values import Stamp

__all__ = ["RateCap"]


USUAL_FPS = 30.0  # of a camera without a cap, when its rate is halved
SLOWEST_NS = 1_000_000_000  # halving ends at one frame a second


class RateCap:
    """Passes at most *max_fps* frames a second, evenly spaced, by their capture times.

    The rate can be halved several times, down to one frame a second; that of a camera without a cap counts as
    `USUAL_FPS`.
    """

    def __init__(self, max_fps: float | None) -> None:
        self._own_ns = int(1e9 / max_fps) if max_fps else 0
        self._next_ns = 0
        self.halve(0)

    def halve(self, times: int) -> float | None:
        """Halve the rate so many *times* from now on. Returns the most frames a second; None for as many as come."""
        base_ns = self._own_ns if self._own_ns or not times else int(1e9 / USUAL_FPS)
        self._interval_ns = max(base_ns, min(base_ns << times, SLOWEST_NS))
        # The first frame may have come late: without this, those of a camera that delivers just as many would come
        # before they are due, and one in ten of them would be dropped.
        self._early_ns = self._interval_ns // 8
        return round(1e9 / self._interval_ns, 3) if self._interval_ns else None

    def admits(self, stamp: Stamp) -> bool:
        """Whether the frame of *stamp* may pass."""
        if stamp.t_cap_ns < self._next_ns - self._early_ns:
            return False
        # Counted from the slot that was due, not from this frame, so that 30 frames/s capped at 20 give 20 and not 15;
        # but after a gap nothing is made up for.
        late_ns = stamp.t_cap_ns - self._next_ns
        self._next_ns = (self._next_ns if late_ns < self._interval_ns else stamp.t_cap_ns) + self._interval_ns
        return True
