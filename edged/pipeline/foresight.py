"""Which frames need no decoding, because a newer one will be there before anybody asks."""

from __future__ import annotations

from collections import deque

__all__ = ["Demand", "Foresight"]

REMEMBERED = 8  # of each figure; the least favourable of them counts


class Demand:
    """When a reader will ask for a frame, by the times at which it did: nanoseconds of CLOCK_MONOTONIC."""

    def __init__(self) -> None:
        self._turns: deque[int] = deque(maxlen=REMEMBERED)  # from taking a frame to asking for the next
        self._taken_ns: int | None = None
        self._waits = True

    def asked(self, now_ns: int, *, in_vain: bool) -> None:
        """The reader has asked: for a frame that was there, or *in_vain*, and so waits for the next one."""
        if not self._waits and self._taken_ns is not None:
            self._turns.append(now_ns - self._taken_ns)
        self._waits = in_vain
        if not in_vain:
            self._taken_ns = now_ns

    @property
    def due_ns(self) -> int:
        """When it will ask at the earliest; 0 if it waits, or nobody knows."""
        if self._waits or not self._turns or self._taken_ns is None:
            return 0
        return self._taken_ns + min(self._turns)


class Foresight:
    """Whether the frame that came can be left undecoded, because the next one will be decoded in time.

    Its figures are of the recent past. Where there are none, and after a frame that was no good, nothing is left out.
    """

    def __init__(self) -> None:
        self._gaps: deque[int] = deque(maxlen=REMEMBERED)
        self._costs: deque[int] = deque(maxlen=REMEMBERED)
        self._came_ns: int | None = None

    def can_wait(self, now_ns: int, due_ns: int) -> bool:
        """A frame has come *now_ns*, and one will be asked for at *due_ns*: will the next one do?"""
        if self._came_ns is not None:
            self._gaps.append(now_ns - self._came_ns)
        self._came_ns = now_ns
        return bool(self._gaps and self._costs) and now_ns + max(self._gaps) + max(self._costs) < due_ns

    def decoded(self, cost_ns: int) -> None:
        """A good frame was decoded in *cost_ns* nanoseconds."""
        self._costs.append(cost_ns)

    def forget(self) -> None:
        """Something went wrong, or has begun anew: decode what comes."""
        self._gaps.clear()
        self._costs.clear()
        self._came_ns = None
