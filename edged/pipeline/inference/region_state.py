"""State of one region of one camera that serves many frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from edged.pipeline.inference.skip_unchanged import UnchangedFilter
from edged.pipeline.placed_set import PlacedSet, sets_at
from edged.states import Classifier
from edged.values import FULL

if TYPE_CHECKING:
    from edged.pipeline.inference.feed import Feed
    from edged.references import References
    from edged.values import Box, Format, Region

__all__ = ["RegionState"]


class RegionState:
    """One region as it is embedded and compared; made anew when it, its references or its sets change.

    ``scorer`` compares it with ``compared`` references, and ``classifier`` answers for its sets of states.
    ``unchanged_filter`` finds frames in which nothing has moved; None where each frame is embedded.
    """

    def __init__(
        self, feed: Feed, name: str, roi: Region, references: References, sets: Iterable[PlacedSet] = ()
    ) -> None:
        self.name = name
        self.roi = roi
        here = sets_at(sets, feed.camera, name).values()
        grouped = {reference for each in here if each.head is None for reference in each.references.values()}
        self.classifier = Classifier(here)
        self.scorer = references.scorer(feed.camera, name, grouped)
        self.compared = self.scorer.size
        self.unchanged_filter = None if feed.skipping is None else UnchangedFilter(feed.skipping)
        self._seen = FULL if feed.is_cropped else roi
        self._format: Format | None = None
        self._box: Box

    def box(self, frame_format: Format) -> Box:
        """Return its pixels in frames of *frame_format*: the same object for the same format object."""
        if frame_format is not self._format:
            self._box = self._seen.to_box(frame_format.width, frame_format.height)
            self._format = frame_format
        return self._box
