"""Regions whose vectors have a subscriber or make events."""

from __future__ import annotations

from collections.abc import Iterable

from edged import wire
from edged.events import EventRules

__all__ = ["wanted_places"]


def wanted_places(node: str, rules: EventRules, prefixes: Iterable[bytes]) -> frozenset[tuple[str, str]]:
    """Return the cameras and regions of *rules* that have a subscriber, or a reference that makes events.

    *prefixes* are the topic prefixes that are subscribed to. A subscriber of events alone needs no region that makes
    none.
    """
    subscribed = tuple(prefixes)
    return frozenset(
        (camera, region)
        for camera, region in rules.places
        if rules.at(camera, region) or wire.topic("vec", node, camera, region).startswith(subscribed)
    )
