"""Regions whose vectors have a subscriber, make events, or are decided by a set of states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edged import wire
from edged.events import EventRules
from edged.pipeline.placed_set import PlacedSet, sets_at

__all__ = ["wanted_places"]


def wanted_places(
    node: str, rules: EventRules, sets: Sequence[PlacedSet], prefixes: Iterable[bytes]
) -> frozenset[tuple[str, str]]:
    """Return the cameras and regions of *rules* that have a subscriber, a reference that makes events, or a set.

    *prefixes* are the topic prefixes that are subscribed to. A subscriber of events alone needs no region that makes
    none.
    """
    subscribed = tuple(prefixes)
    return frozenset(
        (camera, region)
        for camera, region in rules.places
        if rules.at(camera, region)
        or sets_at(sets, camera, region)
        or wire.topic("vec", node, camera, region).startswith(subscribed)
    )
