"""The bounded hand-over of results from the inference to the publisher."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edged.bell import Bell
from edged.errors import RingClosed
from edged.pipeline.placed_set import PlacedSet
from edged.pipeline.result import ModelFacts, Result

__all__ = ["Handover"]


class Handover:
    """Results on their way to the publisher, with memory for ``capacity`` vectors that is made once.

    The inference borrows a vector before it computes (so that no work is wasted on a result that could not be handed
    over), fills it and puts the result; the publisher gets results and gives their vectors back.
    """

    def __init__(self, capacity: int, bell: Bell) -> None:
        self.facts: ModelFacts | None = None
        """The model in use; None until the first one is loaded."""
        self.sets: Sequence[PlacedSet] = ()
        """The sets of states in use: answers of others may still come, from before a change."""
        self._capacity = capacity
        self._bell = bell
        self._changed = threading.Condition()
        self._memory: NDArray[np.float32] | NDArray[np.int8] | None = None
        self._free: list[NDArray[np.float32] | NDArray[np.int8]] = []
        self._results: deque[Result] = deque()
        self._closed = False

    @property
    def waiting(self) -> int:
        """Count of results that wait for the publisher."""
        return len(self._results)

    def open(self, facts: ModelFacts) -> None:
        """Make the memory, once the model is known; again for another model. Results that wait keep what they have."""
        with self._changed:
            self.facts = facts
            self._memory = np.zeros((self._capacity, facts.dimension), np.dtype(facts.dtype))
            self._free = list(self._memory)
            self._changed.notify_all()
        self._bell.ring()

    def use_sets(self, sets: Sequence[PlacedSet]) -> None:
        """Let the publisher decide by *sets* before the next result."""
        self.sets = sets
        self._bell.ring()

    def borrow(self, timeout: float) -> NDArray[np.float32] | NDArray[np.int8] | None:
        """Return a vector of shape ``(dimension,)`` to write into; None if none was free within *timeout* seconds.

        Raises:
            RingClosed: the hand-over is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._free or self._closed, timeout)
            if self._closed:
                raise RingClosed("the publisher is gone")
            return self._free.pop() if self._free else None

    def put(self, result: Result) -> None:
        """Hand *result* over. There is always a place for it, because its vector was borrowed."""
        with self._changed:
            self._results.append(result)
        self._bell.ring()

    def get(self) -> Result | None:
        """Return the oldest result, or None; never waits.

        Raises:
            RingClosed: the hand-over is closed and empty.
        """
        with self._changed:
            if self._results:
                return self._results.popleft()
            if self._closed:
                raise RingClosed("the inference has ended")
            return None

    def give_back(self, vector: NDArray[np.float32] | NDArray[np.int8]) -> None:
        """Return a borrowed vector."""
        with self._changed:
            if vector.base is self._memory:  # else it belongs to the model before
                self._free.append(vector)
            self._changed.notify()

    def close(self) -> None:
        """End the hand-over: results that were put can still be got."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._bell.ring()
