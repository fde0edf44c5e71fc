"""The thread that makes pictures for callers of the control socket: the control stage does not wait for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from edged.errors import ControlError, map_exceptions
from edged.pipeline.call_queue import CallQueue
from edged.pipeline.stage import Stage

__all__ = ["PictureEncoder"]

REST = 5  # times as long as a call took the processor the stage pauses: no flood gets more of it than a sixth
IDLE_SECONDS = 1.0

T = TypeVar("T")


class PictureEncoder(Stage):
    """Runs calls that make pictures, one after the other. The control stage owns it, and bounds how many wait."""

    step_seconds = 60.0  # a large picture on a small board

    def __init__(self) -> None:
        super().__init__("control-pictures")
        self._submitted = threading.Event()
        self._calls = CallQueue(self._submitted.set)

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Run *call* in the thread of this stage; the future gets its result, or a ControlError without memory."""
        return self._calls.submit(lambda: _in_memory(call))

    def open(self) -> None:
        """There is nothing to open."""

    def step(self) -> None:
        self._submitted.wait(IDLE_SECONDS)
        self._submitted.clear()
        while self._calls and not self.stopping:
            begin = time.thread_time()
            self._calls.run_next()
            self.pause(REST * (time.thread_time() - begin))

    def wake(self) -> None:
        self._submitted.set()

    def close(self) -> None:
        self._calls.close()


def _in_memory(call: Callable[[], T]) -> T:
    with map_exceptions({MemoryError: lambda _: ControlError("failed", "there is not enough memory for it")}):
        return call()
