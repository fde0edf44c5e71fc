"""Sets of states with places, for tests."""

from __future__ import annotations

from collections.abc import Mapping

from edged.pipeline.placed_set import PlacedSet
from edged.states import StateSet

__all__ = ["placed"]


def placed(
    state_set: StateSet,
    places: tuple[str, ...],
    events: tuple[str, ...] = (),
    examples: Mapping[str, int] | None = None,
) -> PlacedSet:
    """*state_set* in these places."""
    return PlacedSet(
        name=state_set.name,
        states=state_set.states,
        places=places,
        state_set=state_set,
        events=events,
        examples=examples or {},
    )
