"""Vectors of example pictures in memory: those of one model, of so many pictures at most."""

from __future__ import annotations

import numpy as np
import pytest

from edged.pipeline.loading.picture_vectors import PictureVectors


def rows(number: float, dtype: type = np.float32) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    return np.full((5, 4), number, dtype)


def test_vectors_come_back_for_their_maker_only() -> None:
    known = PictureVectors()
    known.keep("a", "model 1", rows(2))
    found = known.get("a", "model 1")
    assert found is not None
    assert found.tolist() == rows(1).tolist(), "the length does not count"
    assert known.get("b", "model 1") is None
    assert known.get("a", "model 2") is None


def test_vectors_of_another_maker_replace_all_of_the_first_one() -> None:
    known = PictureVectors()
    known.keep("a", "model 1", rows(1))
    known.keep("b", "model 2", rows(1))
    known.keep("c", "model 1", rows(1))
    assert known.get("a", "model 1") is None
    assert known.get("c", "model 1") is not None


def test_the_picture_that_was_not_used_for_longest_goes_first() -> None:
    known = PictureVectors(most=2)
    known.keep("a", "model", rows(1))
    known.keep("b", "model", rows(1))
    assert known.get("a", "model") is not None
    known.keep("c", "model", rows(1))
    assert [key for key in "abc" if known.get(key, "model") is not None] == ["a", "c"]


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 2), (np.int8, 1)])
def test_a_number_takes_two_bytes_or_the_one_that_it_has(dtype: type, size: int) -> None:
    known = PictureVectors()
    known.keep("a", "model", rows(3, dtype))
    found = known.get("a", "model")
    assert found is not None
    assert found.itemsize == size


def test_large_and_small_vectors_stay_finite_and_not_zero() -> None:
    known = PictureVectors()
    known.keep("a", "model", np.array([[1e30, 1e29], [1e-30, -1e-30]], np.float32))
    found = known.get("a", "model")
    assert found is not None
    assert np.allclose(found, np.array([[1, 0.1], [1, -1]]), atol=1e-3)
