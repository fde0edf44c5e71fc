"""The regions of all cameras with what they are compared with and decided by now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from edged.pipeline.inference.picture_checks import PictureChecks
from edged.pipeline.inference.region_state import RegionState
from edged.pipeline.inference.review_watch import ReviewWatch
from edged.pipeline.placed_set import AnsweringSets, PlacedSet
from edged.references import ReferenceGroup, References

if TYPE_CHECKING:
    from edged.pipeline.inference.feed import Feed
    from edged.pipeline.review_queues import ReviewQueues

__all__ = ["RegionStates"]


class RegionStates:
    """The state of every region, made anew when something changes in what is embedded, compared or decided.

    *review* gets the views that sets of states are least sure of. One worker at a time uses it.
    """

    def __init__(self, review: ReviewQueues | None = None) -> None:
        self.references: References | None = None
        """All references; None until they are embedded."""
        self.sets: Sequence[PlacedSet] = ()
        """All sets of states."""
        self.answering: Sequence[PlacedSet] = ()
        """The same, in which those that wait for references do not answer."""
        self._choice = AnsweringSets()
        self._checks = PictureChecks()
        self._review = review
        self._watches: Mapping[str, ReviewWatch] = {}
        self._regions: Mapping[str, Sequence[RegionState]] = {}

    def of(self, camera: str) -> Sequence[RegionState]:
        """Return the regions of *camera*."""
        return self._regions[camera]

    def use(
        self,
        feeds: Sequence[Feed],
        configured: Sequence[ReferenceGroup] | None = None,
        enrolled: Sequence[ReferenceGroup] | None = None,
        top_k: int | None = None,
        sets: Sequence[PlacedSet] | None = None,
    ) -> None:
        """Make the regions of *feeds* with these references and sets; None stands for those in use.

        What was seen in another region, or compared with others, is not published again.
        """
        assert self.references is not None, "set when the model is open"
        self.references = References(
            self.references.configured if configured is None else configured,
            self.references.enrolled if enrolled is None else enrolled,
            self.references.top_k if top_k is None else top_k,
        )
        self.sets = self.sets if sets is None else tuple(sets)
        self.answering = self._choice.choose(self.sets, self.references.names)
        self._checks.use(feeds, self.answering)
        self._watch()
        self._regions = {feed.camera: self._made(feed, self.references) for feed in feeds}

    def with_set(self, name: str, placed: PlacedSet | None) -> Sequence[PlacedSet]:
        """Return all sets with *placed* in place of the set *name*; None: without it."""
        new = [] if placed is None else [placed]
        place = next((number for number, each in enumerate(self.sets) if each.name == name), len(self.sets))
        return *self.sets[:place], *new, *self.sets[place + 1 :]

    def report_picture(self, feed: Feed) -> None:
        """Set the picture of the camera in its stats, because a check of a region has changed it."""
        self._checks.report(feed)

    def _made(self, feed: Feed, references: References) -> Sequence[RegionState]:
        return [
            RegionState(
                feed, name, place, references, self.answering, self._checks.at(feed.camera, name), self._watches
            )
            for name, place in feed.regions
        ]

    def _watch(self) -> None:
        """Watch over the sets that are reviewed; those that were watched already go on."""
        before, review = self._watches, self._review
        if review is not None:
            names = [each.name for each in self.answering if each.is_reviewed]
            self._watches = {name: before.get(name) or ReviewWatch(name, review) for name in names}
