"""Waits for stages from another thread: with a limit, and never longer than the daemon runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from edged.errors import EdgedError, ReloadError
from edged.pipeline.stage import Stage

__all__ = ["StageWaiter"]

T = TypeVar("T")

POLL_SECONDS = 0.1
ANSWER_SECONDS = 60.0  # more than a step of any stage that gives answers may take
OPEN_SECONDS = 180.0  # a model on a small board, its trial, and a hundred reference pictures


class StageWaiter:
    """Waits for stages.

    Args:
        check_stop: called again and again during a wait; it may raise to end the wait.
    """

    def __init__(self, check_stop: Callable[[], None]) -> None:
        self._check_stop = check_stop

    def wait_answer(self, future: Future[T], stage: Stage) -> T:
        """Wait for *future*, the result of a call to *stage*.

        Raises:
            EdgedError: the stage's own error, or a `ReloadError` if it does not answer or has ended.
        """
        if not self._until(lambda seconds: _is_done(future, seconds), ANSWER_SECONDS):
            future.cancel()
            raise ReloadError(f"{stage.name} does not answer")
        if future.cancelled():
            raise ReloadError(f"{stage.name} has ended")
        return future.result()

    def wait_open(self, stage: Stage) -> None:
        """Wait until *stage*, which was started, is open.

        Raises:
            EdgedError: the reason why it cannot be opened.
        """
        if not self._until(stage.wait_open, OPEN_SECONDS):
            raise ReloadError(f"{stage.name} does not open within {OPEN_SECONDS:g} s")
        self._check_stop()
        if isinstance(stage.error, EdgedError):
            raise stage.error
        if stage.error is not None:
            raise ReloadError(f"{stage.name} failed: {stage.error!r}") from stage.error

    def wait_end(self, stage: Stage, seconds: float) -> bool:
        """Wait until *stage*, which was stopped, has ended. False: it still runs after *seconds*."""
        return self._until(stage.join, seconds)

    def _until(self, is_done: Callable[[float], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not is_done(POLL_SECONDS):
            self._check_stop()
            if time.monotonic() > deadline:
                return False
        return True


def _is_done(future: Future[T], seconds: float) -> bool:
    """Wait at most *seconds*, and return whether *future* is done: also if it was cancelled, which `wait` overlooks."""
    if not future.done():
        wait([future], seconds)
    return future.done()
