"""Ages of messages by either clock, and those that are too old."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from edged.client.message_age import AgeLimit
from tests.publishing import status, vec

MONOTONIC_US, WALL_US = 50_000_000, 1_700_000_000_000_000


@pytest.fixture(autouse=True)
def clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = SimpleNamespace(monotonic_ns=lambda: MONOTONIC_US * 1000, time_ns=lambda: WALL_US * 1000)
    monkeypatch.setattr("edged.client.message_age.time", stopped)


@pytest.mark.parametrize(("same_host", "age"), [(True, 2.0), (False, 7.0)])
def test_a_frame_is_dated_by_the_monotonic_clock_on_one_host_and_by_the_wall_clock_else(
    same_host: bool, age: float
) -> None:
    message = vec(t_cap_us=MONOTONIC_US - 2_000_000, t_wall_us=WALL_US - 7_000_000)
    assert AgeLimit(None, same_host=same_host).age_seconds(message) == age


@pytest.mark.parametrize("same_host", [True, False])
def test_a_status_has_only_the_wall_clock(same_host: bool) -> None:
    assert AgeLimit(None, same_host=same_host).age_seconds(status(t_wall_us=WALL_US - 9_000_000)) == 9.0


def test_messages_older_than_the_limit_are_refused_and_counted() -> None:
    limit = AgeLimit(5.0, same_host=True)
    ages = (4_999_999, 5_000_000, 5_000_001, 60_000_000)
    assert [limit.admits(vec(t_cap_us=MONOTONIC_US - age)) for age in ages] == [True, True, False, False]
    assert limit.stale == 2


def test_without_a_limit_no_message_is_too_old() -> None:
    limit = AgeLimit(None, same_host=True)
    assert limit.admits(vec(t_cap_us=0))
    assert limit.stale == 0
