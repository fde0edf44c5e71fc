"""The wall clock, which people read, from the monotonic clock, which orders everything."""

from __future__ import annotations

import ctypes
import time
from functools import cache

__all__ = ["WallClock", "clock_synced"]

RESAMPLE_SECONDS = 1.0

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_BYTES = 256  # struct timex is 208 bytes on 64-bit Linux and smaller on 32-bit


class WallClock:
    """Wall time of monotonic instants, from an offset that is sampled once a second.

    Between two samples, frames keep their order and distance even if the wall clock is set. After it was set, the
    times are right again within a second.
    """

    def __init__(self) -> None:
        self._offset_ns = 0
        self._sampled_ns = 0
        self.synced: bool | None = None
        """Whether the kernel reports that the wall clock is synchronised; None where it reports nothing."""
        self._sample(time.monotonic_ns())

    def wall_us(self, monotonic_ns: int) -> int:
        """Return the microseconds since 1970 at the instant *monotonic_ns* of CLOCK_MONOTONIC."""
        now = time.monotonic_ns()
        if now - self._sampled_ns > RESAMPLE_SECONDS * 1e9:
            self._sample(now)
        return (monotonic_ns + self._offset_ns) // 1000

    def _sample(self, now: int) -> None:
        self._offset_ns = time.time_ns() - now
        self._sampled_ns = now
        self.synced = clock_synced()


def clock_synced() -> bool | None:
    """Whether the kernel's clock is disciplined by a time service (adjtimex(2) with no change asked for).

    None where the call is not allowed or does not exist.
    """
    try:
        state = _libc().adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


@cache  # each one would make a few classes, which only the garbage collector frees
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
