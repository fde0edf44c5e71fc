"""One region of one camera, with what is found out about it once and goes for many frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edged.pipeline.inference.skip_unchanged import UnchangedFilter
from edged.values import FULL

if TYPE_CHECKING:
    from edged.pipeline.inference.feed import Feed
    from edged.references import References
    from edged.values import Box, Format, Region

__all__ = ["RegionState"]


class RegionState:
    """A region as the worker looks at it: it is made anew when that changes, or what it is compared with.

    ``scorer`` compares it, with ``compared`` references. ``still`` tells what has not moved; None where each frame is
    embedded.
    """

    def __init__(self, feed: Feed, name: str, region: Region, references: References) -> None:
        self.name = name
        self.region = region
        self.scorer = references.scorer(feed.camera, name)
        self.compared = self.scorer.size
        self.still = None if feed.skipping is None else UnchangedFilter(feed.skipping)
        self._seen = FULL if feed.is_cropped else region
        self._format: Format | None = None
        self._box: Box

    def box(self, frame_format: Format) -> Box:
        """Where it lies in frames of *frame_format*: the same object as long as that is."""
        if frame_format is not self._format:
            self._box = self._seen.to_box(frame_format.width, frame_format.height)
            self._format = frame_format
        return self._box
