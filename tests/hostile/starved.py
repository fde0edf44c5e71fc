"""Time for which other programs kept a process from the processor."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Self

__all__ = ["Turns"]

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Turns:
    """Times of one moment, in seconds since the start: ``waited``, when threads were ready and did not run; processor
    times of the process (``own``) and of everything on this machine (``all_busy``).
    """

    waited: float
    own: float
    all_busy: float

    @classmethod
    def of(cls, pid: int, threads: Collection[str] | None = None) -> Self:
        """The times of the process *pid* and of those of its threads that have a name in *threads*, or of all.

        Raises:
            OSError: the process, or one of its threads, has ended meanwhile.
        """
        process = Path("/proc", str(pid))
        tasks = (process / "task").iterdir()
        waited = sum(_waited(task) for task in tasks if threads is None or _name(task) in threads)
        own = (process / "stat").read_text().rpartition(")")[2].split()[11:13]
        busy = Path("/proc/stat").read_text().splitlines()[0].split()
        everything = sum(map(int, (*busy[1:4], *busy[6:9])))  # without what is idle or waits for a disk
        return cls(waited, sum(map(int, own)) / TICKS, everything / TICKS)

    def starved_since(self, before: Turns) -> float:
        """Seconds that the threads waited for others than their own process."""
        busy = self.all_busy - before.all_busy
        share_of_others = 1.0 - min(1.0, (self.own - before.own) / busy) if busy else 0.0
        return (self.waited - before.waited) * share_of_others


def _name(task: Path) -> str:
    return (task / "comm").read_text().strip()


def _waited(task: Path) -> float:
    return int((task / "schedstat").read_text().split()[1]) / 1e9
