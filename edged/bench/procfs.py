"""Processor time and memory of a process, as the kernel counts them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["memory_mib", "processor_seconds"]

_TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> dict[str, float]:
    """Return the processor time of the threads of *pid* so far, user and system, in seconds by thread name.

    A thread without a name of its own has that of the thread that started it: the threads of TFLite have the name of
    the stage that owns the model.
    """
    seconds: dict[str, float] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # the thread has just ended
            name, used = _parse((task / "stat").read_text())
            seconds[name] = seconds.get(name, 0.0) + used
    return seconds


def memory_mib(pid: int) -> float:
    """Return the resident memory of *pid* in MiB, with the pages of mapped files."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _parse(stat: str) -> tuple[str, float]:
    """Return name and processor seconds of a line of ``stat``; a name may have spaces and brackets."""
    before, _, after = stat.rpartition(")")
    fields = after.split()
    return before.partition("(")[2], (int(fields[11]) + int(fields[12])) / _TICKS  # utime and stime
