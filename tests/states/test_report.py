"""What a person is told about examples is what they prove, and no more."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from edged.states import LeftOut, advice, summary
from edged.states.report import bound, judgement, upper_bound

BAY = ("empty", "truck")


def judged(count: int, wrong: int = 0, state: str = "truck") -> list[LeftOut]:
    return [LeftOut(str(each), state, "empty" if each < wrong else state, 0.5) for each in range(count)]


def test_ten_examples_without_an_error_prove_one_in_four() -> None:
    assert summary(BAY, Counter(empty=5, truck=5), judged(10)) == (
        "5 empty, 5 truck; tested one by one, 0 of 10 wrong: "
        "expect at most about 1 in 4 wrong in pictures like these (at 95 %)"
    )


def test_a_state_without_examples_is_counted_too() -> None:
    assert summary(BAY, Counter(empty=2), []).startswith("2 empty, 0 truck; nothing is tested yet")


@pytest.mark.parametrize("count", range(1, 400))
def test_nothing_is_ever_promised_to_be_without_errors(count: int) -> None:
    text = bound(0, count)
    assert not re.search(r"\b0 ?%|1 in 0|1 in 1\b", text)
    assert ("%" in text.replace("95 %", "")) == (count >= 30)


@pytest.mark.parametrize("count", [5, 10, 30, 100, 300])
def test_no_error_in_many_proves_three_of_so_many(count: int) -> None:
    assert upper_bound(0, count) == pytest.approx(1 - 0.05 ** (1 / count), abs=1e-9)
    assert upper_bound(0, count) <= 3 / count


@pytest.mark.parametrize(("wrong", "count", "most"), [(1, 10, 0.394), (2, 20, 0.283), (5, 100, 0.102), (10, 10, 1)])
def test_errors_raise_the_bound(wrong: int, count: int, most: float) -> None:
    """The upper limits of Clopper and Pearson, one-sided at 95 %, as tables have them."""
    assert upper_bound(wrong, count) == pytest.approx(most, abs=0.001)


def test_a_few_examples_prove_nothing() -> None:
    assert judgement(judged(3)).endswith("0 of 3 wrong: that is too little to expect anything from")
    assert judgement(judged(10, wrong=6)).endswith("6 of 10 wrong: that is too many to expect anything from")


def test_thirty_examples_are_enough_for_a_percentage() -> None:
    assert bound(0, 30) == "expect at most 10 % wrong in pictures like these (at 95 %)"
    assert bound(0, 400) == "expect at most 1 % wrong in pictures like these (at 95 %)"


@pytest.mark.parametrize(
    ("counts", "wrong", "expected"),
    [
        ({"empty": 5}, [], "add 5 of truck: 3 of each state are needed, and 5 are better"),
        ({"empty": 5, "truck": 2}, [], "add 3 of truck: 3 of each state are needed, and 5 are better"),
        ({"empty": 4, "truck": 5}, [], "add 1 of empty that differ: in other light, in another place"),
        ({"empty": 5, "truck": 5}, judged(5, 2), "add 5 of truck that differ: in other light, in another place"),
        ({"empty": 5, "truck": 5}, judged(5), None),
    ],
)
def test_advice_is_about_the_state_that_needs_it(
    counts: dict[str, int], wrong: list[LeftOut], expected: str | None
) -> None:
    assert advice(BAY, Counter(counts), wrong) == expected


def test_a_single_state_needs_another_one() -> None:
    assert advice(["empty"], Counter(empty=9), []) == "add 3 of another state: a set needs two at least"


def test_many_errors_are_not_called_too_few_examples() -> None:
    assert [bound(wrong, count) for wrong, count in ((10, 20), (28, 29), (3, 5))] == [
        "that is too many to expect anything from"
    ] * 3
    assert {bound(wrong, count) for wrong, count in ((0, 4), (1, 5), (2, 9), (2, 4))} == {
        "that is too little to expect anything from"
    }
