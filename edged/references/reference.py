"""References and where they apply."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edged.references.scorer import MOST_TOLD, Scorer
from edged.vision.unit_rows import UnitRows

__all__ = ["Reference", "References", "Vectors"]

Vectors: TypeAlias = Sequence[NDArray[np.float32] | NDArray[np.int8]] | UnitRows


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What something looks like: one vector for each of its pictures.

    Attributes:
        vectors: at least one. As `UnitRows` they are compared where they are; others are copied.
        places: the cameras (``street``) and regions (``street/path``) that it is compared in; empty: everywhere.
        labels: what each of *vectors* is called; empty: they have no names.
        top_k: how many of its vectors are told of, the best ones; None: it is one thing, of which the best counts.
        makes_events: its best score is wanted, whether or not it is among those that are told.
    """

    name: str
    vectors: Vectors
    places: tuple[str, ...] = ()
    labels: Sequence[str] = ()
    top_k: int | None = None
    makes_events: bool = False

    def applies_to(self, camera: str, region: str) -> bool:
        """Whether it is compared with what that region of that camera shows."""
        return not self.places or camera in self.places or f"{camera}/{region}" in self.places


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
