"""A head is kept as bytes; nothing that is not one, or is damaged, is taken for one."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.states import Classifier, StateHead, StateSet, dump, load, train
from edged.states.example import LENGTH
from edged.states.head import SMALLEST_UNIT
from edged.states.head_file import LARGEST, LONGEST, LONGEST_LINE
from tests.states.making import World

BAY = ("empty", "truck")
CONTENT = dump(train(World(BAY, dimension=8).examples(3), BAY, "space"))


def changed(**values: object) -> bytes:
    line, _, numbers = CONTENT.partition(b"\n")
    return json.dumps(json.loads(line) | values).encode() + b"\n" + numbers


def test_a_head_comes_back_as_it_was() -> None:
    head = train(World(BAY).examples(4), BAY, "space")
    again = load(dump(head))
    assert isinstance(again, StateHead)
    for name in ("states", "space_id", "unit", "keys"):
        assert getattr(again, name) == getattr(head, name)
    np.testing.assert_array_equal(again.rows, head.rows)
    np.testing.assert_array_equal(again.bias, head.bias)


@pytest.mark.parametrize(
    "values",
    [
        {"v": 2},
        {"states": ["empty"]},
        {"states": ["empty", "empty"]},
        {"states": ["empty", "../etc"]},
        {"states": ["empty", "unknown"]},
        {"states": "et"},
        {"states": [1, 2]},
        {"keys": ["a"] * 6},
        {"keys": [str(key) for key in range(5)]},
        {"keys": [str(key) for key in range(10**5)]},
        {"dimension": 9},
        {"dimension": -8},
        {"dimension": 10**12},
        {"dimension": True},
        {"dimension": 8.0},
        {"unit": 0.0},
        {"unit": 5e-324},
        {"unit": 1e300},
        {"unit": float("nan")},
        {"unit": None},
        {"space_id": 7},
        {"sha256": "0" * 64},
    ],
    ids=str,
)
def test_a_line_that_claims_something_else_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="is not a head, or is damaged"):
        load(changed(**values))


@pytest.mark.parametrize("key", ["v", "states", "space_id", "dimension", "unit", "keys", "sha256"])
def test_a_line_without_a_key_is_refused(key: str) -> None:
    line, _, numbers = CONTENT.partition(b"\n")
    rest = {name: value for name, value in json.loads(line).items() if name != key}
    with pytest.raises(ValueError, match="is not a head, or is damaged"):
        load(json.dumps(rest).encode() + b"\n" + numbers)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 2e6, -2e6])
def test_numbers_of_which_no_probabilities_can_be_made_are_refused(number: float) -> None:
    head = load(CONTENT)
    rows = head.rows.copy()
    rows[1, 1] = number
    with pytest.raises(ValueError, match="no head has"):
        load(dump(replace(head, rows=rows)))


def test_the_largest_numbers_of_a_file_give_probabilities() -> None:
    head = load(CONTENT)
    rows = head.rows.copy()
    rows[0], rows[1] = -LARGEST, LARGEST
    largest = load(dump(replace(head, rows=rows)))
    for length in (1e-19, 1, 1e18):
        (answer,) = Classifier([StateSet(name="bay", states=BAY, head=largest)]).answers(np.full(8, length, np.float32))
        assert answer.p == (("empty", 0.0), ("truck", 1.0))


@pytest.mark.parametrize("key", ["v", "states", "space_id", "dimension", "unit", "keys", "sha256"])
def test_a_refusal_quotes_nothing_long(key: str) -> None:
    for value in ("x" * 50_000, 10**4000, ["x" * 50_000]):
        line = {key: value}
        if key == "space_id" and isinstance(value, str):
            continue
        with pytest.raises(ValueError, match="is not a head, or is damaged") as refusal:
            load(changed(**line))
        assert len(str(refusal.value)) < 100


def test_a_head_with_fewer_examples_than_states_is_refused() -> None:
    head = load(CONTENT)
    larger = replace(head, states=(*BAY, "bus"), bias=np.zeros(3, np.float32), rows=head.rows[:5], keys=head.keys[:2])
    with pytest.raises(ValueError, match="a state has no example"):
        load(dump(larger))


@pytest.mark.parametrize("unit", [SMALLEST_UNIT, 2 * LENGTH])
def test_the_units_that_can_be_learned_are_kept(unit: float) -> None:
    assert load(changed(unit=unit)).unit == unit


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_one_damaged_byte_of_the_numbers_or_a_cut_is_found(at: int, flip: int) -> None:
    start = CONTENT.index(b"\n") + 1
    damaged = bytearray(CONTENT)
    damaged[max(at, start)] ^= flip
    for content in (bytes(damaged), CONTENT[:at]):
        with pytest.raises(ValueError, match="is not a head, or is damaged"):
            load(content)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_order(content: bytes) -> None:
    with pytest.raises(ValueError, match="is not a head, or is damaged"):
        load(content)


@pytest.mark.parametrize("content", [b"[" * LONGEST_LINE, b"0" * (LONGEST_LINE + 2), b" " * LONGEST + b"{}"])
def test_a_long_or_deep_line_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="is not a head, or is damaged"):
        load(content + b"\n")
