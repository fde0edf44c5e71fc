"""Items come out in the order in which they were begun, in whichever order they end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edged.pipeline.inference.in_order import InOrder


def test_an_item_that_ends_early_waits_for_those_before_it() -> None:
    order: InOrder[str] = InOrder()
    first, second, third = (order.begin() for _ in range(3))
    assert list(order.end(second, "second")) == []
    assert list(order.end(first, "first")) == ["first", "second"]
    assert list(order.end(third, "third")) == ["third"]


@given(st.permutations(range(12)))
def test_every_item_comes_once_and_in_order(endings: list[int]) -> None:
    order: InOrder[int] = InOrder()
    numbers = [order.begin() for _ in endings]
    given_out = [item for number in endings for item in order.end(number, number)]
    assert given_out == numbers
