"""The schedule and the rates of status messages, on a clock that the test moves on."""

from __future__ import annotations

import pytest

from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.publisher import status_messages
from edged.pipeline.publisher.status_messages import STATUS_SECONDS, CameraStatus
from tests.fakes import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(status_messages, "time", clock)
    return clock


def test_rates_are_of_the_last_two_seconds_or_more_and_unknown_before(clock: Clock) -> None:
    stats = CameraStats("cam")
    stats.captured, stats.published = 1000, 500  # by a capture before
    status = CameraStatus(stats)
    stats.captured, stats.published = 1075, 530
    clock.advance(STATUS_SECONDS - 0.5)
    assert status.rates() == (None, None)
    clock.advance(1.0)
    assert status.rates() == (30.0, 12.0)
    stats.captured = 1076
    clock.advance(STATUS_SECONDS - 0.5)
    assert status.rates() == (30.0, 12.0)
    clock.advance(1.5)
    assert status.rates() == (0.33, 0.0)


def test_the_first_status_is_due_at_once(clock: Clock) -> None:
    assert CameraStatus(CameraStats("cam")).due == clock.monotonic()


def test_new_subscribers_are_greeted_at_once_and_a_crowd_five_times_a_second(clock: Clock) -> None:
    status, begin = CameraStatus(CameraStats("cam")), clock.monotonic()
    status.due = begin + STATUS_SECONDS
    status.greet_subscriber()
    assert status.due == begin
    status.due = begin + STATUS_SECONDS
    status.greet_subscriber()
    assert status.due == pytest.approx(begin + 0.2)
    status.due = begin + STATUS_SECONDS
    clock.advance(1.0)
    status.greet_subscriber()
    assert status.due == pytest.approx(begin + 1.0)


def test_a_greeting_puts_off_no_status_that_is_due_before(clock: Clock) -> None:
    status, begin = CameraStatus(CameraStats("cam")), clock.monotonic()
    status.greet_subscriber()
    status.due = begin + 0.1
    status.greet_subscriber()
    assert status.due == begin + 0.1
