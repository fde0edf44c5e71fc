"""One more worker of the inference: a thread with an interpreter of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edged.errors import RingClosed
from edged.pipeline.inference.turns import WAIT_SECONDS, Turns
from edged.pipeline.stage import Stage
from edged.vision.runtime.interpreter import RUN_SECONDS

if TYPE_CHECKING:
    from edged.vision.embedder import Embedder

__all__ = ["Worker"]


class Worker(Stage):
    """Embeds regions with *embedder* in its turns. The inference starts it, ends it and closes the embedder."""

    step_seconds = float(RUN_SECONDS)  # for one region: a model that passed its trial does not hang

    def __init__(self, number: int, turns: Turns, embedder: Embedder) -> None:
        super().__init__(f"inference {number}")
        self._turns = turns
        self._embedder = embedder

    def open(self) -> None:
        """There is nothing to open."""

    def step(self) -> None:
        try:
            work = self._turns.take(WAIT_SECONDS, lambda: self.stopping)
        except RingClosed:  # every camera has stopped: the inference ends with that, or is given others first
            self.pause(WAIT_SECONDS)
            return
        if work is not None:
            self._turns.do(work, self._embedder, self)

    def wake(self) -> None:
        self._turns.share.wake()

    def close(self) -> None:
        """There is nothing to close."""
