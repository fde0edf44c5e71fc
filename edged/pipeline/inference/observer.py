"""Observers of the inference: they get every region at the moment at which it is embedded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edged.values import Box

if TYPE_CHECKING:
    from edged.pipeline.demand import Demand
    from edged.pipeline.inference.feed import Feed
    from edged.pipeline.ring import Lease
    from edged.vision.embedder import Embedder

__all__ = ["Observation", "Observer", "Observers"]


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One region of one frame that has just been embedded.

    The frame in *lease*, *vector* and *embedder* are lent: an observer copies what it keeps before it returns.
    *box* is the region in pixels of the frame.
    """

    feed: Feed
    lease: Lease
    region: str
    box: Box
    vector: NDArray[np.float32] | NDArray[np.int8]
    embedder: Embedder


Observer: TypeAlias = Callable[[Observation], bool]
"""Called in the inference's thread; returns True when it has seen enough."""


class Observers:
    """The observers that have not seen enough yet; *demand* counts them. The inference's thread uses it."""

    def __init__(self, demand: Demand) -> None:
        self._demand = demand
        self._observers: list[Observer] = []

    def __bool__(self) -> bool:
        return bool(self._observers)

    def add(self, observer: Observer) -> None:
        """Show *observer* every observation from now on."""
        self._observers.append(observer)
        self._demand.count_observers(1)

    def remove(self, observer: Observer) -> None:
        """Show *observer* nothing more; harmless if it has seen enough."""
        if observer in self._observers:
            self._observers.remove(observer)
            self._demand.count_observers(-1)

    def show(self, observation: Observation) -> None:
        """Show *observation* to each, and drop those that have seen enough."""
        for observer in tuple(self._observers):
            if observer(observation):
                self.remove(observer)

    def close(self) -> None:
        """Drop all."""
        for observer in tuple(self._observers):
            self.remove(observer)
