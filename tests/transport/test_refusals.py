"""Refused peers: every one is counted, and few are logged."""

from __future__ import annotations

import pytest

from edged.transport.refusals import MOST_LINES, QUIET_SECONDS, Refusals
from tests.fakes import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("edged.transport.refusals.time", clock)
    return clock


def test_each_kind_is_logged_once_a_minute_and_counted_each_time(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    refusals = Refusals(["key", "full"])
    for _ in range(3):
        refusals.note("key", "a", "the key a")
        refusals.note("full", "b", "full %s")  # a line is not a format
    assert refusals.counts == {"key": 3, "full": 3}
    assert caplog.messages == ["the key a", "full %s"]
    clock.advance(QUIET_SECONDS)
    refusals.note("key", "a", "the key a")
    assert caplog.messages[2:] == ["the key a"]


def test_many_kinds_make_few_lines(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals(["key"])
    for number in range(100):
        refusals.note("key", str(number), f"the key {number}")
    assert refusals.counts == {"key": 100}
    assert len(caplog.messages) == MOST_LINES + 1
    assert caplog.messages[-1].startswith("more clients are refused")
