"""An evaluation counts right: what was wrong, what was unknown, which labels are doubtful, and in which light."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.states.evaluation import Judged, confusion, light_of, suspects
from edged.values import UNKNOWN, StateAnswer


def judged(name: str, label: str, p_of_truck: float, unknown_below: float = 0.73) -> Judged:
    p = (("empty", 1 - p_of_truck), ("truck", p_of_truck))
    guess, largest = max(p, key=lambda pair: pair[1])
    answer = guess if largest >= unknown_below else UNKNOWN
    return Judged.of(name, label, StateAnswer("bay", answer, p, 0.5), "daylight")


def test_an_unknown_answer_is_neither_right_nor_wrong() -> None:
    sure, unsure, wrong = judged("a", "truck", 0.9), judged("b", "truck", 0.3), judged("c", "empty", 0.8)
    assert [each.is_wrong for each in (sure, unsure, wrong)] == [False, False, True]
    assert [each.is_answered for each in (sure, unsure, wrong)] == [True, False, True]
    assert confusion([sure, unsure, wrong, wrong]) == {
        ("truck", "truck"): 1,
        ("truck", UNKNOWN): 1,
        ("empty", "truck"): 2,
    }


def test_the_labels_that_may_be_wrong_are_those_of_which_it_is_sure_the_surest_first() -> None:
    found = suspects([judged("a", "empty", 0.96), judged("b", "empty", 0.94), judged("c", "empty", 0.99)])
    assert [(each.name, each.guess) for each in found] == [("c", "truck"), ("a", "truck")]


def picture(red: int, green: int, blue: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(1).integers(-2, 3, (60, 80, 1))
    coloured: NDArray[np.uint8] = np.clip(np.array([red, green, blue]) + noise, 0, 255).astype(np.uint8)
    return coloured


@pytest.mark.parametrize(
    ("colour", "light"),
    [
        ((120, 130, 110), "daylight"),
        ((30, 35, 28), "dark"),
        ((130, 130, 130), "infrared"),
        ((30, 31, 30), "infrared"),
    ],
)
def test_the_light_is_that_of_colours_and_brightness(colour: tuple[int, int, int], light: str) -> None:
    assert light_of(picture(*colour)) == light


def test_the_smallest_picture_has_a_light() -> None:
    assert light_of(np.full((1, 1, 3), 200, np.uint8)) == "infrared"
