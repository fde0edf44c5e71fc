"""Wall times of monotonic instants."""

from __future__ import annotations

import time

import pytest

from edged.pipeline.wall_clock import WallClock, clock_synced


def test_now_on_the_monotonic_clock_is_now_on_the_wall() -> None:
    wall = WallClock()
    assert wall.wall_us(time.monotonic_ns()) == pytest.approx(time.time_ns() // 1000, abs=50_000)


def test_between_two_samples_a_clock_that_is_set_does_not_reorder_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = WallClock()
    first = wall.wall_us(time.monotonic_ns())
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    second = wall.wall_us(time.monotonic_ns())
    assert 0 <= second - first < 900_000


def test_after_the_clock_was_set_times_are_right_again_within_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = WallClock()
    hour_ago = time.time_ns() - 3600 * 10**9
    later = time.monotonic_ns() + 1_100_000_000
    monkeypatch.setattr(time, "time_ns", lambda: hour_ago)
    monkeypatch.setattr(time, "monotonic_ns", lambda: later)
    assert wall.wall_us(later) == hour_ago // 1000


def test_the_kernel_reports_whether_the_clock_is_synchronised_or_nothing_is_claimed() -> None:
    assert clock_synced() in (True, False, None)
