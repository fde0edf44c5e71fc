"""Answers for the vectors of one place: the state, its probability, and `unknown` where that is too small."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from edged.states import Classifier, StateSet, train
from edged.values import UNKNOWN, ReferenceScore
from tests.allocated import allocated
from tests.states.making import World

BAY = ("empty", "truck")


def bay(world: World, each: int = 5, unknown_below: float = 0.73) -> StateSet:
    return StateSet(name="bay", states=BAY, head=train(world.examples(each), BAY), unknown_below=unknown_below)


def test_an_answer_is_what_the_head_says() -> None:
    world = World(BAY)
    state_set = bay(world)
    classifier = Classifier([state_set])
    for vector in (world.vector("truck"), world.vector("empty"), world.vector("truck", 2.0)):
        (answer,) = classifier.answers(vector)
        assert state_set.head is not None
        expected = state_set.head.probabilities(vector)
        assert [state for state, _ in answer.p] == list(BAY)
        np.testing.assert_allclose([p for _, p in answer.p], expected, atol=1e-5)
        assert answer.novelty == pytest.approx(state_set.head.novelty(vector), abs=1e-3)


def test_int8_vectors_are_taken_as_they_are() -> None:
    world = World(BAY)
    (answer,) = Classifier([bay(world)]).answers(np.rint(world.vector("truck") * 20).astype(np.int8))
    assert answer.state == "truck"


def test_an_answer_is_unknown_below_the_limit_and_not_at_it() -> None:
    world = World(BAY)
    vector, state_set = world.vector("truck", 0.5), bay(world)
    (answer,) = Classifier([state_set]).answers(vector)
    p = max(p for _, p in answer.p)
    for limit, state in ((p, "truck"), (np.nextafter(p, 1), UNKNOWN)):
        (again,) = Classifier([replace(state_set, unknown_below=float(limit))]).answers(vector)
        assert again.state == state


def test_a_camera_that_is_covered_answers_unknown_and_reports_its_probabilities() -> None:
    world = World(BAY)
    classifier, vector = Classifier([bay(world)]), world.vector("truck", 0)
    (seen,), (blind,) = classifier.answers(vector), classifier.answers(vector, is_blind=True)
    assert (seen.state, blind.state) == ("truck", UNKNOWN)
    assert seen.p == blind.p


@pytest.mark.parametrize("vector", [np.zeros(48), np.full(48, 1e30)], ids=["zeros", "too large"])
def test_a_vector_without_a_direction_is_unknown(vector: npt.NDArray[np.float64]) -> None:
    (answer,) = Classifier([bay(World(BAY))]).answers(vector.astype(np.float32))
    assert answer.state == UNKNOWN
    assert answer.p == (("empty", 0.5), ("truck", 0.5))
    assert answer.novelty is None


def test_a_set_that_has_learned_nothing_yet_gives_no_answer() -> None:
    assert Classifier([StateSet(name="bay", states=BAY)]).answers(np.ones(4, np.float32)) == ()


def test_references_are_grouped_as_states() -> None:
    group = StateSet(name="path", states=("free", "busy"), references={"free": "path-empty", "busy": "path-busy"})
    scores = [ReferenceScore("path-busy", 0.91), ReferenceScore("path-empty", 0.84), ReferenceScore("door", 0.99)]
    (answer,) = Classifier([group]).answers(np.ones(4, np.float32), scores)
    assert answer.state == "busy"
    assert dict(answer.p) == pytest.approx({"free": 1 / (1 + np.exp(40 * 0.07)), "busy": 1 / (1 + np.exp(-40 * 0.07))})
    assert answer.novelty is None


def test_a_reference_that_is_not_among_the_best_is_like_nothing() -> None:
    group = StateSet(name="path", states=("free", "busy"), references={"free": "path-empty", "busy": "path-busy"})
    classifier = Classifier([group])
    (one,) = classifier.answers(np.ones(4), [ReferenceScore("path-empty", 0.5)])
    (none,) = classifier.answers(np.ones(4), [])
    assert (one.state, none.state) == ("free", UNKNOWN)


def test_the_best_of_several_scores_of_a_reference_counts() -> None:
    group = StateSet(name="path", states=("free", "busy"), references={"free": "path-empty", "busy": "path-busy"})
    scores = [ReferenceScore("path-busy", 0.95, "one"), ReferenceScore("path-busy", 0.5, "two")]
    (answer,) = Classifier([group]).answers(np.ones(4), [*scores, ReferenceScore("path-empty", 0.8)])
    assert answer.state == "busy"


def test_a_set_goes_over_from_references_to_the_head() -> None:
    world = World(BAY)
    references = {"empty": "bay-empty", "truck": "bay-truck"}
    state_set = StateSet(name="bay", states=BAY, references=references, head=train(world.examples(3), BAY))
    (answer,) = Classifier([state_set]).answers(world.vector("truck", 0), [ReferenceScore("bay-empty", 1.0)])
    assert answer.state == "truck"


def test_sets_of_one_place_answer_in_their_order() -> None:
    world = World(BAY)
    group = StateSet(name="door", states=("open", "shut"), references={"open": "a", "shut": "b"})
    answers = Classifier([group, bay(world)]).answers(world.vector("empty"))
    assert [answer.set for answer in answers] == ["door", "bay"]


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        (("empty",), "2 to 8 different states"),
        (("empty", "empty"), "2 to 8 different states"),
        (tuple("abcdefghi"), "2 to 8 different states"),
        (("empty", UNKNOWN), "unknown is no state"),
    ],
)
def test_a_set_has_some_states_and_none_is_unknown(states: tuple[str, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        StateSet(name="bay", states=states)


def test_a_set_has_the_states_of_its_head_and_references_in_their_order() -> None:
    """Probabilities have no names: in another order, each would be that of another state."""
    head = train(World(BAY).examples(2), BAY)
    with pytest.raises(ValueError, match="bay: the head must have the states truck, empty, in this order"):
        StateSet(name="bay", states=BAY[::-1], head=head)
    with pytest.raises(ValueError, match="bay: the references must have the states empty, truck, in this order"):
        StateSet(name="bay", states=BAY, references={"truck": "a", "empty": "b"})
    with pytest.raises(ValueError, match="bay: the references must have"):
        StateSet(name="bay", states=BAY, references={"empty": "b"})


def test_heads_of_two_models_do_not_serve_one_place() -> None:
    with pytest.raises(ValueError, match=r"of one size .got 40, 48"):
        Classifier([bay(World(BAY)), bay(World(BAY, dimension=40))])


def test_a_frame_takes_next_to_no_memory() -> None:
    world = World(BAY, dimension=1280)
    classifier = Classifier([bay(world, each=10)])
    vector = world.vector("truck")
    assert allocated(lambda: classifier.answers(vector)).peak < 4096
