"""The similarity of two pictures: the cosine of the angle between their vectors, -1…1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edged.vision.unit_vectors import Query, UnitRows, comparable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from edged.vision.unit_vectors import Storage

__all__ = ["ReferenceMatrix", "cosine_similarity", "dot", "l2_distance", "similarity"]

STEPS = 128.0
"""Steps of a quantised number to 1."""


def cosine_similarity(u: NDArray[Any], v: NDArray[Any]) -> float:
    """Return the cosine of two vectors as the Task Library does: products in float32 or as integers, sums in float64.

    Both are float vectors (``float64`` and ``float32``, taken as float32), or both quantised ones (``int8``, or
    ``uint8`` for the bytes of int8 values). Where numbers are not finite, or their products are not, it is NaN.

    Raises:
        ValueError: the vectors are of different kinds or sizes, empty, of another dtype, or one has no length.
    """
    first, second = _pair(u, v, "cosine similarity")
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        product = _sum(first * second)
        squares = _sum(first * first), _sum(second * second)
        if min(squares) <= 0:
            raise ValueError("Cannot compute cosine similarity on feature vector with 0 norm")
        return float(product / np.sqrt(squares[0] * squares[1]))


def dot(u: NDArray[Any], v: NDArray[Any]) -> float:
    """Return the dot product of two vectors, summed in float64; for what is taken and raised see `cosine_similarity`.

    Numbers of quantised vectors stand for 1/128 of themselves.
    """
    first, second = _pair(u, v, "dot product")
    product = float(_sum(first.astype(np.float64) * second))
    return product / STEPS**2 if first.dtype == np.int64 else product


def l2_distance(u: NDArray[Any], v: NDArray[Any]) -> float:
    """Return the length of the difference of two vectors, summed in float64; else like `dot`."""
    first, second = _pair(u, v, "l2 distance")
    difference = first.astype(np.float64) - second
    distance = float(np.sqrt(_sum(difference * difference)))
    return distance / STEPS if first.dtype == np.int64 else distance


def similarity(vector: NDArray[Any], matrix: ReferenceMatrix | NDArray[Any]) -> NDArray[Any]:
    """Return the cosine of *vector* to each row of *matrix*: ``float32`` of shape ``(rows,)``, in -1…1.

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
        dtype: how they are kept: float16 and int8 take a half and a quarter of the memory, and see `UnitRows`.

    Raises:
        ValueError: the vectors are of different sizes, or one is zero or not finite, and so has no direction.
    """

    def __init__(self, vectors: Sequence[NDArray[Any]], dtype: Storage = "float32") -> None:
        self._rows = UnitRows.of(vectors, dtype)
        self.count = len(self._rows)
        self.size = self._rows.size
        self._query = Query(self.size)
        self._scores = np.zeros(self.count, np.float32)

    @property
    def nbytes(self) -> int:
        """The memory that the vectors take, in bytes."""
        return self._rows.nbytes

    def scores(self, vector: NDArray[Any], out: NDArray[Any]) -> None:
        """Write the cosine of *vector* to each reference to *out*, ``float32`` of shape ``(count,)``, in -1…1.

        A vector of zeros is like nothing: all its scores are 0.

        Raises:
            ValueError: *vector* has another size than the references, or numbers that are not finite.
        """
        if not self.count:
            return
        if not self._query.set_direction(vector):
            out.fill(0)
            return
        self._query.cosines(self._rows, self._scores)
        np.copyto(out, self._scores)


def _pair(u: NDArray[Any], v: NDArray[Any], what: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return both vectors as `_comparable` gives them; raises ValueError where *what* does not exist for them."""
    first, second = _comparable(u), _comparable(v)
    if first.dtype != second.dtype:
        raise ValueError(f"Cannot compute {what} between quantized and float feature vectors")
    kind = "quantized" if first.dtype == np.int64 else "float"
    if first.size != second.size:
        raise ValueError(
            f"Cannot compute {what} on {kind} feature vectors of different sizes ({first.size} vs {second.size})"
        )
    if not first.size:
        raise ValueError(f"Cannot compute {what} on empty feature vectors")
    return first, second


def _comparable(vector: NDArray[Any]) -> NDArray[Any]:
    """*vector* as float32, or as int64 where it is quantised, flat."""
    array = comparable(np.asarray(vector).reshape(-1))
    return array.astype(np.int64) if array.dtype == np.int8 else array


def _sum(products: NDArray[Any]) -> np.float64:
    """Return the sum, added one after the other in float64, not pairwise as in ``np.sum``: the library's order."""
    total: np.float64 = np.add.accumulate(products, dtype=np.float64)[-1]
    return total
