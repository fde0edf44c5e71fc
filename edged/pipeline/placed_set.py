"""Sets of states with the places where they decide: what the loading gives to the inference and to the publisher."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from edged.states import EnrolledLooks, StateSet
from edged.values import applies_in

__all__ = ["AnsweringSets", "PlacedSet", "sets_at"]

log = logging.getLogger(__name__)


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
        looks: what its enrolled pictures looked like, by the place (``dock/bay``) where they were taken.
        is_reviewed: whether pictures that it is least sure of are kept.
    """

    name: str
    states: tuple[str, ...]
    places: tuple[str, ...]
    state_set: StateSet | None = None
    events: Collection[str] = ()
    examples: Mapping[str, int] = field(default_factory=dict)
    looks: Mapping[str, EnrolledLooks] = field(default_factory=dict)
    is_reviewed: bool = False

    @property
    def is_learned(self) -> bool:
        """Whether it decides by its examples, and not by references or not at all."""
        return self.state_set is not None and self.state_set.head is not None

    def applies_in(self, camera: str, region: str) -> bool:
        """Whether it is one of that region; a set without places is one of none."""
        return bool(self.places) and applies_in(self.places, camera, region)


class AnsweringSets:
    """Finds which sets answer: one that groups references needs all of them. One thread uses it.

    With one reference missing the others would win every time.
    """

    def __init__(self) -> None:
        self._missing: Mapping[str, str] = {}

    def choose(self, sets: Sequence[PlacedSet], references: Collection[str]) -> Sequence[PlacedSet]:
        """Return *sets*, in which those that need more than *references* do not answer; changes of that are logged."""
        before = self._missing
        self._missing = {each.name: ", ".join(missing) for each in sets if (missing := _missing(each, references))}
        for name, absent in self._missing.items():
            if before.get(name) != absent:
                log.warning("set %s decides nothing: there is no reference %s", name, absent)
        for name in before.keys() - self._missing.keys():
            log.info("set %s does not wait for references any more", name)
        if not self._missing:
            return sets
        return tuple(replace(each, state_set=None) if each.name in self._missing else each for each in sets)


def _missing(placed: PlacedSet, references: Collection[str]) -> list[str]:
    """Return the references that *placed* needs and that are not among *references*."""
    if placed.state_set is None or placed.state_set.head is not None:
        return []
    return [reference for reference in placed.state_set.references.values() if reference not in references]


def sets_at(sets: Iterable[PlacedSet], camera: str, region: str) -> dict[str, StateSet]:
    """Return what answers for that region, by the name of its set."""
    return {
        each.name: each.state_set
        for each in sets
        if each.state_set is not None and each.state_set.is_ready and each.applies_in(camera, region)
    }
