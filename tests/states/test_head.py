"""A head learns states from a few examples of each, whatever the length and the dtype of the vectors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from edged.states import MOST_EXAMPLES, Example, train
from edged.states.head import SMALLEST_UNIT
from tests.states.making import World

BAY = ("empty", "truck")
FOUR = ("empty", "car", "truck", "bus")


@pytest.mark.parametrize("states", [BAY, FOUR], ids=len)
def test_other_pictures_of_a_state_are_recognised(states: tuple[str, ...]) -> None:
    world = World(states)
    head = train(world.examples(5), states)
    for state in states:
        for _ in range(20):
            p = head.probabilities(world.vector(state))
            assert states[int(p.argmax())] == state
            assert p.sum() == pytest.approx(1, abs=1e-5)
            assert p.dtype == np.float32


def test_the_order_of_the_states_is_that_of_the_set() -> None:
    world = World(BAY)
    examples = world.examples(3)
    p, turned = (train(examples, states).probabilities(world.vector("truck", 0)) for states in (BAY, BAY[::-1]))
    np.testing.assert_allclose(p, turned[::-1], atol=0.005)


def test_a_state_with_few_examples_weighs_as_much_as_one_with_many() -> None:
    world = World(BAY)
    examples = world.examples(3)
    again = [each for each in examples if each.state == "empty"] * 9
    vector = world.vector("truck", 2.0)
    p = train(examples, BAY).probabilities(vector)
    np.testing.assert_allclose(train([*examples, *again], BAY).probabilities(vector), p, atol=0.005)


def test_the_length_of_a_vector_changes_nothing() -> None:
    world = World(BAY)
    examples = world.examples(3)
    longer = [Example(each.state, each.vectors * 1000, each.key) for each in examples]
    vector = world.vector("truck")
    p = train(examples, BAY).probabilities(vector)
    np.testing.assert_allclose(p, train(longer, BAY).probabilities(vector * 1e-3), atol=1e-4)


def test_quantised_vectors_give_the_same_answers() -> None:
    world = World(BAY)
    examples = world.examples(5)
    quantised = [Example(each.state, np.rint(each.vectors * 20).astype(np.int8), each.key) for each in examples]
    vector = world.vector("empty")
    p = train(quantised, BAY).probabilities(np.rint(vector * 20).astype(np.int8))
    np.testing.assert_allclose(p, train(examples, BAY).probabilities(vector), atol=0.02)


def test_an_example_itself_is_not_novel_and_another_world_is() -> None:
    world, other = World(BAY), World(BAY, seed=9)
    examples = world.examples(10)
    head = train(examples, BAY)
    assert head.novelty(examples[3].vectors[0]) == pytest.approx(0, abs=0.01)
    assert head.novelty(world.vector("truck")) < 1.5
    assert head.novelty(other.vector("truck")) > 2


def test_novelty_is_measured_by_pictures_and_not_by_their_variants() -> None:
    world = World(BAY)
    examples = world.examples(5)
    far = world.vector("truck") * -1
    with_far = [Example(each.state, np.vstack([each.vectors, far]), each.key) for each in examples]
    assert train(with_far, BAY).novelty(far) > 2


def test_examples_that_are_one_picture_have_a_unit_of_novelty_all_the_same() -> None:
    vectors = np.eye(2, 8, dtype=np.float32)
    examples = [Example(BAY[number % 2], vectors[[0]], str(number)) for number in range(6)]
    assert train(examples, BAY).unit == SMALLEST_UNIT


def test_a_head_remembers_its_examples_and_their_space() -> None:
    examples = World(BAY).examples(2)
    head = train(examples, BAY, "abc")
    assert head.keys == tuple(each.key for each in examples)
    assert head.space_id == "abc"
    assert head.rows.nbytes <= (2 + len(examples)) * 4 * head.dimension


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        (("empty", "truck", "bus"), "at least one example of each state .bus without"),
        (("empty", "bus"), "examples of truck"),
        (("empty",), "2 to 8 different states"),
        (("empty", "empty"), "2 to 8 different states"),
        (("empty", "truck", "unknown"), "unknown is no state"),
    ],
)
def test_examples_must_fit_the_states(states: tuple[str, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        train(World(BAY).examples(2), states)


def test_vectors_of_two_models_are_not_mixed() -> None:
    examples = World(BAY).examples(2) + World(BAY, dimension=40).examples(1)
    with pytest.raises(ValueError, match=r"one size .got 40, 48"):
        train(examples, BAY)


def test_there_is_a_limit_to_the_examples() -> None:
    example = World(BAY).example("empty")
    with pytest.raises(ValueError, match=f"at most {MOST_EXAMPLES} examples"):
        train([example] * (MOST_EXAMPLES + 1), BAY)


@pytest.mark.parametrize("vector", [np.zeros(8), np.full(8, np.nan), np.full(8, np.inf)], ids=["zero", "nan", "inf"])
def test_a_vector_without_a_direction_is_no_example(vector: npt.NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="example door-1: a vector is zero, or not finite"):
        Example("empty", np.stack([np.ones(8), vector]), "door-1")
