"""Vectors kept in float32, float16 and int8: how far their cosines are off, and what comparing them costs in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edged.vision.similarity import ReferenceMatrix, cosine_similarity
from edged.vision.unit_vectors import DTYPES, Query, Storage, UnitRows
from tests.allocated import allocated

MOST_OFF = {"float32": 1e-6, "float16": 1e-4, "int8": 5e-3}


def vectors(count: int, size: int = 1280, seed: int = 0) -> npt.NDArray[np.float32]:
    """As image models give them: none below zero, many near it, some large."""
    return np.random.default_rng(seed).standard_exponential((count, size)).astype(np.float32)


def cosines(rows: UnitRows, vector: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    query, out = Query(rows.size), np.full(len(rows), np.nan, np.float32)
    assert query.set_direction(vector)
    query.cosines(rows, out)
    return out


@pytest.mark.parametrize("dtype", DTYPES)
def test_cosines_are_as_exact_as_the_dtype_allows(dtype: Storage) -> None:
    kept, probe = vectors(700), vectors(1, seed=1)[0]
    exact = [cosine_similarity(probe, row) for row in kept]
    found = cosines(UnitRows.of(list(kept), dtype), probe)
    assert np.abs(found - exact).max() < MOST_OFF[dtype]
    assert cosines(UnitRows.of(list(kept), dtype), kept[699]).argmax() == 699


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("factor", [1e-30, 1e-12, 1e30])
def test_the_length_of_a_vector_does_not_matter(dtype: Storage, factor: float) -> None:
    kept = vectors(3)
    long = UnitRows.of(list(kept * np.float32(factor)), dtype)
    assert cosines(long, kept[0]) == pytest.approx(cosines(UnitRows.of(list(kept), dtype), kept[0]), abs=1e-6)


def test_float16_is_read_as_numpy_reads_it() -> None:
    rows = UnitRows.of([np.array([1.0, -1e-3, 1e-9, 0.0, -0.5]), np.array([-1.0, 0.0, 0.0, 0.0, 0.0])], "float16")
    for axis in range(5):
        probe = np.zeros(5, np.float32)
        probe[axis] = 1
        assert rows.factors is not None
        expected = rows.rows[:, axis].astype(np.float32) / 2**15 * rows.factors
        assert cosines(rows, probe).tolist() == expected.tolist()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_int8_vectors_lose_nothing_in_int8(dtype: type) -> None:
    kept = np.random.default_rng(0).integers(-128, 128, (50, 64), np.int8)
    found = cosines(UnitRows.of(list(kept.view(dtype)), "int8"), kept[7].view(dtype))
    assert found == pytest.approx([cosine_similarity(kept[7], row) for row in kept], abs=1e-6)


def test_a_smaller_dtype_takes_less_memory() -> None:
    sizes = [ReferenceMatrix(list(vectors(10)), dtype).nbytes for dtype in DTYPES]
    assert sizes == [51200, 25640, 12840]  # each that is rounded has its length besides


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_row_that_cannot_be_compared_is_reported_by_its_number(dtype: Storage) -> None:
    for odd, what in ((0.0, "is zero"), (np.nan, "not finite"), (np.inf, "not finite")):
        kept = vectors(300, 4)
        kept[290] = odd
        with pytest.raises(ValueError, match=f"Reference vector 290 .*{what}"):
            UnitRows.of(list(kept), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_several_are_copied_together(dtype: Storage) -> None:
    whole, other = (UnitRows.of(list(vectors(3, 8, seed)), dtype) for seed in (0, 1))
    joined = UnitRows.joined([whole[2:3], whole[0:1], other])
    probe = vectors(1, 8, 5)[0]
    mine, others = cosines(whole, probe), cosines(other, probe)
    assert cosines(joined, probe).tolist() == pytest.approx([mine[2], mine[0], *others], abs=1e-6)
    assert UnitRows.joined([whole]) is whole


@pytest.mark.parametrize("dtype", DTYPES)
def test_comparing_makes_no_array(dtype: Storage) -> None:
    rows, probe = UnitRows.of(list(vectors(2000)), dtype), vectors(1, seed=1)[0]
    query, out = Query(1280), np.zeros(2000, np.float32)

    def compare() -> None:
        query.set_direction(probe)
        query.cosines(rows, out)

    compare()
    assert allocated(compare).peak < 4096
