"""State of one region of one camera that serves many frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from edged.pipeline.inference.in_order import InOrder
from edged.pipeline.inference.review_watch import ReviewWatch
from edged.pipeline.inference.skip_unchanged import UnchangedFilter
from edged.pipeline.placed_set import PlacedSet, sets_at
from edged.regions import FULL
from edged.states import Classifier

if TYPE_CHECKING:
    from edged.pipeline.inference.feed import Feed
    from edged.pipeline.inference.picture_checks import PlaceCheck
    from edged.pipeline.inference.turns import RegionWork
    from edged.pipeline.ring import Lease
    from edged.references import References
    from edged.regions import AnyRegion, Box, Region
    from edged.values import Format, StateAnswer

__all__ = ["RegionState"]


class RegionState:
    """One region as it is embedded and compared; made anew when it, its references or its sets change.

    ``order`` is that of its frames, of which several may be embedded at a time.
    ``scorer`` compares it with ``compared`` references, and ``classifier`` answers for its sets of states. ``watches``
    has the number of each answer that is watched for review, with its watch. ``check`` finds out whether it shows what
    it did; None where nothing was enrolled. ``unchanged_filter`` finds frames in which nothing has moved; None where
    each frame is embedded.
    """

    def __init__(
        self,
        feed: Feed,
        name: str,
        place: AnyRegion,
        references: References,
        sets: Iterable[PlacedSet] = (),
        check: PlaceCheck | None = None,
        watches: Mapping[str, ReviewWatch] | None = None,
    ) -> None:
        self.name = name
        self.order: InOrder[RegionWork] = InOrder()
        self.roi: Region
        """The region in 0…1 of the frames, once `box` was asked for one."""
        here = sets_at(sets, feed.camera, name).values()
        grouped = {reference for each in here if each.head is None for reference in each.references.values()}
        self.classifier = Classifier(here)
        watched = watches or {}
        self.watches = tuple(
            (number, watched[each.name]) for number, each in enumerate(self.classifier.sets) if each.name in watched
        )
        self.scorer = references.scorer(feed.camera, name, grouped)
        self.compared = self.scorer.size
        self.unchanged_filter = None if feed.skipping is None else UnchangedFilter(feed.skipping)
        self.check = check
        self._skipping = feed.skipping
        self._place = place
        self._is_cropped = feed.is_cropped
        self._format: Format | None = None
        self._box: Box

    @property
    def is_blind(self) -> bool:
        """Whether nothing can be decided about what it shows now."""
        return self.check is not None and self.check.health.is_blind

    def check_picture(self, lease: Lease, box: Box, states: Sequence[StateAnswer]) -> bool:
        """Check the frame in *lease* if that is due; returns whether its picture is in another state than before.

        The next frame is embedded then: what was answered before may not hold.
        """
        if self.check is None or not self.check.check(lease, box, states):
            return False
        if self._skipping is not None:
            self.unchanged_filter = UnchangedFilter(self._skipping)
        return True

    def box(self, frame_format: Format) -> Box:
        """Return its pixels in frames of *frame_format*: the same object for the same format object."""
        if frame_format is not self._format:
            self.roi = frame_format.region(self._place)
            seen = FULL if self._is_cropped else self.roi
            self._box = seen.to_box(frame_format.width, frame_format.height)
            self._format = frame_format
        return self._box
