"""References, and the groups of them that form one matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from numpy.typing import NDArray

from edged.values import applies_in
from edged.vision.unit_vectors import UnitRows

__all__ = ["Reference", "ReferenceGroup"]


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of something that frames are compared with, and what is reported of it.

    Attributes:
        count: the number of its vectors, one for each of its pictures; at least one.
        labels: the names of its vectors, in their order; empty: they have no names.
        top_k: how many of its vectors are reported, the best ones; None: it is one thing, and its best vector counts.
        makes_events: its best score is needed, whether or not it is among those that are reported.
    """

    name: str
    count: int = 1
    labels: Sequence[str] = ()
    top_k: int | None = None
    makes_events: bool = False

    def __post_init__(self) -> None:
        if self.count < 1 or len(self.labels) not in (0, self.count):
            raise ValueError(f"{self.name}: must have vectors, and a label for each (got {self.count} of them)")


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceGroup:
    """References that apply in the same places, and their vectors: one matrix, kept once and compared in one product.

    Attributes:
        rows: the vectors of the first of *references*, then those of the second, and so on.
        places: the cameras (``street``) and regions (``street/path``) that they are compared in; empty: everywhere.

    Raises:
        ValueError: there are more or fewer rows than the references have vectors.
    """

    rows: UnitRows
    references: tuple[Reference, ...]
    places: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = sum(reference.count for reference in self.references)
        if count != len(self.rows):
            raise ValueError(f"must have a row for each vector (got {len(self.rows)} rows and {count} vectors)")

    @classmethod
    def single(
        cls, name: str, vectors: Sequence[NDArray[Any]], places: tuple[str, ...] = (), *, makes_events: bool = False
    ) -> Self:
        """Return the group of one reference, whose *vectors* are copied in float32.

        Raises:
            ValueError: there are no vectors, or one is of another size or dtype, zero, or not finite.
        """
        reference = Reference(name, len(vectors), makes_events=makes_events)
        return cls(UnitRows.of(vectors), (reference,), places)

    def applies_to(self, camera: str, region: str) -> bool:
        """Return whether its references are compared with frames of that region of that camera."""
        return applies_in(self.places, camera, region)
