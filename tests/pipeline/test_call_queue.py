"""The call queue: calls run in their order, each gets an answer, and none is lost in silence."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from functools import partial

import pytest

from edged.errors import EndOfStream, PublishError, ReferenceImageError, RingClosed
from edged.pipeline.call_queue import CallQueue


def make_queue() -> CallQueue:
    return CallQueue(lambda: None, fatal=(PublishError,))


def test_calls_run_in_the_order_in_which_they_were_submitted() -> None:
    calls = make_queue()
    done: list[int] = []
    answers = [calls.submit(lambda number=number: done.append(number) or number) for number in range(3)]  # type: ignore[misc, func-returns-value]  # what a lambda is taken for
    assert calls
    while calls.run_next():
        pass
    assert done == [0, 1, 2] == [answer.result(0) for answer in answers]
    assert not calls


def test_submitting_wakes_the_stage_and_does_not_wait() -> None:
    woken = threading.Event()
    answer = CallQueue(woken.set).submit(lambda: None)
    assert woken.is_set()
    assert not answer.done()


def test_calls_of_two_threads_all_run_and_those_of_one_thread_in_their_order() -> None:
    calls = make_queue()
    ran: list[tuple[str, int]] = []

    def submit_all(thread: str) -> None:
        for number in range(500):
            calls.submit(partial(ran.append, (thread, number)))

    threads = [threading.Thread(target=submit_all, args=[name]) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) or calls:
        calls.run_next()
    for name in ("one", "two"):
        assert [number for thread, number in ran if thread == name] == list(range(500))


def test_an_error_on_purpose_is_for_the_caller_alone() -> None:
    calls = make_queue()

    def fail() -> None:
        raise ReferenceImageError("no picture")

    answer = calls.submit(fail)
    assert calls.run_next()
    with pytest.raises(ReferenceImageError):
        answer.result(0)


@pytest.mark.parametrize("bug", [ZeroDivisionError(), RingClosed("closed"), EndOfStream("over")])
def test_a_bug_is_for_both_and_is_not_a_natural_end(bug: Exception) -> None:
    calls = make_queue()

    def fail() -> None:
        raise bug

    answer = calls.submit(fail)
    with pytest.raises(ZeroDivisionError if isinstance(bug, ZeroDivisionError) else RuntimeError):
        calls.run_next()
    assert answer.exception(0) is bug


def test_a_fatal_error_is_for_the_caller_and_for_the_stage() -> None:
    calls = make_queue()
    error = PublishError("the port is gone")

    def fail() -> None:
        raise error

    answer = calls.submit(fail)
    with pytest.raises(PublishError):
        calls.run_next()
    assert answer.exception(0) is error


def test_a_call_that_was_cancelled_is_not_run() -> None:
    calls = make_queue()
    done: list[int] = []
    calls.submit(lambda: done.append(1)).cancel()
    assert calls.run_next()
    assert not done


def test_after_the_end_all_calls_are_cancelled() -> None:
    calls = make_queue()
    before = calls.submit(lambda: None)
    calls.close()
    after = calls.submit(lambda: None)
    for answer in (before, after):
        with pytest.raises(CancelledError):
            answer.result(0)
    assert not calls.run_next()
