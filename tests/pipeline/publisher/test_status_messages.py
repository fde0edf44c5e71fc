"""The schedule and the rates of status messages, on a clock that the test moves on."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import cast
from unittest.mock import create_autospec

import pytest

from edged import wire
from edged.pipeline.camera_stats import CameraStats, Condition
from edged.pipeline.publisher import status_messages
from edged.pipeline.publisher.event_messages import EventMessages
from edged.pipeline.publisher.state_messages import StateMessages
from edged.pipeline.publisher.status_messages import STATUS_SECONDS, CameraStatus, StatusMessages
from edged.states import PictureState
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


def test_a_picture_in_another_state_makes_a_status_at_once(clock: Clock) -> None:
    stats = CameraStats("cam")
    reported: list[str | None] = []

    def build(status: CameraStatus, _: Condition, __: bool) -> wire.Status:
        reported.append(status.stats.picture)
        return cast(wire.Status, None)

    nothing = SimpleNamespace(follow_condition=lambda *_: ())
    messages = StatusMessages([stats], cast(EventMessages, nothing), cast(StateMessages, nothing), build)
    pictures: tuple[PictureState | None, ...] = (None, None, "ok", "ok", "covered", "covered", "ok")
    for stats.picture in pictures:
        clock.advance(0.01)
        list(messages.report())
    assert reported == [None, "ok", "covered", "ok"]
    clock.advance(STATUS_SECONDS)
    list(messages.report())
    assert reported[-1] == "ok"
    assert len(reported) == 5


def test_a_flood_of_subscriptions_costs_little_with_many_cameras() -> None:
    cameras = [CameraStats(f"cam{number}") for number in range(500)]
    events, states = create_autospec(EventMessages), create_autospec(StateMessages)
    messages = StatusMessages(cameras, events, states, lambda *_: pytest.fail("nothing is reported"))
    prefixes = [b"edged/1/vec/porch/cam%d/" % number for number in range(5000)]
    begin = time.thread_time()
    messages.greet_subscribers("porch", prefixes)
    assert time.thread_time() - begin < 0.5  # of which it needs a fifth
