"""Time in which a process could run: a pause of the machine, or of the process, is not counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TICK = 0.01  # seconds
LATE = 5 * TICK  # the most that one tick counts, and so the most that a pause counts


class Stopwatch:
    """Seconds that the ticks of a thread add up to, for bounds from above, and all that elapsed, for bounds from below.

    A tick that comes late, because this process was stopped or did not get the processor, counts as ``LATE``, no matter
    how late it is. With the ``pid`` of another process, a tick that finds that one stopped counts nothing. For waits:
    what computes is measured by its own clock, `time.process_time`, because it may keep the thread from ticking.
    """

    def __init__(self, pid: int | None = None) -> None:
        self.seconds = 0.0
        self.elapsed = 0.0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._count, name="stopwatch")

    def start(self) -> None:
        self._begin = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        self.elapsed = time.monotonic() - self._begin
        self._ended.set()
        self._thread.join()

    def _count(self) -> None:
        last, ended = time.monotonic(), False
        while not ended:
            ended = self._ended.wait(TICK)
            now = time.monotonic()
            if not self._is_stopped():
                self.seconds += min(now - last, LATE)
            last = now

    def _is_stopped(self) -> bool:
        if self._pid is None:
            return False
        try:
            stat = Path(f"/proc/{self._pid}/stat").read_text(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return False  # it has ended
        return stat.rpartition(")")[2].split()[0] in "Tt"


@contextmanager
def stopwatch(pid: int | None = None) -> Iterator[Stopwatch]:
    """Measure the block; the seconds are complete after it."""
    watch = Stopwatch(pid)
    watch.start()
    try:
        yield watch
    finally:
        watch.stop()
