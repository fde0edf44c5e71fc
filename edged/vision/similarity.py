"""How near two pictures are: the cosine of the angle between their vectors, -1…1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

__all__ = ["ReferenceMatrix", "cosine_similarity", "similarity"]


def cosine_similarity(u: NDArray[Any], v: NDArray[Any]) -> float:
    """The cosine of two vectors, as the Task Library computes it: products in float32 or as integers, sums in float64.

    Both are float vectors (``float64`` and ``float32``, taken as float32), or both quantised ones (``int8``, or
    ``uint8`` for the bytes of int8 values). Where numbers are not finite, or their products are not, it is NaN.

    Raises:
        ValueError: the vectors are of different kinds or sizes, empty, of another dtype, or one has no length.
    """
    first, second = _comparable(u), _comparable(v)
    if first.dtype != second.dtype:
        raise ValueError("Cannot compute cosine similarity between quantized and float feature vectors")
    kind = "quantized" if first.dtype == np.int64 else "float"
    if first.size != second.size:
        raise ValueError(
            f"Cannot compute cosine similarity on {kind} feature vectors of different sizes "
            f"({first.size} vs {second.size})"
        )
    if not first.size:
        raise ValueError("Cannot compute cosine similarity on empty feature vectors")
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        product = _sum(first * second)
        squares = _sum(first * first), _sum(second * second)
        if min(squares) <= 0:
            raise ValueError("Cannot compute cosine similarity on feature vector with 0 norm")
        return float(product / np.sqrt(squares[0] * squares[1]))


def similarity(vector: NDArray[Any], matrix: ReferenceMatrix | NDArray[Any]) -> NDArray[Any]:
    """The cosine of *vector* to each row of *matrix*: ``float32`` of shape ``(rows,)``, in -1…1.

    For many vectors against the same rows, make the ``ReferenceMatrix`` once.

    Raises:
        ValueError: sizes differ, or a row or the vector cannot be compared.
    """
    if not isinstance(matrix, ReferenceMatrix):
        matrix = ReferenceMatrix(list(matrix))
    out = np.zeros(matrix.count, np.float32)
    matrix.scores(vector, out)
    return out


class ReferenceMatrix:
    """Many vectors to compare others with, in one matrix product. One thread uses it.

    Args:
        vectors: of one size, each of the dtypes that ``cosine_similarity`` takes.

    Raises:
        ValueError: the vectors are of different sizes, or one is zero or not finite, and so has no direction.
    """

    def __init__(self, vectors: Sequence[NDArray[Any]]) -> None:
        sizes = {np.size(vector) for vector in vectors}
        if len(sizes) > 1:
            raise ValueError(f"References must be of one size (got {', '.join(map(str, sorted(sizes)))})")
        self.count = len(vectors)
        self.size = sizes.pop() if sizes else 0
        self._rows = np.zeros((self.count, self.size), np.float32)
        self._wide = np.zeros(self.size, np.float64)
        self._unit = np.zeros(self.size, np.float32)
        self._scores = np.zeros(self.count, np.float32)
        for number, vector in enumerate(vectors):
            if not self._point(_comparable(vector), self._rows[number]):
                raise ValueError(f"Reference vector {number} is zero: it cannot be compared with anything")

    def scores(self, vector: NDArray[Any], out: NDArray[Any]) -> None:
        """Write the cosine of *vector* to each reference to *out*, ``float32`` of shape ``(count,)``, in -1…1.

        A vector of zeros is like nothing: all its scores are 0.

        Raises:
            ValueError: *vector* has another size than the references, or numbers that are not finite.
        """
        if not self.count:
            return
        if vector.shape != (self.size,):
            raise ValueError(f"The references have {self.size} numbers each (got a vector of shape {vector.shape})")
        if not self._point(vector.view(np.int8) if vector.dtype == np.uint8 else vector, self._unit):
            out.fill(0)
            return
        np.dot(self._rows, self._unit, self._scores)
        np.clip(self._scores, -1, 1, out)

    def _point(self, vector: NDArray[Any], unit: NDArray[Any]) -> bool:
        """Write *vector* with the length 1 to *unit*; False where it has no length."""
        wide = self._wide
        np.copyto(wide, vector)
        largest = max(float(wide.max()), -float(wide.min()))
        if not math.isfinite(largest):
            raise ValueError("The vector has numbers that are not finite")
        if largest == 0:
            return False
        np.divide(wide, largest, wide)  # so that no square is too large or too small for a float
        np.divide(wide, math.sqrt(np.dot(wide, wide)), wide)
        np.copyto(unit, wide, casting="same_kind")
        return True


def _comparable(vector: NDArray[Any]) -> NDArray[Any]:
    """*vector* as float32, or as int64 where it is quantised, flat."""
    array = np.asarray(vector).reshape(-1)
    if array.dtype == np.uint8:
        array = array.view(np.int8)
    if array.dtype == np.int8:
        return array.astype(np.int64)
    if array.dtype in (np.float64, np.float32):
        with np.errstate(over="ignore", under="ignore"):
            return array.astype(np.float32)
    raise ValueError(
        f"Invalid dtype. Only float and np.uint8 are supported, and np.float32 and np.int8 here (got {array.dtype})"
    )


def _sum(products: NDArray[Any]) -> np.float64:
    """Added one after the other in float64, not pairwise as ``np.sum`` does: the library's order."""
    total: np.float64 = np.add.accumulate(products, dtype=np.float64)[-1]
    return total
