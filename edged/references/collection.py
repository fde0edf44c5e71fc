"""All references, and the scorer of each region."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

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
        self._scorers: dict[tuple[tuple[ReferenceGroup, ...], frozenset[str]], Scorer] = {}

    def __iter__(self) -> Iterator[ReferenceGroup]:
        """Every group that is compared somewhere."""
        yield from self.configured
        names = {reference.name for group in self.configured for reference in group.references}
        for group in self.enrolled:
            if names.isdisjoint(reference.name for reference in group.references):
                yield group

    @property
    def names(self) -> frozenset[str]:
        """The names of all references that are compared somewhere."""
        return frozenset(reference.name for group in self for reference in group.references)

    def scorer(self, camera: str, region: str, watched: Collection[str] = ()) -> Scorer:
        """Return the scorer of a region; regions with the same references share one, and so its memory.

        The best scores of the references in *watched* are among its matches in any case.
        """
        groups, names = tuple(group for group in self if group.applies_to(camera, region)), frozenset(watched)
        if (groups, names) not in self._scorers:
            self._scorers[groups, names] = Scorer(groups, self.top_k, names)
        return self._scorers[groups, names]
