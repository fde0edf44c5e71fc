"""Losses and restarts of a stream, counted from ``seq`` and ``run``."""

from __future__ import annotations

from collections import Counter

__all__ = ["MAX_TOPICS", "Continuity"]

MAX_TOPICS = 10_000
"""Topics whose numbers are kept; a peer that makes up more of them makes nothing grow."""

LONGEST_RUN = 64  # characters that two runs are told apart by


class Continuity:
    """Counters by topic.

    ``gaps`` counts messages that were missed between two that came; messages before the first are unknown.
    ``restarts`` counts how often the numbers began again: the daemon was started again, or a recording was.
    ``uncounted`` is the number of messages of topics beyond the first `MAX_TOPICS`, of which nothing is counted.
    """

    def __init__(self) -> None:
        self.gaps: Counter[bytes] = Counter()
        self.restarts: Counter[bytes] = Counter()
        self.uncounted = 0
        self._last: dict[bytes, tuple[str, int]] = {}

    def count_message(self, topic: bytes, run: str, seq: int) -> None:
        """Count what was missed before a message that came."""
        if topic not in self._last and len(self._last) >= MAX_TOPICS:
            self.uncounted += 1
            return
        run = run[:LONGEST_RUN]
        last_run, last_seq = self._last.get(topic, (run, seq - 1))
        self._last[topic] = run, seq
        missed = seq - last_seq - 1
        if run != last_run:
            missed = seq  # a run begins with 0
        if run != last_run or seq <= last_seq:
            self.restarts[topic] += 1
        if missed > 0:
            self.gaps[topic] += missed
