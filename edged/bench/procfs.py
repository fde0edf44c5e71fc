"""What a process has used, as the kernel counts it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["memory_mib", "processor_seconds"]

_TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> dict[str, float]:
    """Processor time of the process's threads so far, user and system, in seconds by the threads' names.

    A thread has the name of the one that started it, unless it was given one: the threads that TFLite computes in are
    called as the stage that owns the model.
    """
    seconds: dict[str, float] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # it has ended just now
            name, used = _parse((task / "stat").read_text())
            seconds[name] = seconds.get(name, 0.0) + used
    return seconds


def memory_mib(pid: int) -> float:
    """The resident memory of the process in MiB, pages of files that are mapped included."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _parse(stat: str) -> tuple[str, float]:
    """Name and processor seconds out of a line of ``stat``; a name may have blanks and brackets in it."""
    before, _, after = stat.rpartition(")")
    fields = after.split()
    return before.partition("(")[2], (int(fields[11]) + int(fields[12])) / _TICKS  # utime and stime
