"""A thread that makes calls and rests: in proportion to its work, once for each part of it."""

from __future__ import annotations

import time

from edged.service.control.call_worker import CallWorker


class Worker(CallWorker):
    """A worker that notes its rests instead of taking them."""

    rest = 3

    def __init__(self) -> None:
        super().__init__("worker")
        self.rests: list[float] = []

    def pause(self, seconds: float) -> None:
        self.rests.append(seconds)


def work(seconds: float) -> None:
    """Work the processor for so long."""
    begin = time.thread_time()
    while time.thread_time() - begin < seconds:
        pass


def rests_of(parts: int) -> list[float]:
    """The rests of a call of 50 ms in so many *parts*, with a rest after each but the last."""
    worker = Worker()

    def call() -> None:
        for part in range(parts):
            work(0.05 / parts)
            if part + 1 < parts:
                worker.take_rest()

    worker.start(lambda: None)
    worker.submit(call).result(30)
    worker.stop()
    assert worker.join(30)
    return worker.rests


def test_a_call_is_followed_by_a_rest_as_long_as_its_work_times_the_factor() -> None:
    (rest,) = rests_of(1)
    assert 0.15 <= rest < 0.2


def test_a_call_that_rests_in_between_does_not_rest_twice_for_the_same_work() -> None:
    rests = rests_of(5)
    assert len(rests) == 5
    assert 0.15 <= sum(rests) < 0.2
    assert max(rests) < 0.1
