"""All references, and the scorer of each region."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edged.references.reference import ReferenceGroup
from edged.references.scorer import MOST_REPORTED, Scorer

__all__ = ["References"]


class References:
    """All references of the daemon: those of its configuration, and those that were enrolled while it ran.

    A name stands for one reference: an enrolled group with a name that the configuration has too is left out. Of the
    references that are compared in a region, the best *top_k* are reported.
    """

    def __init__(
        self,
        configured: Sequence[ReferenceGroup] = (),
        enrolled: Sequence[ReferenceGroup] = (),
        top_k: int = MOST_REPORTED,
    ) -> None:
        self.configured = tuple(configured)
        self.enrolled = tuple(enrolled)
        self.top_k = top_k
        self._scorers: dict[tuple[ReferenceGroup, ...], Scorer] = {}

    def __iter__(self) -> Iterator[ReferenceGroup]:
        """Every group that is compared somewhere."""
        yield from self.configured
        names = {reference.name for group in self.configured for reference in group.references}
        for group in self.enrolled:
            if names.isdisjoint(reference.name for reference in group.references):
                yield group

    def scorer(self, camera: str, region: str) -> Scorer:
        """Return the scorer of a region; regions with the same references share one, and so its memory."""
        applying = tuple(group for group in self if group.applies_to(camera, region))
        if applying not in self._scorers:
            self._scorers[applying] = Scorer(applying, self.top_k)
        return self._scorers[applying]
