"""Sets of states with the places where they decide: what the loading gives to the inference and to the publisher."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from edged.states import StateSet
from edged.values import applies_in

__all__ = ["PlacedSet", "sets_at"]


@dataclass(frozen=True, slots=True, eq=False)
class PlacedSet:
    """A set of states as a daemon uses it. It never changes: another head makes another one.

    Attributes:
        state_set: what answers.
        places: cameras and regions where it decides, as ``states.NAME.for``.
        events: the states of which events are made.
        examples: the number of examples of each state.
    """

    state_set: StateSet
    places: tuple[str, ...]
    events: Collection[str] = ()
    examples: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the set."""
        return self.state_set.name

    def applies_in(self, camera: str, region: str) -> bool:
        """Whether it decides for that region; a set without places decides nowhere."""
        return bool(self.places) and applies_in(self.places, camera, region)


def sets_at(sets: Iterable[PlacedSet], camera: str, region: str) -> tuple[PlacedSet, ...]:
    """Return those of *sets* that decide for that region and can answer."""
    return tuple(each for each in sets if each.state_set.is_ready and each.applies_in(camera, region))
