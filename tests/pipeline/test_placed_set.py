"""Sets of states with the places where they decide."""

from __future__ import annotations

import logging

import pytest

from edged.pipeline.placed_set import AnsweringSets, sets_at
from edged.states import StateSet
from tests.pipeline.placing import placed

STATES = ("free", "busy")
READY = StateSet(name="path", states=STATES, references={"free": "path-free", "busy": "path-busy"})


@pytest.mark.parametrize(
    ("places", "is_there"),
    [(("street",), True), (("street/path",), True), (("street/road",), False), (("yard", "street"), True), ((), False)],
)
def test_a_set_decides_for_its_places_only(places: tuple[str, ...], is_there: bool) -> None:
    there = placed(READY, places)
    assert there.applies_in("street", "path") is is_there
    assert sets_at([there], "street", "path") == ({"path": READY} if is_there else {})


def test_a_set_that_cannot_answer_decides_nowhere() -> None:
    assert sets_at([placed(StateSet(name="bay", states=STATES), ("street",))], "street", "path") == {}


def test_a_group_of_references_answers_while_all_of_them_exist(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    answering, given = AnsweringSets(), (placed(READY, ("street",)),)
    for names in (["path-free"], ["path-free", "other"]):
        (waiting,) = answering.choose(given, names)
        assert waiting.state_set is None
        assert waiting.states == STATES
    assert answering.choose(given, ["path-busy", "path-free"]) is given
    assert caplog.messages == [
        "set path decides nothing: there is no reference path-busy",
        "set path does not wait for references any more",
    ]


def test_a_set_that_needs_no_reference_does_not_wait_for_one() -> None:
    given = (placed(StateSet(name="bay", states=STATES), ("street",)),)
    assert AnsweringSets().choose(given, []) is given
