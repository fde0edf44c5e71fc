"""Event rules from a configuration."""

from __future__ import annotations

from collections.abc import Iterable

from edged.config import Config
from edged.events import EventRule, EventRules, Thresholds

__all__ = ["event_rules"]


def event_rules(config: Config, more: Iterable[EventRule] = ()) -> EventRules:
    """Return the rules of the references in *config* that have ``enter``, and *more*, for all its cameras and regions.

    *more* come last, and so replace those of the same name.
    """
    rules = [
        EventRule(
            name,
            Thresholds(reference.enter, reference.leaves_below, reference.min_seconds, reference.cooldown_seconds),
            reference.places or (),
        )
        for name, reference in config.references.items()
        if reference.enter is not None and reference.leaves_below is not None
    ]
    places = [(name, region) for name, camera in config.cameras.items() for region in camera.regions]
    return EventRules([*rules, *more], places)
