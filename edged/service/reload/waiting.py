"""Waiting for stages from another thread: with a limit, and never longer than the daemon runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from edged.errors import EdgedError, ReloadError
from edged.pipeline.stage import Stage

__all__ = ["StageWaiter"]

T = TypeVar("T")

LOOK_SECONDS = 0.1
ANSWER_SECONDS = 60.0  # more than a step of any stage that gives answers may take
OPEN_SECONDS = 180.0  # a model on a small board, its trial, and a hundred reference pictures


class StageWaiter:
    """Waits for stages.

    Args:
        go_on: called all the time; it may raise to put an end to the waiting.
    """

    def __init__(self, go_on: Callable[[], None]) -> None:
        self._go_on = go_on

    def answer(self, future: Future[T], stage: Stage) -> T:
        """What *stage* was asked for.

        Raises:
            EdgedError: the stage's own error, or a `ReloadError` if it does not answer or has ended.
        """
        if not self._until(lambda seconds: bool(wait([future], seconds).done), ANSWER_SECONDS):
            future.cancel()
            raise ReloadError(f"{stage.name} does not answer")
        if future.cancelled():
            raise ReloadError(f"{stage.name} has ended")
        return future.result()

    def opening(self, stage: Stage) -> None:
        """Wait until *stage*, which was started, is open.

        Raises:
            EdgedError: why it cannot be opened.
        """
        if not self._until(stage.wait_open, OPEN_SECONDS):
            raise ReloadError(f"{stage.name} does not open within {OPEN_SECONDS:g} s")
        self._go_on()
        if isinstance(stage.error, EdgedError):
            raise stage.error
        if stage.error is not None:
            raise ReloadError(f"{stage.name} failed: {stage.error!r}") from stage.error

    def ending(self, stage: Stage, seconds: float) -> bool:
        """Wait until *stage*, which was stopped, has ended. False: it goes on after so many *seconds*."""
        return self._until(stage.join, seconds)

    def _until(self, is_done: Callable[[float], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not is_done(LOOK_SECONDS):
            self._go_on()
            if time.monotonic() > deadline:
                return False
        return True
