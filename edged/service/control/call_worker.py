"""A thread that makes calls for the control stage, which does not wait for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import ClassVar, TypeVar

from edged.errors import ControlError, map_exceptions
from edged.pipeline.call_queue import CallQueue
from edged.pipeline.stage import Stage

__all__ = ["CallWorker"]

IDLE_SECONDS = 1.0

T = TypeVar("T")


class CallWorker(Stage):
    """Runs calls one after the other. The control stage owns it, and bounds how many wait.

    After each call it rests: it pauses for ``rest`` times as long as that took the processor. A long call may do so in
    between, and does not rest twice for the same work.
    """

    rest: ClassVar[float]

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._submitted = threading.Event()
        self._calls = CallQueue(self._submitted.set)
        self._rested = 0.0  # the processor's time of this thread up to which it has rested

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Run *call* in the thread of this stage; the future gets its result, or a ControlError without memory."""
        return self._calls.submit(lambda: _in_memory(call))

    def open(self) -> None:
        """There is nothing to open."""

    def step(self) -> None:
        self._submitted.wait(IDLE_SECONDS)
        self._submitted.clear()
        while self._calls and not self.stopping:
            self._rested = time.thread_time()
            self._calls.run_next()
            self.take_rest()

    def take_rest(self) -> None:
        """Pause for the work since the last rest, or since the call began; only in the thread of this stage."""
        self.pause(self.rest * (time.thread_time() - self._rested))
        self._rested = time.thread_time()

    def wake(self) -> None:
        self._submitted.set()

    def close(self) -> None:
        self._calls.close()


def _in_memory(call: Callable[[], T]) -> T:
    with map_exceptions({MemoryError: lambda _: ControlError("failed", "there is not enough memory for it")}):
        return call()
