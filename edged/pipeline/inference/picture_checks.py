"""Checks whether cameras still show what they showed when examples were enrolled, each place every few seconds."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edged.states import EnrolledLooks, PictureHealth, PictureState
from edged.vision.pixels.view import RgbView

if TYPE_CHECKING:
    from edged.pipeline.inference.feed import Feed
    from edged.pipeline.placed_set import PlacedSet
    from edged.pipeline.ring import Lease
    from edged.regions import Box
    from edged.values import StateAnswer

__all__ = ["PictureChecks", "PlaceCheck"]

log = logging.getLogger(__name__)

WORST_FIRST: tuple[PictureState, ...] = ("covered", "dazzled", "blurred", "moved", "changed", "ok")


class PlaceCheck:
    """The check of one region of a camera, by the *looks* of what was enrolled there for the set *set_name*."""

    def __init__(self, place: str, set_name: str, looks: EnrolledLooks) -> None:
        self.looks = looks
        self.set_name = set_name
        self.health = PictureHealth(looks)
        self._place = place

    def check(self, lease: Lease, box: Box, states: Sequence[StateAnswer]) -> bool:
        """Check the frame in *lease* if that is due; *states* are its answers. Returns whether the state has changed.

        Most frames cost a comparison of two times.
        """
        t_us = lease.stamp.t_cap_ns // 1000
        if not self.health.is_due(t_us):
            return False
        novelty = next((each.novelty for each in states if each.set == self.set_name), None)
        try:
            picture = RgbView(box).of(lease.pixels, lease.format.pixels)
        except MemoryError:  # the thread is the inference's, which must not end of it
            return False
        before = self.health.state
        if not self.health.check(picture, novelty, t_us):
            return False
        level = logging.INFO if self.health.state == "ok" else logging.WARNING
        log.log(level, "the picture of %s is %s; it was %s", self._place, self.health.state, before)
        return True


class PictureChecks:
    """The checks of all places where examples were enrolled. One worker at a time uses it."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], PlaceCheck] = {}

    def use(self, feeds: Sequence[Feed], sets: Sequence[PlacedSet]) -> None:
        """Check the places of *feeds* by the examples of *sets*; one whose examples are the same keeps its state."""
        before, self._places = self._places, {}
        for feed in feeds:
            for region, _ in feed.regions:
                place = f"{feed.camera}/{region}"
                found = next((each for each in sets if place in each.looks), None)
                if found is not None:
                    looks, known = found.looks[place], before.get((feed.camera, region))
                    is_known = known is not None and known.looks is looks
                    check = known if known is not None and is_known else PlaceCheck(place, found.name, looks)
                    self._places[feed.camera, region] = check
            self.report(feed)

    def at(self, camera: str, region: str) -> PlaceCheck | None:
        """Return the check of that region; None where nothing was enrolled."""
        return self._places.get((camera, region))

    def report(self, feed: Feed) -> None:
        """Set the picture of the camera in its stats: the worst of its regions, and None where nothing was enrolled."""
        states = {check.health.state for (camera, _), check in self._places.items() if camera == feed.camera}
        feed.stats.picture = next((state for state in WORST_FIRST if state in states), None)
