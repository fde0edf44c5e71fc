"""The review queue keeps what the head was least sure of: apart in time, and of every guess."""

from __future__ import annotations

import math
from collections import Counter

from edged.states import Review
from edged.values import UNKNOWN, StateAnswer

SECOND = 1_000_000
MINUTE = 60 * SECOND


def answer(guess: str, p: float) -> StateAnswer:
    other = "truck" if guess == "empty" else "empty"
    return StateAnswer("bay", guess if p >= 0.73 else UNKNOWN, ((guess, p), (other, 1 - p)))


def offer(review: Review[str], what: str, guess: str, p: float, t_us: int) -> bool:
    wanted = review.wants(answer(guess, p), t_us)
    if wanted:
        review.add(what, answer(guess, p), t_us)
    return wanted


def test_the_least_sure_come_first() -> None:
    review = Review[str]()
    for number, p in enumerate((0.9, 0.6, 0.7)):
        assert offer(review, str(number), "empty", p, number * MINUTE)
    assert [entry.what for entry in review.entries] == ["1", "2", "0"]
    assert [entry.guess for entry in review.entries] == ["empty"] * 3


def test_of_one_minute_only_the_least_sure_is_kept() -> None:
    review = Review[str]()
    assert offer(review, "a", "empty", 0.8, 0)
    assert not offer(review, "b", "truck", 0.85, MINUTE - 1)
    assert not offer(review, "c", "truck", 0.8, MINUTE - 1)
    assert offer(review, "d", "truck", 0.6, MINUTE - 1)
    assert [entry.what for entry in review.entries] == ["d"]
    assert offer(review, "e", "truck", 0.9, 2 * MINUTE)


def test_one_between_two_takes_the_place_of_both() -> None:
    review = Review[str]()
    offer(review, "a", "empty", 0.8, 0)
    offer(review, "b", "empty", 0.7, MINUTE)
    assert not offer(review, "c", "empty", 0.75, MINUTE // 2)
    gone = review.add("d", answer("empty", 0.6), MINUTE // 2)
    assert sorted(entry.what for entry in gone) == ["a", "b"]
    assert [entry.what for entry in review.entries] == ["d"]


def test_a_full_queue_gives_up_its_surest() -> None:
    review = Review[str](most=3)
    for number, p in enumerate((0.9, 0.6, 0.7)):
        offer(review, str(number), "empty", p, number * MINUTE)
    assert not offer(review, "surer", "empty", 0.95, 5 * MINUTE)
    assert offer(review, "less sure", "empty", 0.65, 6 * MINUTE)
    assert [entry.what for entry in review.entries] == ["1", "less sure", "2"]


def test_a_rare_guess_takes_the_place_of_a_frequent_one() -> None:
    review = Review[str](most=4)
    for number in range(4):
        offer(review, str(number), "empty", 0.6 + number / 100, number * MINUTE)
    for number in range(4, 20):
        offer(review, str(number), "truck", 0.9 - number / 100, number * MINUTE)
    counts = Counter(entry.guess for entry in review.entries)
    assert counts == {"empty": 2, "truck": 2}
    assert min(entry.p for entry in review.entries if entry.guess == "truck") == 0.9 - 19 / 100


def test_the_queue_never_grows_beyond_its_limit() -> None:
    review = Review[str](most=5)
    for number in range(200):
        offer(review, str(number), ("empty", "truck")[number % 3 == 0], 0.5 + number * 37 % 50 / 100, number * MINUTE)
        assert len(review.entries) <= 5


def test_below_is_the_limit_of_what_is_wanted() -> None:
    review = Review[str](most=2)
    assert review.below("empty") == math.inf
    offer(review, "a", "empty", 0.8, 0)
    offer(review, "b", "empty", 0.7, MINUTE)
    assert review.below("empty") == 0.8
    assert review.below("truck") == math.inf, "a rare guess is always wanted"
    for p in (0.79, 0.81):
        assert review.wants(answer("empty", p), 5 * MINUTE) == (p < review.below("empty"))


def test_a_queue_goes_on_with_the_entries_of_an_earlier_one() -> None:
    first = Review[str](most=2)
    offer(first, "a", "empty", 0.8, 0)
    offer(first, "b", "empty", 0.7, MINUTE)
    second = Review[str](most=2, entries=first.entries)
    assert [entry.what for entry in second.entries] == ["b", "a"]
    assert not second.wants(answer("empty", 0.9), 9 * MINUTE)
