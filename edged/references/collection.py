"""All references, and which of them count where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edged.references.reference import Reference
from edged.references.scorer import MOST_TOLD, Scorer

__all__ = ["References"]


class References:
    """All references of the daemon: those of its configuration, and those that were enrolled while it ran.

    A name stands for one reference: an enrolled one whose name the configuration has too is passed over. Of those that
    are compared in a region, the best *top_k* are told.
    """

    def __init__(
        self, configured: Sequence[Reference] = (), enrolled: Sequence[Reference] = (), top_k: int = MOST_TOLD
    ) -> None:
        self.configured = tuple(configured)
        self.enrolled = tuple(enrolled)
        self.top_k = top_k
        self._scorers: dict[tuple[str, ...], Scorer] = {}

    def __iter__(self) -> Iterator[Reference]:
        yield from self.configured
        names = {reference.name for reference in self.configured}
        yield from (reference for reference in self.enrolled if reference.name not in names)

    def scorer(self, camera: str, region: str) -> Scorer:
        """The scorer of a region; places with the same references share one, and so its memory."""
        applying = [reference for reference in self if reference.applies_to(camera, region)]
        names = tuple(reference.name for reference in applying)
        if names not in self._scorers:
            self._scorers[names] = Scorer(applying, self.top_k)
        return self._scorers[names]
