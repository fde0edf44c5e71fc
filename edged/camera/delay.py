"""The delay of a network stream, found by its own clock and by whether its frames were waited for."""

from __future__ import annotations

import math
import resource
import time
from pathlib import Path
from typing import NamedTuple

__all__ = ["Delay", "Sleep"]

SCHEDSTAT = Path("/proc/thread-self/schedstat")


class Delay:
    """Judges how old frames are that lie in a queue until they are read, because the length of the queue is unknown.

    A frame that was slept for did not lie there: it is new, and shows how far apart the stream's clock and ours are.
    From there on, frames that were not slept for are behind by as much as the stream's clock is. So neither a clock of
    the stream that is wrong or runs wrong makes a delay as long as frames are waited for, nor one that is set.

    Args:
        fps: frames per second that the stream claims to have.
    """

    LIMIT = 2.0  # seconds behind, from which on frames are passed over
    MOST = 1.0  # seconds that this may take
    LITTLE = 0.1  # seconds behind, at which it is done

    def __init__(self, fps: float) -> None:
        self._sleep = min(0.01, 0.5 / fps)  # shorter ones may be those of Python's lock
        self._apart = math.inf  # by how much our clock was ahead of the stream's when last there was no delay
        self._position = -math.inf
        self._late_since: float | None = None
        self.seconds = 0.0
        """Seconds that the last frame was behind."""

    def note(self, now: float, position: float, slept: float) -> None:
        """Take note of a frame that came at *now*, with the stream's time *position*, after the reader *slept* for it.

        All in seconds.
        """
        apart = now - position
        is_set = position <= self._position
        self._apart = apart if slept > self._sleep or is_set else min(self._apart, apart)
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


class Sleep(NamedTuple):
    """The time that this thread has slept until now, from an arbitrary start, and how often it began to.

    Time in which it runs or waits for a processor does not count; a kernel that does not account for that queue
    counts it in.
    """

    seconds: float
    times: int

    @classmethod
    def until_now(cls) -> Sleep:
        """As it is now."""
        try:
            queued = int(SCHEDSTAT.read_bytes().split()[1]) / 1e9  # Documentation/scheduler/sched-stats.rst
        except (OSError, IndexError, ValueError):
            queued = 0.0
        times = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
        return cls(time.monotonic() - time.thread_time() - queued, times)

    def since(self, before: Sleep) -> float:
        """Return seconds of sleep between *before* and this.

        0 where the thread never gave up its processor by itself: then it was the host of a virtual machine that took
        the processor away.
        """
        return self.seconds - before.seconds if self.times > before.times else 0.0
