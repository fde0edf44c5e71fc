"""Losses and restarts of a stream, counted from ``seq`` and ``run``."""

from __future__ import annotations

from collections import Counter

__all__ = ["Continuity"]


class Continuity:
    """Counters by topic.

    ``gaps`` counts messages that were missed between two that came; messages before the first are unknown.
    ``restarts`` counts how often the numbers began again: the daemon was started again, or a recording was.
    """

    def __init__(self) -> None:
        self.gaps: Counter[bytes] = Counter()
        self.restarts: Counter[bytes] = Counter()
        self._last: dict[bytes, tuple[str, int]] = {}

    def count_message(self, topic: bytes, run: str, seq: int) -> None:
        """Count what was missed before a message that came."""
        last_run, last_seq = self._last.get(topic, (run, seq - 1))
        self._last[topic] = run, seq
        missed = seq - last_seq - 1
        if run != last_run:
            missed = seq  # a run begins with 0
        if run != last_run or seq <= last_seq:
            self.restarts[topic] += 1
        if missed > 0:
            self.gaps[topic] += missed
