"""Examples: pictures that show a state, as vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LENGTH", "Example", "unit_rows"]

LENGTH = 8.0
"""The length that every vector is brought to before anything is learned from it, or decided about it."""


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A picture that shows *state*.

    ``vectors`` has the picture's own vector first and those of its `variants` after that, of shape ``(1 + variants,
    dimension)``: as the model gave them, float or int8 of any length. ``key`` is the name that no other example has.

    Raises:
        ValueError: a vector is zero, or not finite.
    """

    state: str
    vectors: NDArray[Any]
    key: str

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or not self.vectors.size:
            raise ValueError(f"example {self.key}: must have vectors of one size (got shape {self.vectors.shape})")
        if not np.isfinite(self.vectors).all() or not self.vectors.any(axis=1).all():
            raise ValueError(f"example {self.key}: a vector is zero, or not finite")


def unit_rows(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Return *vectors*, one each row and none of them zero, as float32 of the length `LENGTH`."""
    wide = np.asarray(vectors, np.float64)
    wide = wide / np.abs(wide).max(axis=1, keepdims=True)  # so that no square is too large or too small
    wide *= LENGTH / np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, np.newaxis]
    rows: NDArray[np.float32] = wide.astype(np.float32)
    return rows
