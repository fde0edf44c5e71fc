"""Samples of a region, of which one is chosen: disturbed ones do not count."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.service.control.samples import Sample, choose

NOTHING = np.zeros((1, 1, 3), np.uint8)


def samples_of(*vectors: NDArray[np.float32]) -> list[Sample]:
    return [Sample(NOTHING, vector, number) for number, vector in enumerate(vectors)]


def noisy(direction: NDArray[np.float32], seed: int, noise: float = 0.02) -> NDArray[np.float32]:
    return direction + np.random.default_rng(seed).normal(0, noise, direction.shape).astype(np.float32)


SCENE = np.random.default_rng(1).normal(0, 1, 64).astype(np.float32)
BLINK = np.random.default_rng(2).normal(0, 1, 64).astype(np.float32)


def test_the_sample_most_like_the_others_is_chosen() -> None:
    selection = choose(samples_of(SCENE + 0.3 * BLINK, SCENE + 0.1 * BLINK, SCENE))
    assert selection.index == 1
    assert selection.similarities[1] == 1.0
    assert selection.outliers == ()
    assert selection.least == min(selection.similarities)


@pytest.mark.parametrize("place", range(5))
def test_a_disturbed_sample_is_an_outlier_and_does_not_count(place: int) -> None:
    vectors = [noisy(SCENE, seed) for seed in range(5)]
    vectors[place] = BLINK
    selection = choose(samples_of(*vectors))
    assert selection.outliers == (place,)
    assert selection.index != place
    assert selection.similarities[place] < 0.5
    assert selection.least > 0.99


def test_two_disturbed_samples_of_five_are_outvoted() -> None:
    selection = choose(samples_of(noisy(SCENE, 1), noisy(BLINK, 2), noisy(SCENE, 3), noisy(BLINK, 4), noisy(SCENE, 5)))
    assert selection.outliers == (1, 3)
    assert selection.index in (0, 2, 4)


def test_the_noise_of_a_scene_at_rest_is_no_outlier() -> None:
    vectors = [noisy(SCENE, seed, 0.001) for seed in range(4)]
    assert choose(samples_of(*vectors, noisy(SCENE, 9, 0.05))).outliers == ()


def test_a_scene_that_moves_has_no_outliers() -> None:
    selection = choose(samples_of(*(noisy(SCENE, seed, 1.0) for seed in range(5))))
    assert selection.outliers == ()
    assert selection.least < 0.8


def test_one_sample_is_enough() -> None:
    selection = choose(samples_of(SCENE))
    assert (selection.index, selection.similarities, selection.outliers, selection.least) == (0, (1.0,), (), 1.0)


def test_a_vector_of_zeros_is_refused() -> None:
    with pytest.raises(ValueError, match="zero"):
        choose(samples_of(SCENE, np.zeros(64, np.float32)))


def test_quantised_vectors_are_compared_too() -> None:
    vectors = [(noisy(SCENE, seed) * 20).astype(np.int8) for seed in range(3)]
    selection = choose([Sample(NOTHING, vector, 0) for vector in vectors])
    assert selection.least > 0.99
