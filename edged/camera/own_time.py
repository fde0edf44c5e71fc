"""The capture times of a stream's frames, by the clock of the stream itself."""

from __future__ import annotations

import math

from edged.values import Stamp, StreamClock

__all__ = ["OwnTime"]

_SECOND = 1_000_000_000


class OwnTime:
    """Makes capture times on CLOCK_MONOTONIC of a stream's own times, and never of anything that cannot be right.

    The timestamps of a stream give how far apart its frames were captured, and the frame that was on its way for the
    shortest time gives when: a frame cannot have come before it was captured. Where the camera gives its wall clock
    too, that gives when, provided that it puts no frame into the future and makes none older than `OLDEST`. The clock
    of the stream may be set at any time, or count frames instead of time; then the arrival counts.

    Args:
        use_wall_clock: of the camera, where it gives one.
    """

    OLDEST = 2 * _SECOND  # by the wall clock of the camera
    LATEST = _SECOND  # after the frame that was fastest
    WINDOW = 5 * _SECOND  # in which the fastest frame is looked for, and in the one before: clocks drift
    FEW = 3  # times in a row that the clock may be set before it is no clock

    def __init__(self, *, use_wall_clock: bool = True) -> None:
        self._use_wall_clock = use_wall_clock
        self._position_ns: int | None = None  # of the last frame
        self._apart = self._apart_before = math.inf  # arrival less position of the fastest frame, in both windows
        self._window_end = 0
        self._was_set = 0  # so often in a row has the clock been slow
        self._by_wall_clock: int | None = None  # capture time less position, as the camera's wall clock has it
        self._last_ns = 0

    def note_wall_clock(self, wall_ns: int, position_ns: int, now_ns: int, now_wall_ns: int) -> None:
        """Take note that the camera's wall clock was *wall_ns* at *position_ns* of the stream.

        *now_ns* and *now_wall_ns* are the present on CLOCK_MONOTONIC and as Unix time. Should our own wall clock be set
        later, that takes effect with the next note.
        """
        if self._use_wall_clock:
            self._by_wall_clock = wall_ns - (now_wall_ns - now_ns) - position_ns

    def stamp(self, position_ns: int, now_ns: int) -> Stamp:
        """Return the capture time of the frame at *position_ns* of the stream, which came at *now_ns*."""
        self._note_arrival(position_ns, now_ns)
        captured, ts_from = self._captured(position_ns, now_ns)
        if ts_from is None:
            self._last_ns = now_ns
            return Stamp(now_ns, "arrival")
        # Times never go back, where another clock takes over or a faster frame has come.
        self._last_ns = min(max(captured, self._last_ns + 1), now_ns)
        return Stamp(self._last_ns, "driver", ts_from)

    def _captured(self, position_ns: int, now_ns: int) -> tuple[int, StreamClock | None]:
        if self._by_wall_clock is not None and 0 <= now_ns - position_ns - self._by_wall_clock <= self.OLDEST:
            return position_ns + self._by_wall_clock, "rtcp"
        if self._was_set >= self.FEW:
            return now_ns, None
        return position_ns + int(min(self._apart, self._apart_before)), "pts"

    def _note_arrival(self, position_ns: int, now_ns: int) -> None:
        apart = now_ns - position_ns
        is_set_back = self._position_ns is not None and position_ns <= self._position_ns
        is_slow = apart - min(self._apart, self._apart_before) > self.LATEST
        self._position_ns = position_ns
        if is_set_back or is_slow:
            self._was_set += 1
            self._apart, self._apart_before, self._window_end = apart, math.inf, now_ns + self.WINDOW
            return
        self._apart = min(self._apart, apart)
        if now_ns >= self._window_end:
            if self._window_end:
                self._was_set = 0  # for a whole window nothing was wrong
            self._apart_before, self._apart = self._apart, apart
            self._window_end = now_ns + self.WINDOW
