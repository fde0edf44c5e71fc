"""The times of a recording's frames: a timeline without jumps, and the moments at which its frames are due."""

from __future__ import annotations

__all__ = ["DEFAULT_FPS", "Pace", "Timeline"]

DEFAULT_FPS = 25.0  # of a recording that has neither timestamps nor a rate


class Timeline:
    """Places frames one after the other, as far apart as their timestamps are.

    Recordings are cut and put together, and their clocks are set. So a step that leads back, or that is long and five
    times as long as the step before, is a seam: the frame follows at the distance at which frames came before.

    Args:
        interval: seconds from one frame to the next, as far as the recording gives that.
    """

    LONGEST_STEP = 10.0  # seconds; a longer pause is believed only where frames come that slowly anyway

    def __init__(self, interval: float) -> None:
        self.interval = interval
        """Seconds from one frame to the next, lately."""
        self._position: float | None = None
        self._time: float | None = None

    def place(self, time: float | None) -> float:
        """Return the place of a frame with the timestamp *time*, in seconds; the first is at 0."""
        before, self._time = self._time, time
        if self._position is None:
            self._position = 0.0
            return 0.0
        step = time - before if time is not None and before is not None else 0.0
        if not 0.0 < step <= max(self.LONGEST_STEP, 5 * self.interval):
            step = self.interval
        elif step <= 5 * self.interval:  # a single pause says nothing of the frames around it
            self.interval = step
        self._position += step
        return self._position

    def cut(self) -> None:
        """Note a seam: the next timestamp stands in no relation to the last one."""
        self._time = None


class Pace:
    """The times at which the frames of a recording are due: at their distances in the recording, or at a fixed rate.

    A player that falls behind, because it waits downstream, does not rush afterwards: the clock is set anew.
    """

    LARGEST_LAG = 1.0  # seconds of lateness that are caught up with; more is forgotten

    def __init__(self) -> None:
        self._anchor: float | None = None

    def due(self, position: float, now: float) -> float:
        """Return the moment on the clock of *now* at which the frame at *position* seconds of the recording is due."""
        if self._anchor is None or now - (self._anchor + position) > self.LARGEST_LAG:
            self._anchor = now - position
        return self._anchor + position
