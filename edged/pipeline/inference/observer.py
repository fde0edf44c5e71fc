"""Observers of the inference: they get frames, and regions at the moment at which these are embedded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from edged.regions import Box
from edged.values import StateAnswer

if TYPE_CHECKING:
    from edged.pipeline.demand import Demand
    from edged.pipeline.inference.feed import Feed
    from edged.pipeline.ring import Lease
    from edged.vision.embedder import Embedder

__all__ = ["FrameObserver", "Observation", "Observer", "Observers", "PlaceObservers", "SeenFrame"]


@dataclass(frozen=True, slots=True, eq=False)
class SeenFrame:
    """One frame of a camera whose turn it is; all of it is lent, as in an `Observation`."""

    feed: Feed
    lease: Lease
    embedder: Embedder


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One region of one frame that has just been embedded.

    The frame in *lease*, *vector* and *embedder* are lent: an observer copies what it keeps before it returns.
    *box* is the region in pixels of the frame, and *states* are the answers of its sets of states. With *unchanged* the
    vector is that of an earlier frame, because nothing has moved since.
    """

    feed: Feed
    lease: Lease
    region: str
    box: Box
    vector: NDArray[np.float32] | NDArray[np.int8]
    embedder: Embedder
    states: Sequence[StateAnswer] = ()
    unchanged: bool = False


Observer: TypeAlias = Callable[[Observation], bool]
"""Called in the thread of a worker; returns True when it has seen enough."""

FrameObserver: TypeAlias = Callable[[SeenFrame], bool]
"""The same for whole frames."""

Place: TypeAlias = tuple[str, str | None]

T = TypeVar("T")


class Observers:
    """The observers that have not seen enough yet; *demand* counts them. One worker at a time uses it."""

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


class PlaceObservers(Generic[T]):
    """Observers of single places, a region of a camera or its frames (None); *demand* counts them for each place.

    A place that somebody observes is treated as if it had a subscriber, and no other place is embedded for that. One
    worker at a time uses it.
    """

    def __init__(self, demand: Demand) -> None:
        self._demand = demand
        self._observers: dict[Place, list[Callable[[T], bool]]] = {}

    def __contains__(self, place: Place) -> bool:
        return place in self._observers

    def add(self, place: Place, observer: Callable[[T], bool]) -> None:
        """Show *observer* what is seen at *place* from now on."""
        self._observers.setdefault(place, []).append(observer)
        self._demand.observe(*place, 1)

    def remove(self, place: Place, observer: Callable[[T], bool]) -> None:
        """Show *observer* nothing more; harmless if it has seen enough."""
        here = self._observers.get(place, [])
        if observer in here:
            here.remove(observer)
            self._demand.observe(*place, -1)
            if not here:
                del self._observers[place]

    def show(self, place: Place, seen: T) -> None:
        """Show what is *seen* at *place* to its observers, and drop those that have seen enough."""
        for observer in tuple(self._observers.get(place, ())):
            if observer(seen):
                self.remove(place, observer)

    def close(self) -> None:
        """Drop all."""
        for place, observers in tuple(self._observers.items()):
            for observer in tuple(observers):
                self.remove(place, observer)
