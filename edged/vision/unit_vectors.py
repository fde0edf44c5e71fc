"""Many vectors of length 1, kept in float32, float16 or int8, and the product of all of them with one other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DTYPES", "Query", "Storage", "UnitRows", "comparable"]

Storage = Literal["float32", "float16", "int8"]
"""The dtype that vectors are kept in. Smaller ones become float32 a block at a time, whenever they are compared."""

DTYPES: Final = ("float32", "float16", "int8")

BLOCK_BYTES = 1 << 18  # of float32: it stays in the second-level cache, also in that of a small board
BATCH = 256  # vectors that are brought to length 1 at a time

# A float16 is stored as that many times the number: what is then too small for a normal float16 is as good as nothing.
HALF_SCALE = 2.0**15
SMALLEST_HALF = 2.0**-14
# Moved to where a float32 has its exponent and fraction, the bits of a float16 mean the number times 2^-112.
HALF_FACTOR = 2.0**112 / HALF_SCALE
HALF_BITS = np.int32(-0x70002000)  # 0x8fffe000: sign, exponent and fraction


class UnitRows:
    """Vectors of length 1: ``len()`` of them, each of ``size`` numbers. A slice is a view of the same memory.

    In float16 a cosine is some 0.0001 off at most, in int8 some 0.004 (docs/references.md has what was measured). What
    came as int8 loses nothing in int8.

    Args:
        count: how many there is room for; they are zero until `put`.
        size: how many numbers each has.
        dtype: how they are kept.
    """

    __slots__ = ("factors", "rows")

    def __init__(self, count: int, size: int, dtype: Storage = "float32") -> None:
        self.rows: NDArray[Any] = np.zeros((count, size), dtype)
        """As they are kept, of shape ``(count, size)``."""
        self.factors = None if dtype == "float32" else np.zeros(count, np.float32)
        """The factor that brings each to length 1, because its numbers are rounded; None: they are not."""

    @classmethod
    def of(cls, vectors: Sequence[NDArray[Any]], dtype: Storage = "float32") -> UnitRows:
        """Return rows of *vectors*, which are of one size.

        Raises:
            ValueError: one is of another size or dtype, zero, or not finite; the error names its number.
        """
        sizes = {np.size(vector) for vector in vectors}
        if len(sizes) > 1:
            raise ValueError(f"References must be of one size (got {', '.join(map(str, sorted(sizes)))})")
        made = cls(len(vectors), sizes.pop() if sizes else 0, dtype)
        for start in range(0, len(vectors), BATCH):
            made.put(start, np.array([np.reshape(each, -1) for each in vectors[start : start + BATCH]]))
        return made

    @classmethod
    def joined(cls, parts: Sequence[UnitRows]) -> UnitRows:
        """Return a copy of *parts* as one, in their order; a single one is returned as it is.

        They are of one size and dtype, and there is at least one.
        """
        if len(parts) == 1:
            return parts[0]
        made = cls.__new__(cls)
        made.rows = np.concatenate([part.rows for part in parts])
        factors = [part.factors for part in parts if part.factors is not None]
        made.factors = np.concatenate(factors) if factors else None
        return made

    @property
    def dtype(self) -> Storage:
        """The dtype that they are kept in."""
        name: Storage = self.rows.dtype.name  # type: ignore[assignment]  # it was made of one of these
        return name

    @property
    def size(self) -> int:
        """The numbers of each."""
        return int(self.rows.shape[1])

    @property
    def nbytes(self) -> int:
        """The memory that they take, in bytes."""
        return self.rows.nbytes + (0 if self.factors is None else self.factors.nbytes)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """Return each as it is kept."""
        return iter(self.rows)

    def __getitem__(self, part: slice) -> UnitRows:
        view = UnitRows.__new__(UnitRows)
        view.rows = self.rows[part]
        view.factors = None if self.factors is None else self.factors[part]
        return view

    def put(self, start: int, vectors: NDArray[Any]) -> None:
        """Keep *vectors*, of shape ``(count, size)``, as those from *start* on.

        They are floats, or int8 (``uint8`` for the bytes of these), of any length but zero.

        Raises:
            ValueError: one is zero, or not finite, or they are of another dtype; the error names its row.
        """
        vectors = comparable(vectors)
        stop = start + len(vectors)
        if self.rows.dtype == np.int8:
            kept = vectors if vectors.dtype == np.int8 else _as_int8(_of_length_one(vectors, start))
        else:
            kept = _of_length_one(vectors, start)
            if self.rows.dtype == np.float16:
                kept *= HALF_SCALE
                kept[np.abs(kept) < SMALLEST_HALF] = 0
        self.rows[start:stop] = kept
        if self.factors is not None:
            scale = HALF_SCALE if self.rows.dtype == np.float16 else 1.0
            squares = np.square(self.rows[start:stop], dtype=np.float64).sum(axis=1)
            _check_length(squares, start)
            self.factors[start:stop] = scale / np.sqrt(squares)


class Query:
    """The direction of one vector, and its cosine to many `UnitRows`. Its memory is made once; one thread uses it.

    Args:
        size: how many numbers the vectors have.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._wide = np.zeros(size, np.float64)
        self._unit = np.zeros(size, np.float32)
        self._scaled = np.zeros(size, np.float32)
        self._block = np.zeros((max(1, BLOCK_BYTES // (4 * max(1, size))), size), np.float32)
        self._bits = self._block.view(np.int32)

    def set_direction(self, vector: NDArray[Any]) -> bool:
        """Set the direction to that of *vector*, of shape ``(size,)``; False where it has none, because it is zero.

        Raises:
            ValueError: it has another shape, or numbers that are not finite.
        """
        if vector.shape != (self.size,):
            raise ValueError(f"The references have {self.size} numbers each (got a vector of shape {vector.shape})")
        wide = self._wide
        np.copyto(wide, vector.view(np.int8) if vector.dtype == np.uint8 else vector)
        largest = max(float(wide.max()), -float(wide.min()))
        if not math.isfinite(largest):
            raise ValueError("The vector has numbers that are not finite")
        if largest == 0:
            return False
        np.divide(wide, largest, wide)  # so that no square is too large or too small for a float
        np.divide(wide, math.sqrt(np.dot(wide, wide)), wide)
        np.copyto(self._unit, wide, casting="same_kind")
        np.multiply(self._unit, HALF_FACTOR, self._scaled)
        return True

    def cosines(self, rows: UnitRows, out: NDArray[np.float32]) -> None:
        """Write the cosine of the direction to each of *rows* to *out*, ``float32`` of shape ``(len(rows),)``: -1…1."""
        kept = rows.rows
        if kept.dtype == np.float32:
            np.dot(kept, self._unit, out)
        else:
            unit = self._scaled if kept.dtype == np.float16 else self._unit
            step = len(self._block)
            for start in range(0, len(kept), step):
                part = kept[start : start + step]
                np.dot(self._as_float32(part), unit, out[start : start + step])
            if rows.factors is not None:
                np.multiply(out, rows.factors, out)
        np.clip(out, -1, 1, out)

    def _as_float32(self, part: NDArray[Any]) -> NDArray[np.float32]:
        block = self._block[: len(part)]
        if part.dtype == np.int8:
            np.copyto(block, part)
            return block
        bits = self._bits[: len(part)]  # numpy itself turns float16 into float32 one by one, which takes twice as long
        np.copyto(bits, part.view(np.int16))
        np.left_shift(bits, 13, bits)
        np.bitwise_and(bits, HALF_BITS, bits)
        return block


def comparable(vectors: NDArray[Any]) -> NDArray[Any]:
    """*vectors* as float32 or int8.

    Raises:
        ValueError: they are of another dtype.
    """
    array = np.asarray(vectors)
    if array.dtype == np.uint8:
        return array.view(np.int8)
    if array.dtype in (np.int8, np.float32):
        return array
    if array.dtype == np.float64:
        with np.errstate(over="ignore", under="ignore"):
            return array.astype(np.float32)
    raise ValueError(
        f"Invalid dtype. Only float and np.uint8 are supported, and np.float32 and np.int8 here (got {array.dtype})"
    )


def _of_length_one(vectors: NDArray[Any], start: int) -> NDArray[np.float64]:
    wide = vectors.astype(np.float64)
    largest = np.abs(wide).max(axis=1, keepdims=True, initial=0)
    if not np.isfinite(largest).all():
        number = start + int(np.isfinite(largest[:, 0]).argmin())
        raise ValueError(f"Reference vector {number} has numbers that are not finite")
    _check_length(largest[:, 0], start)
    wide /= largest  # so that no square is too large or too small for a float
    wide /= np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, np.newaxis]
    return wide


def _as_int8(unit: NDArray[np.float64]) -> NDArray[np.int8]:
    unit *= 127 / np.abs(unit).max(axis=1, keepdims=True, initial=0)
    return np.rint(unit, unit).astype(np.int8)


def _check_length(lengths: NDArray[np.float64], start: int) -> None:
    if not lengths.all():
        number = start + int((lengths != 0).argmin())
        raise ValueError(f"Reference vector {number} is zero: it cannot be compared with anything")
