"""The thread that makes pictures: what it is asked for is made in turn, or refused, and it ends in every state."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from edged.errors import ControlError
from edged.service.control.picture_encoder import REST, PictureEncoder


@pytest.fixture
def encoder() -> Iterator[PictureEncoder]:
    encoder = PictureEncoder()
    encoder.start(lambda: None)
    yield encoder
    encoder.stop()
    assert encoder.join(10)
    assert encoder.error is None


def test_calls_are_made_in_turn_in_its_thread(encoder: PictureEncoder) -> None:
    made = [encoder.submit(lambda number=number: (number, threading.current_thread().name)) for number in range(5)]  # type: ignore[misc]  # a default
    assert [each.result(10) for each in made] == [(number, "control-pictures") for number in range(5)]


def test_a_call_without_memory_is_refused_and_the_next_one_is_made(encoder: PictureEncoder) -> None:
    def starve() -> None:
        raise MemoryError

    refused, made = encoder.submit(starve), encoder.submit(lambda: "made")
    with pytest.raises(ControlError, match="not enough memory"):
        refused.result(10)
    assert made.result(10) == "made"


def test_it_pauses_for_as_long_as_the_processor_worked_times_the_rest(encoder: PictureEncoder) -> None:
    work = 0.05

    def compute() -> float:
        end = time.thread_time() + work
        while time.thread_time() < end:
            pass
        return time.monotonic()

    first, second = (encoder.submit(compute) for _ in range(2))
    assert second.result(10) - first.result(10) >= REST * work


def test_it_ends_in_a_pause_and_what_waits_is_cancelled(encoder: PictureEncoder) -> None:
    def compute() -> None:
        end = time.thread_time() + 0.5
        while time.thread_time() < end:
            pass

    first, second = encoder.submit(compute), encoder.submit(lambda: None)
    first.result(20)
    encoder.stop()
    assert encoder.join(REST * 0.5 / 2)
    assert second.cancelled()
    assert encoder.submit(lambda: None).cancelled()


def test_it_ends_before_it_is_started() -> None:
    encoder = PictureEncoder()
    encoder.stop()
    assert encoder.join(0)
