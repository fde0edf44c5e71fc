"""Skips the embedding of a region in which nothing has moved, and repeats its last result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edged.vision.pixels.thumbnail import Thumbnails

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edged.pipeline.ring import Lease
    from edged.regions import Box
    from edged.values import Format, ReferenceScore, StateAnswer

__all__ = ["UnchangedFilter", "UnchangedSettings"]


@dataclass(frozen=True, slots=True)
class UnchangedSettings:
    """Limits within which a region counts as unchanged, and is not embedded again.

    A difference of ``levels`` of 255 in one of some 16 × 16 cells is a change. After ``refresh_seconds`` it is
    embedded even so; 0: never.
    """

    levels: int
    refresh_seconds: float


class UnchangedFilter:
    """The unchanged frames of one region. It is asked about each frame, and remembers the one that was embedded last.

    A frame is compared with the last one that was *embedded*, never with the one before: what changes slowly adds up,
    and is seen as soon as it comes to ``levels``.
    """

    def __init__(self, skipping: UnchangedSettings) -> None:
        self._skipping = skipping
        self._refresh_ns = int(skipping.refresh_seconds * 1e9)
        self._made_for: tuple[Format, Box] | None = None
        self._thumbnails: Thumbnails
        self._embedded_ns = 0
        self._vector: NDArray[np.float32] | NDArray[np.int8] | None = None
        self.matches: tuple[ReferenceScore, ...] = ()
        """The matches of the frame that was embedded last."""
        self.states: tuple[StateAnswer, ...] = ()
        """The answers of its sets of states."""

    def is_unchanged(self, lease: Lease, box: Box) -> bool:
        """Whether the frame in *lease* shows in *box* what the last one showed that was embedded."""
        if self._made_for != (lease.format, box):
            self._made_for = lease.format, box
            self._thumbnails = Thumbnails(lease.format.pixels, box)
        difference = self._thumbnails.take(lease.pixels)
        is_due = 0 < self._refresh_ns <= lease.stamp.t_cap_ns - self._embedded_ns
        return difference < self._skipping.levels and not is_due

    def recall(self, vector: NDArray[np.float32] | NDArray[np.int8]) -> None:
        """Write the vector of the frame that was embedded last to *vector*."""
        assert self._vector is not None, "set by remember"
        vector[...] = self._vector

    def remember(
        self,
        lease: Lease,
        vector: NDArray[np.float32] | NDArray[np.int8],
        matches: tuple[ReferenceScore, ...],
        states: tuple[StateAnswer, ...] = (),
    ) -> None:
        """Compare with the frame that was asked about last from now on: it was embedded, with that result."""
        self._thumbnails.keep()
        self._embedded_ns = lease.stamp.t_cap_ns
        if self._vector is None:
            self._vector = vector.copy()
        else:
            self._vector[...] = vector
        self.matches, self.states = matches, states
