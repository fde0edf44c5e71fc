"""Wall times of monotonic instants."""

from __future__ import annotations

import time
from types import SimpleNamespace

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


@pytest.mark.parametrize(("state", "synced"), [(0, True), (1, True), (4, True), (5, False), (-1, None)])
def test_the_kernel_knows_whether_the_clock_is_disciplined_or_may_not_be_asked(
    state: int, synced: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.pipeline.wall_clock._libc", lambda: SimpleNamespace(adjtimex=lambda _: state))
    assert clock_synced() is synced
    assert WallClock().synced is synced


def test_nothing_is_claimed_where_the_call_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edged.pipeline.wall_clock._libc", SimpleNamespace)
    assert clock_synced() is None


def test_the_offset_is_sampled_anew_after_more_than_a_second_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [5_000_000_000, 1_700_000_000_000_000_000]
    clock = SimpleNamespace(monotonic_ns=lambda: now[0], time_ns=lambda: now[1])
    monkeypatch.setattr("edged.pipeline.wall_clock.time", clock)
    wall = WallClock()
    assert wall.wall_us(5_000_000_000) == 1_700_000_000_000_000
    assert wall.wall_us(4_000_000_000) == 1_699_999_999_000_000
    now[:] = 6_000_000_000, 1_000_000_000_000_000_000
    assert wall.wall_us(5_000_000_000) == 1_700_000_000_000_000
    now[:] = 6_000_000_001, 1_000_000_000_000_000_001
    assert wall.wall_us(6_000_000_001) == 1_000_000_000_000_000
    now[:] = 7_000_000_001, 1
    assert wall.wall_us(6_000_000_001) == 1_000_000_000_000_000
