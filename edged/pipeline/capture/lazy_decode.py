"""Which frames need no decoding, because a newer one will be there before anybody asks."""

from __future__ import annotations

from collections import deque

from edged.pipeline.demand import REMEMBERED

__all__ = ["LazyDecode"]


class LazyDecode:
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
