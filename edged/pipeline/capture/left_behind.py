"""Threads that hang in a driver and were left behind: nothing can end a thread."""

from __future__ import annotations

import logging
import threading

from edged.pipeline.stage import Stage

__all__ = ["IN_ALL", "PER_CAMERA", "LeftBehind"]

log = logging.getLogger(__name__)

PER_CAMERA = 3  # a thread keeps what its driver had allocated, such as its frames and descriptors
IN_ALL = 16


class LeftBehind:
    """The threads that a daemon has left behind, until they end by themselves, which may be never.

    Their number is bounded: a camera with too many of them is not opened again before one of them has ended. Any thread
    may use it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: list[tuple[str, Stage]] = []

    def add(self, camera: str, thread: Stage) -> None:
        """Add a *thread* of *camera*, and report it with the place where it hangs."""
        with self._lock:
            self._threads.append((camera, thread))
        log.error(
            "camera %s: a step takes more than %g s; its thread is left behind (%d of it, %d in all), in\n%s",
            camera,
            thread.step_seconds,
            self.count(camera),
            self.count(),
            thread.position(),
        )

    def count(self, camera: str | None = None) -> int:
        """Count of threads that have not ended, of *camera* or in all."""
        return len([name for name in self.cameras() if camera in (None, name)])

    def cameras(self) -> list[str]:
        """The camera of each thread that has not ended."""
        with self._lock:
            ended = [name for name, thread in self._threads if not thread.running]
            self._threads = [(name, thread) for name, thread in self._threads if thread.running]
            names = [name for name, _ in self._threads]
        for name in ended:
            log.warning("camera %s: a thread that was left behind has ended", name)
        return names

    def refusal(self, camera: str) -> str | None:
        """Why *camera* cannot have another thread now; None if it can."""
        if (count := self.count(camera)) >= PER_CAMERA:
            return f"its driver hangs: {count} threads are left behind in it; only a restart of edged can free it"
        if (count := self.count()) >= IN_ALL:
            return f"{count} threads are left behind in drivers that hang; only a restart of edged can free them"
        return None
