"""A reference, and where it applies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edged.vision.unit_vectors import UnitRows

__all__ = ["Reference", "Vectors"]

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
