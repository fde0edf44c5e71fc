"""Leaves frames undecoded, because a newer one will be there before the inference asks."""

from __future__ import annotations

from collections import deque

from edged.pipeline.demand import REMEMBERED

__all__ = ["LazyDecode"]


class LazyDecode:
    """Decides whether a frame can be left undecoded, because the next one will be decoded in time.

    Its figures are of the recent past. Without any, and after a damaged frame, every frame is decoded.
    """

    def __init__(self) -> None:
        self._gaps: deque[int] = deque(maxlen=REMEMBERED)
        self._costs: deque[int] = deque(maxlen=REMEMBERED)
        self._came_ns: int | None = None

    def can_wait(self, now_ns: int, due_ns: int) -> bool:
        """Whether the frame that came *now_ns* can be left out, as one will be asked for at *due_ns*."""
        if self._came_ns is not None:
            self._gaps.append(now_ns - self._came_ns)
        self._came_ns = now_ns
        return bool(self._gaps and self._costs) and now_ns + max(self._gaps) + max(self._costs) < due_ns

    def note_decoded(self, cost_ns: int) -> None:
        """Note that a good frame was decoded in *cost_ns* nanoseconds."""
        self._costs.append(cost_ns)

    def forget(self) -> None:
        """Decode the next frames: something went wrong, or has begun anew."""
        self._gaps.clear()
        self._costs.clear()
        self._came_ns = None
