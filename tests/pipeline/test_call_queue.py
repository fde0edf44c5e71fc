"""Work that is handed to a stage: done in its turn, answered, and never lost without a word."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError

import pytest

from edged.errors import EndOfStream, ReferenceImageError, RingClosed
from edged.pipeline.call_queue import CallQueue


def errands() -> CallQueue:
    return CallQueue(lambda: None)


def test_work_is_done_in_the_order_it_was_asked_for() -> None:
    asked = errands()
    done: list[int] = []
    answers = [asked.ask(lambda number=number: done.append(number) or number) for number in range(3)]  # type: ignore[misc, func-returns-value]  # what a lambda is taken for
    assert asked
    while asked.do_one():
        pass
    assert done == [0, 1, 2] == [answer.result(0) for answer in answers]
    assert not asked


def test_who_asks_wakes_the_stage_and_does_not_wait() -> None:
    woken = threading.Event()
    answer = CallQueue(woken.set).ask(lambda: None)
    assert woken.is_set()
    assert not answer.done()


def test_an_error_on_purpose_is_for_the_one_who_asked() -> None:
    asked = errands()

    def fail() -> None:
        raise ReferenceImageError("no picture")

    answer = asked.ask(fail)
    assert asked.do_one()
    with pytest.raises(ReferenceImageError):
        answer.result(0)


@pytest.mark.parametrize("bug", [ZeroDivisionError(), RingClosed("closed"), EndOfStream("over")])
def test_a_bug_is_for_both_and_is_no_natural_end(bug: Exception) -> None:
    asked = errands()

    def fail() -> None:
        raise bug

    answer = asked.ask(fail)
    with pytest.raises(ZeroDivisionError if isinstance(bug, ZeroDivisionError) else RuntimeError):
        asked.do_one()
    assert answer.exception(0) is bug


def test_what_nobody_waits_for_any_more_is_not_done() -> None:
    asked = errands()
    done: list[int] = []
    asked.ask(lambda: done.append(1)).cancel()
    assert asked.do_one()
    assert not done


def test_after_the_end_whatever_waits_or_comes_is_cancelled() -> None:
    asked = errands()
    before = asked.ask(lambda: None)
    asked.close()
    after = asked.ask(lambda: None)
    for answer in (before, after):
        with pytest.raises(CancelledError):
            answer.result(0)
    assert not asked.do_one()
