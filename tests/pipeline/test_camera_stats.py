"""Counters and state of a camera: what is a change, since when, and what another capture takes over."""

from __future__ import annotations

import pytest

from edged.pipeline.camera_stats import CameraState, CameraStats, Condition
from edged.pipeline.latencies import Latencies
from tests.fakes import Clock

COUNTERS = (
    "captured",
    "published",
    "reopens",
    "errors",
    "hangs",
    "dropped_capture",
    "dropped_ring",
    "dropped_publish",
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("edged.pipeline.camera_stats.time", clock)
    return clock


def test_a_camera_begins_with_nothing_counted(clock: Clock) -> None:
    stats = CameraStats("cam")
    assert [getattr(stats, counter) for counter in COUNTERS] == [0] * len(COUNTERS)
    assert stats.condition == Condition(CameraState.STARTING, None, clock.monotonic_ns())
    assert not stats.changes
    assert stats.format is None
    assert stats.latencies is None


def test_every_counter_continues_where_the_camera_is_captured_anew() -> None:
    before, after = CameraStats("cam"), CameraStats("cam")
    for number, counter in enumerate(COUNTERS, start=1):
        setattr(before, counter, number)
    before.latencies = Latencies()
    after.take_over(before)
    assert {counter: getattr(after, counter) for counter in COUNTERS} == {
        counter: number for number, counter in enumerate(COUNTERS, start=1)
    }
    assert after.latencies is before.latencies


def test_drops_are_counted_by_their_cause() -> None:
    stats = CameraStats("cam")
    stats.dropped_capture, stats.dropped_ring, stats.dropped_publish = 1, 2, 3
    assert stats.dropped() == {"capture": 1, "ring": 2, "publish": 3}


def test_a_change_of_state_or_reason_is_reported_and_nothing_else(clock: Clock) -> None:
    rung: list[CameraState] = []
    stats = CameraStats("cam", lambda: rung.append(stats.condition.state))
    assert stats.turn(CameraState.RUNNING)
    assert not stats.turn(CameraState.RUNNING)
    assert stats.turn(CameraState.LOST, "one")
    assert not stats.turn(CameraState.LOST, "one")
    assert stats.turn(CameraState.LOST, "another")
    assert rung == [CameraState.RUNNING, CameraState.LOST, CameraState.LOST]
    assert [condition.reason for condition in stats.changes] == [None, "one", "another"]


def test_a_state_keeps_its_beginning_though_its_reason_changes(clock: Clock) -> None:
    stats = CameraStats("cam")
    clock.advance(1)
    lost = clock.monotonic_ns()
    stats.turn(CameraState.LOST, "one")
    clock.advance(1)
    stats.turn(CameraState.LOST, "another")
    assert stats.condition == Condition(CameraState.LOST, "another", lost)
    stats.turn(CameraState.RUNNING)
    assert stats.condition.since_ns == clock.monotonic_ns()


def test_of_changes_that_nobody_publishes_the_newest_are_kept() -> None:
    stats = CameraStats("cam")
    for number in range(100):
        stats.turn(CameraState.LOST, str(number))
    assert [condition.reason for condition in stats.changes] == [str(number) for number in range(36, 100)]


def test_a_driver_that_does_not_return_in_time_is_noticed_once(clock: Clock) -> None:
    stats = CameraStats("cam")
    stats.turn(CameraState.RUNNING)
    stats.expect_return(2.0)
    clock.advance(1.99)
    assert not stats.notice_silence()
    clock.advance(0.02)
    assert stats.notice_silence()
    assert (stats.condition.state, stats.condition.reason) == (CameraState.LOST, "the driver does not answer")
    assert not stats.notice_silence()


def test_where_no_driver_is_called_no_silence_is_noticed(clock: Clock) -> None:
    stats = CameraStats("cam")
    clock.advance(3600)
    assert not stats.notice_silence()
    stats.expect_return(1.0)
    stats.expect_return(None)
    clock.advance(3600)
    assert not stats.notice_silence()
    assert stats.condition.state is CameraState.STARTING
