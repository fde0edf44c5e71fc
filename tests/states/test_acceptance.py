"""A new head takes over only if it knows what the old one knew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edged.states import Example, errors, objection, train
from tests.states.making import World

BAY = ("empty", "truck")


def test_errors_are_counted_by_the_examples_own_pictures() -> None:
    world = World(BAY)
    examples = world.examples(4)
    head = train(examples, BAY)
    turned = [Example(BAY[each.state == "empty"], each.vectors, each.key) for each in examples[:3]]
    assert errors(head, examples) == 0
    assert errors(head, [*turned, *examples[3:]]) == 3
    assert errors(head, []) == 0


def test_a_head_that_has_learned_more_takes_over() -> None:
    world = World(BAY)
    earlier = world.examples(3)
    old, new = train(earlier, BAY), train([*earlier, *world.examples(2)], BAY)
    assert objection(new, old, earlier) is None
    assert objection(new, None, []) is None


def test_a_head_that_forgets_earlier_examples_does_not() -> None:
    world = World(BAY)
    earlier = world.examples(3)
    mislabelled = [
        Example(BAY[each.state == "empty"], each.vectors, f"{each.key}-wrong") for each in world.examples(30)
    ]
    reason = objection(train([*earlier, *mislabelled], BAY), train(earlier, BAY), earlier)
    assert reason is not None
    assert "wrong about 6 of the 6 earlier examples, and the one in use is wrong about 0" in reason


def test_hard_new_examples_are_no_objection() -> None:
    world = World(BAY, noise=0.02)
    earlier = world.examples(6)
    hard = Example("truck", world.example("empty").vectors, "hard")
    new = train([*earlier, hard], BAY)
    assert errors(new, [hard]) == 1
    assert objection(new, train(earlier, BAY), earlier) is None


def test_an_example_that_was_relabelled_counts_as_it_is_now() -> None:
    examples = World(BAY).examples(4)
    wrong = Example("truck", examples[0].vectors, examples[0].key)
    old = train([wrong, *examples[1:]], BAY)
    assert objection(train(examples, BAY), old, examples) is None


def test_heads_of_another_model_or_with_a_state_that_is_gone_are_not_compared() -> None:
    world = World(BAY)
    earlier = world.examples(3)
    old = train(earlier, BAY)
    worse = train([Example(BAY[each.state == "empty"], each.vectors, each.key) for each in earlier], BAY)
    assert objection(worse, old, earlier) is not None
    assert objection(worse, replace(old, space_id="other"), earlier) is None
    assert objection(worse, replace(old, states=("empty", "bus")), earlier) is None


def test_one_more_error_is_one_too_many() -> None:
    earlier = World(BAY).examples(4)
    old = train(earlier, BAY)
    trucks = np.sort([old.probabilities(each.vectors[0])[1] for each in earlier if each.state == "truck"])
    logits = np.log(trucks / (1 - trucks))
    for count, between in ((0, logits[0] - 0.01), (1, logits[:2].mean())):
        new = replace(old, bias=old.bias - np.array([0, between], np.float32))
        assert errors(new, earlier) == count
        assert (objection(new, old, earlier) is None) == (count == 0)
