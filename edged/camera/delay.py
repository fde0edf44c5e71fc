"""The delay of a network stream, found by its own clock and by whether its frames were waited for, and its silences."""

from __future__ import annotations

import math

from edged.errors import SourceError

__all__ = ["LONG_SILENCE", "SILENCE", "Backlog", "Delay", "is_from_before", "longest_silence"]

SILENCE = 1.0  # seconds without a frame, after which one may come that had been on its way all the time
SLOW_START, LONG_SILENCE = 10.0, 30.0  # seconds: some streams take so long to begin; a longer silence is a dead link

TOO_SLOW = (
    "this machine cannot keep up with the stream ({:.1f} s behind): use the camera's smaller stream, or let it send "
    "fewer frames per second"
)


class Delay:
    """Judges how old frames are that lie in the connection until they are read, because nothing gives the length of it.

    A frame that was waited for did not lie there: it is new, and gives how far apart the stream's clock and ours are.
    From there on, frames that were not waited for are behind by as much as the stream's clock is. So neither a clock of
    the stream that is wrong or runs wrong makes a delay as long as frames are waited for, nor one that is set.
    """

    LIMIT = 2.0  # seconds behind, from which on frames are passed over
    MOST = 1.0  # seconds that this may take
    LITTLE = 0.1  # seconds behind, at which it is done

    def __init__(self) -> None:
        self._apart = math.inf  # by how much our clock was ahead of the stream's when last there was no delay
        self._position = -math.inf
        self._late_since: float | None = None
        self.seconds = 0.0
        """Seconds that the last frame was behind."""

    def note(self, now: float, position: float, *, was_awaited: bool) -> None:
        """Take note of a frame that came at *now*, with the stream's time *position*, both in seconds.

        *was_awaited*: there was a moment since the frame before in which nothing had come.
        """
        apart = now - position
        is_set = position <= self._position
        self._apart = apart if was_awaited or is_set else min(self._apart, apart)
        self._position = position
        self.seconds = apart - self._apart
        if self.seconds <= (self.LIMIT if self._late_since is None else self.LITTLE):
            self._late_since = None
        elif self._late_since is None:
            self._late_since = now

    @property
    def is_late(self) -> bool:
        """True where frames are to be passed over until one is new."""
        return self._late_since is not None

    def is_hopeless(self, now: float) -> bool:
        """Check whether passing over frames has not helped."""
        return self._late_since is not None and now - self._late_since > self.MOST


class Backlog:
    """Finds the frames of a live stream that had gathered before they were read, from before a silence or behind."""

    def __init__(self) -> None:
        self._delay = Delay()
        self._position: float | None = None
        self.has_old = False
        """True where the last frame is from before a silence: newer ones have come with it."""

    @property
    def seconds(self) -> float:
        """Seconds that the last frame was behind."""
        return self._delay.seconds

    def note(self, now: float, position: float, waited: float) -> bool:
        """Take note of a frame that came at *now*, with the stream's time *position*, and was *waited* for, in seconds.

        Returns whether it is a new one, and to be given out.

        Raises:
            SourceError: the frames cannot be decoded as fast as they come. What is opened anew begins with the present.
        """
        advanced = position - self._position if self._position is not None else 0.0
        self._position = position
        # Never twice in a row: a slow camera may count its frames instead of giving their times.
        self.has_old = not self.has_old and is_from_before(waited, advanced)
        # A frame that was waited for did not lie in a queue, because nothing is waited for while that holds anything.
        self._delay.note(now, position, was_awaited=waited > 0)
        if self._delay.is_hopeless(now):
            raise SourceError(TOO_SLOW.format(self.seconds))
        return not (self.has_old or self._delay.is_late)


def longest_silence(stall_seconds: float) -> float:
    """Seconds without a frame after which a stream of a camera that is lost after *stall_seconds* is dead."""
    return min(max(stall_seconds or LONG_SILENCE, SLOW_START), LONG_SILENCE)


def is_from_before(waited: float, advanced: float) -> bool:
    """Check whether a frame that was *waited* for is from before that: its time *advanced* much less (in seconds).

    A stream that hung goes on with what had been held up, and one that was cut off ends with it. Where the stream's
    times stand still or go back they mean nothing.
    """
    return waited > SILENCE and 0.0 < advanced < waited / 2
