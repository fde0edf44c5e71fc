"""Sets of states with the places where they decide: what the loading gives to the inference and to the publisher."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from edged.states import StateSet
from edged.values import applies_in

__all__ = ["PlacedSet", "sets_at"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PlacedSet:
    """A set of states as a daemon uses it. It never changes: another head makes another one.

    Attributes:
        name: of the set.
        states: the names of its states; a set that was only enrolled may have a single one.
        places: cameras and regions where it decides, as ``states.NAME.for``.
        state_set: what answers; None as long as nothing can. With an earlier head it may have other states.
        events: the states of which events are made.
        examples: the number of examples of each state.
    """

    name: str
    states: tuple[str, ...]
    places: tuple[str, ...]
    state_set: StateSet | None = None
    events: Collection[str] = ()
    examples: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_learned(self) -> bool:
        """Whether it decides by its examples, and not by references or not at all."""
        return self.state_set is not None and self.state_set.head is not None

    def applies_in(self, camera: str, region: str) -> bool:
        """Whether it is one of that region; a set without places is one of none."""
        return bool(self.places) and applies_in(self.places, camera, region)


def sets_at(sets: Iterable[PlacedSet], camera: str, region: str) -> dict[str, StateSet]:
    """Return what answers for that region, by the name of its set."""
    return {
        each.name: each.state_set
        for each in sets
        if each.state_set is not None and each.state_set.is_ready and each.applies_in(camera, region)
    }
