"""The self-test tells a working model from one that sees nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edged.errors import ModelError
from edged.vision.embedder import Embedder, EmbedderOptions
from edged.vision.runtime.engine import EngineName
from edged.vision.self_test import SELF_TEST_PICTURES, check_self_test, least_cosine, self_test_picture
from edged.vision.specs import ModelFile, Quantization
from tests.vision.pool_models import pool_model


@pytest.mark.parametrize(("height", "width"), [(1, 1), (8, 8), (96, 96), (224, 224), (300, 200)])
def test_the_pictures_have_the_size_that_was_asked_for_and_differ(height: int, width: int) -> None:
    leaf, rings = (self_test_picture(name, height, width) for name in SELF_TEST_PICTURES)
    assert leaf.shape == rings.shape == (height, width, 3)
    assert leaf.dtype == np.uint8
    assert not np.array_equal(leaf, rings)


def test_the_pictures_never_change() -> None:
    """What a daemon remembers of its model is compared with later pictures, so they are the same for ever."""
    leaf, rings = (self_test_picture(name, 224, 224) for name in SELF_TEST_PICTURES)
    assert (int(leaf.sum()), int(rings.sum())) == (25880072, 16324145)


def test_a_working_model_passes_on_each_engine(engine: EngineName, int8_model: ModelFile) -> None:
    with Embedder(int8_model, EmbedderOptions(engine=engine)) as embedder:
        vectors = embedder.self_test()
    assert vectors.shape == (2, 1280)
    assert 0.0 < least_cosine(vectors[:1], vectors[1:]) < 0.6


def test_a_network_and_its_quantised_form_see_the_pictures_alike(float_model: ModelFile, int8_model: ModelFile) -> None:
    with Embedder(float_model) as one, Embedder(int8_model) as other:
        assert least_cosine(one.self_test(), other.self_test()) > 0.99


def test_a_model_that_gives_the_same_for_every_picture_is_refused() -> None:
    with pytest.raises(ModelError, match=r"model blind: self-test: .* 'leaf' and 'rings' give the same vector"):
        check_self_test("blind", np.ones((2, 4), np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused_and_the_picture_is_named(value: float) -> None:
    vectors = np.array([[1.0, 2.0], [3.0, value]], np.float32)
    with pytest.raises(
        ModelError, match="model wild: self-test: the picture 'rings' gives numbers that are not finite"
    ):
        check_self_test("wild", vectors)


def test_a_vector_of_zeros_is_refused_and_the_picture_is_named() -> None:
    vectors = np.array([[0, 0], [3, 4]], np.int8)
    with pytest.raises(ModelError, match="model dead: self-test: the picture 'leaf' gives a vector of zeros"):
        check_self_test("dead", vectors)


def test_a_real_model_that_is_blind_is_refused(engine: EngineName) -> None:
    """Every number of its vector is stored in steps of 0."""
    model = pool_model("blind")
    head = replace(model.heads[0], quantization=Quantization(0.0, 0))
    blind = replace(model, heads=(head,))
    with (
        Embedder(blind, EmbedderOptions(engine=engine)) as embedder,
        pytest.raises(ModelError, match="model blind: self-test: the picture 'leaf' gives a vector of zeros"),
    ):
        embedder.self_test()


def test_the_least_cosine_is_that_of_the_worst_picture() -> None:
    one = np.array([[1.0, 0.0], [1.0, 0.0]])
    other = np.array([[2.0, 0.0], [0.0, 3.0]])
    assert least_cosine(one, other) == 0.0
    with pytest.raises(ValueError, match="vectors of 2 and 3 numbers"):
        least_cosine(one, np.ones((2, 3)))
