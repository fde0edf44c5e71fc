"""The cosine of two vectors, and of one with many."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edged.vision.similarity import ReferenceMatrix, cosine_similarity, similarity
from tests.allocated import allocated

Vector = npt.NDArray[Any]


def test_float_vectors_give_what_the_task_librarys_tests_want() -> None:
    assert cosine_similarity(np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.5, 0.5, 0.5, 0.5])) == 0.5


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_quantised_vectors_are_compared_as_int8(dtype: type) -> None:
    u, v = np.array([127, 0, 0, 0], np.int8), np.array([-128, 0, 0, 0], np.int8)
    assert cosine_similarity(u.view(dtype), v.view(dtype)) == -1.0


def test_int8_bytes_and_int8_numbers_are_the_same_vector() -> None:
    u = np.array([1, -2, 3], np.int8)
    assert cosine_similarity(u, u.view(np.uint8)) == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize("seed", range(5))
def test_products_are_float32_and_sums_float64_in_order(seed: int) -> None:
    u, v = np.random.default_rng(seed).normal(size=(2, 1280)).astype(np.float32)
    product = first = second = 0.0
    for a, b in zip(u, v, strict=True):
        product, first, second = product + float(a * b), first + float(a * a), second + float(b * b)
    assert cosine_similarity(u.astype(np.float64), v) == product / float(np.sqrt(first * second))


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e30])
def test_numbers_that_are_not_finite_or_too_large_give_nan(number: float) -> None:
    assert np.isnan(cosine_similarity(np.array([number, 1.0]), np.array([number, 2.0])))


@pytest.mark.parametrize(
    ("u", "v", "message"),
    [
        (
            np.zeros(1, np.float32),
            np.zeros(2),
            "Cannot compute cosine similarity on float feature vectors of different sizes (1 vs 2)",
        ),
        (
            np.zeros(1, np.int8),
            np.zeros(2, np.uint8),
            "Cannot compute cosine similarity on quantized feature vectors of different sizes (1 vs 2)",
        ),
        (
            np.ones(2, np.uint8),
            np.ones(2),
            "Cannot compute cosine similarity between quantized and float feature vectors",
        ),
        (np.zeros(2), np.ones(2), "Cannot compute cosine similarity on feature vector with 0 norm"),
        (np.full(2, 1e-30), np.ones(2), "Cannot compute cosine similarity on feature vector with 0 norm"),
        (np.zeros(2, np.int8), np.ones(2, np.int8), "Cannot compute cosine similarity on feature vector with 0 norm"),
        (np.zeros(0), np.zeros(0), "Cannot compute cosine similarity on empty feature vectors"),
        (np.ones(2, np.int32), np.ones(2), "Invalid dtype. Only float and np.uint8 are supported"),
    ],
)
def test_vectors_that_cannot_be_compared_are_refused(u: Vector, v: Vector, message: str) -> None:
    with pytest.raises(ValueError, match="^" + message.replace("(", r"\(").replace(")", r"\)")):
        cosine_similarity(u, v)


def test_one_product_gives_the_cosine_to_every_reference() -> None:
    references = np.random.default_rng(0).normal(size=(300, 64)).astype(np.float32)
    vector = np.random.default_rng(1).normal(size=64).astype(np.float32)
    scores = similarity(vector, references)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, [cosine_similarity(vector, row) for row in references], atol=1e-6)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_quantised_vectors_can_be_references(dtype: type) -> None:
    references = np.random.default_rng(0).integers(-128, 128, (5, 64), np.int8)
    scores = similarity(references[3].view(dtype), references.view(dtype))
    np.testing.assert_allclose(scores, [cosine_similarity(references[3], row) for row in references], atol=1e-6)


def test_a_score_never_leaves_its_range() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 1280)).astype(np.float32)
    for row in rows:
        assert similarity(row, np.stack([row, -row])).tolist() == pytest.approx([1, -1], abs=1e-6)
        assert np.abs(similarity(row, np.stack([row, -row]))).max() <= 1


@pytest.mark.parametrize("factor", [1e-30, 1e-20, 1e20, 1e38])
def test_very_small_and_very_large_vectors_are_compared_too(factor: float) -> None:
    row = np.array([3.0, 4.0], np.float32) * np.float32(factor / 10)
    assert similarity(row, np.array([[0.6, 0.8], [0.8, -0.6]], np.float32)).tolist() == pytest.approx([1, 0], abs=1e-6)


def test_a_vector_of_zeros_is_like_nothing() -> None:
    assert similarity(np.zeros(2, np.float32), np.eye(2)).tolist() == [0, 0]


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_vector_that_is_not_finite_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="numbers that are not finite"):
        similarity(np.array([number, 1.0]), np.eye(2))
    with pytest.raises(ValueError, match="numbers that are not finite"):
        ReferenceMatrix([np.array([1.0, number])])


def test_a_reference_of_zeros_is_refused() -> None:
    with pytest.raises(ValueError, match="Reference vector 1 is zero"):
        ReferenceMatrix([np.ones(2), np.zeros(2)])


def test_references_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"of one size \(got 2, 3\)"):
        ReferenceMatrix([np.ones(3), np.ones(2)])


def test_a_vector_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"The references have 2 numbers each \(got a vector of shape \(3,\)\)"):
        similarity(np.ones(3), np.eye(2))


def test_no_references_give_no_scores() -> None:
    assert similarity(np.ones(3), np.zeros((0, 3))).tolist() == []


def test_no_array_is_made_for_the_scores_of_a_vector() -> None:
    matrix = ReferenceMatrix(list(np.random.default_rng(0).normal(size=(2000, 1280)).astype(np.float32)))
    vector, out = np.ones(1280, np.float32), np.zeros(2000, np.float32)
    matrix.scores(vector, out)
    assert allocated(lambda: matrix.scores(vector, out)).peak < 4096
