"""Each example is judged by a head that has not seen it."""

from __future__ import annotations

import time

import numpy as np
import pytest

from edged.states import Example, TrainingSet, leave_one_out, train
from tests.states.making import World

BAY = ("empty", "truck")
THREE = ("empty", "car", "truck")


@pytest.mark.parametrize("states", [BAY, THREE], ids=len)
def test_the_judgement_is_that_of_a_head_trained_without_the_example(states: tuple[str, ...]) -> None:
    examples = World(states, noise=1.5).examples(5)
    judged = list(leave_one_out(TrainingSet(examples, states)))
    assert [each.key for each in judged] == [each.key for each in examples]
    for number, each in enumerate(judged):
        others = train(examples[:number] + examples[number + 1 :], states)
        p = others.probabilities(examples[number].vectors[0])
        assert each.p == pytest.approx(p[states.index(each.state)], abs=0.02)
        assert each.guess == states[int(p.argmax())] or abs(np.diff(np.sort(p)[-2:])[0]) < 0.02


def test_an_example_with_the_wrong_label_is_found() -> None:
    examples = World(BAY).examples(6)
    wrong = Example("truck", examples[4].vectors, "wrong")
    assert examples[4].state == "empty"
    judged = list(leave_one_out(TrainingSet([*examples[:4], wrong, *examples[5:]], BAY)))
    assert [each.key for each in judged if each.is_wrong] == ["wrong"]


def test_the_variants_of_an_example_are_left_out_with_it() -> None:
    world = World(BAY)
    odd = Example("truck", np.repeat(world.vector("empty")[np.newaxis], 5, axis=0), "odd")
    judged = {each.key: each for each in leave_one_out(TrainingSet([*world.examples(4), odd], BAY))}
    assert judged["odd"].p < 0.5


def test_the_only_example_of_a_state_is_not_judged() -> None:
    world = World(BAY)
    examples = [world.example("empty"), world.example("empty"), world.example("truck")]
    judged = list(leave_one_out(TrainingSet(examples, BAY)))
    assert [each.state for each in judged] == ["empty", "empty"]


@pytest.mark.timed
def test_two_hundred_examples_are_judged_in_seconds() -> None:
    training = TrainingSet(World(BAY, noise=2.0, dimension=1280).examples(100), BAY)
    begin = time.process_time()
    assert len(list(leave_one_out(training))) == 200
    assert time.process_time() - begin <= 10
