"""The hand-over: bounded, made once, and every ending."""

from __future__ import annotations

import select
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.bell import Bell
from edged.errors import RingClosed
from edged.pipeline.handover import Handover
from edged.pipeline.result import ModelFacts, Result
from edged.regions import FULL
from edged.values import Stamp
from tests.fakes import WaitedCondition, waiting_in

FACTS = ModelFacts("m", "s", "e", "none", 0, None, "<f4", 4, "none", None)


def result(vector: NDArray[np.float32] | NDArray[np.int8], seq: int = 0) -> Result:
    return Result("cam", "full", FULL, 0, seq, Stamp(0, "arrival"), 0, 0, 0, 0, 0, (), 0, vector, FACTS)


def opened(capacity: int = 2) -> Handover:
    handover = Handover(capacity, Bell())
    handover.open(FACTS)
    return handover


def test_results_come_out_in_the_order_they_went_in() -> None:
    handover = opened(3)
    for seq in range(3):
        vector = handover.borrow(0)
        assert vector is not None
        handover.put(result(vector, seq))
    got = [handover.get() for _ in range(3)]
    assert [each.frame_seq for each in got if each] == [0, 1, 2]
    assert handover.get() is None


def test_no_more_vectors_are_lent_than_there_are() -> None:
    handover = opened(2)
    first, second = handover.borrow(0), handover.borrow(0)
    assert first is not None
    assert second is not None
    assert not np.shares_memory(first, second)
    assert handover.borrow(0.01) is None
    handover.give_back(first)
    again = handover.borrow(0)
    assert again is not None
    assert np.shares_memory(again, first)


def borrowing(handover: Handover) -> AbstractContextManager[list[Any]]:
    """A thread waits for a vector inside, and has what it got or the error afterwards."""
    changed = handover._changed = WaitedCondition()
    return waiting_in(lambda: handover.borrow(3600), changed)


def test_a_wait_for_a_vector_gets_the_next_that_comes_back() -> None:
    handover = opened(1)
    vector = handover.borrow(0)
    assert vector is not None
    with borrowing(handover) as got:
        handover.give_back(vector)
    assert got[0] is vector


def test_a_wait_for_a_vector_gets_one_of_a_model_that_is_opened() -> None:
    handover = Handover(1, Bell())
    with borrowing(handover) as got:
        handover.open(FACTS)
    assert got[0].shape == (4,)
    assert handover.facts is FACTS


def test_results_that_wait_are_counted() -> None:
    handover = opened(2)
    assert handover.waiting == 0
    for waiting in (1, 2):
        vector = handover.borrow(0)
        assert vector is not None
        handover.put(result(vector))
        assert handover.waiting == waiting
    handover.get()
    assert handover.waiting == 1


def test_after_closing_the_rest_can_be_got_and_then_both_sides_end() -> None:
    handover = opened()
    vector = handover.borrow(0)
    assert vector is not None
    handover.put(result(vector))
    handover.close()
    handover.close()
    with pytest.raises(RingClosed):
        handover.borrow(10)
    assert handover.get() is not None
    with pytest.raises(RingClosed):
        handover.get()


def test_closing_ends_a_wait_for_a_vector() -> None:
    handover = opened(1)
    handover.borrow(0)
    with borrowing(handover) as got:
        handover.close()
    assert isinstance(got[0], RingClosed)


def rings(bell: Bell) -> bool:
    """Whether *bell* was rung since the last time."""
    rung = select.select([bell], [], [], 0)[0] == [bell]
    bell.silence()
    return rung


def test_a_model_a_result_and_the_end_ring_the_bell_that_the_publisher_polls() -> None:
    bell = Bell()
    handover = Handover(1, bell)
    assert not rings(bell)
    handover.open(FACTS)
    assert rings(bell)
    vector = handover.borrow(0)
    assert vector is not None
    assert not rings(bell)
    handover.put(result(vector))
    assert rings(bell)
    assert not rings(bell)
    handover.close()
    assert rings(bell)
    bell.close()


def test_a_closed_bell_may_be_rung_and_closed_again() -> None:
    bell = Bell()
    bell.close()
    bell.ring()
    bell.close()
