"""When the reader of a ring will ask for its next frame, predicted from when it did."""

from __future__ import annotations

from collections import deque

__all__ = ["REMEMBERED", "Demand"]

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
