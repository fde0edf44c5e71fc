"""Rules: the references that make events, the places where they do, and the thresholds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edged.values import applies_in

__all__ = ["EventRule", "EventRules", "Thresholds"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The scores at which an event begins and ends, and its times.

    It begins when the score has been at or above ``enter`` for ``min_seconds``, but not within ``cooldown_seconds``
    after the end of the one before; it ends when the score falls below ``leave``. Scores are cosines, -1…1.

    Raises:
        ValueError: a threshold is outside of -1…1, ``leave`` is above ``enter``, or a time is negative.
    """

    enter: float
    leave: float
    min_seconds: float = 0.0
    cooldown_seconds: float = 0.0

    def __post_init__(self) -> None:
        if not -1.0 <= self.leave <= self.enter <= 1.0:
            raise ValueError(f"must be -1 <= leave <= enter <= 1 (got leave {self.leave} and enter {self.enter})")
        for name in ("min_seconds", "cooldown_seconds"):
            seconds = getattr(self, name)
            if not (math.isfinite(seconds) and seconds >= 0):
                raise ValueError(f"{name} must not be negative (got {seconds})")


@dataclass(frozen=True, slots=True)
class EventRule:
    """A reference that makes events.

    ``places`` are the cameras (``street``) and regions (``street/path``) where it does; empty: everywhere.
    """

    reference: str
    thresholds: Thresholds
    places: tuple[str, ...] = ()

    def applies_to(self, camera: str, region: str) -> bool:
        """Return whether it makes events in that region of that camera."""
        return applies_in(self.places, camera, region)


class EventRules:
    """All rules of a daemon, for the places that it has. It never changes: other rules are a new object.

    Args:
        rules: the references that make events; of two rules for one reference in one place the last counts.
        places: every ``(camera, region)`` of the daemon.
    """

    def __init__(self, rules: Iterable[EventRule] = (), places: Iterable[tuple[str, str]] = ()) -> None:
        rules, places = list(rules), list(places)
        self.places = frozenset(places)
        self.cameras = frozenset(camera for camera, _ in places)
        self._by_place = {
            place: {rule.reference: rule.thresholds for rule in rules if rule.applies_to(*place)} for place in places
        }

    def at(self, camera: str, region: str) -> Mapping[str, Thresholds]:
        """Return the thresholds by reference in that place; empty where the place is unknown or has no rule."""
        return self._by_place.get((camera, region), {})
