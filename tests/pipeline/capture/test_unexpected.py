"""Exceptions that no source should raise: one traceback a minute, and no count is lost."""

from __future__ import annotations

import re

import pytest

from edged.pipeline.capture.unexpected import MOST_TRACED, UnexpectedErrors
from tests.fakes import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("edged.pipeline.capture.unexpected.time", clock)
    return clock


def fail(text: str) -> None:
    raise ValueError(text)


def raised(text: str) -> ValueError:
    """An exception with a traceback."""
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        fail(text)
    return caught.value


def test_the_first_is_logged_with_its_traceback_and_named_in_the_loss(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    error = UnexpectedErrors("street").translate(raised("a bug"))
    assert str(error) == "unexpected ValueError: a bug"
    first, *trace = caplog.messages[0].splitlines()
    assert first == "camera street: unexpected ValueError: a bug"
    assert trace[0] == "Traceback (most recent call last):"
    assert trace[-1] == "ValueError: a bug"


def test_within_a_minute_the_others_are_counted_and_then_the_count_is_logged(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    errors = UnexpectedErrors("street")

    def log_of_next(seconds: float) -> list[str]:
        caplog.clear()
        clock.advance(seconds)
        assert str(errors.translate(raised("a bug"))) == "unexpected ValueError: a bug"
        return [message.splitlines()[0] for message in caplog.messages]

    bug = "camera street: unexpected ValueError: a bug"
    assert log_of_next(0) == [bug]
    assert [log_of_next(30), log_of_next(29.9)] == [[], []]
    assert log_of_next(0.2) == [f"{bug} (2 more since the last one that was logged)"]
    assert log_of_next(59.9) == []
    assert log_of_next(0.2) == [f"{bug} (1 more since the last one that was logged)"]
    assert log_of_next(61) == [bug]


def test_of_a_long_traceback_the_end_is_logged_and_nothing_that_cannot_be_printed(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    UnexpectedErrors("street").translate(raised("x" * 10_000 + "\x1b[2J the end"))
    _, *trace = caplog.messages[0].splitlines()
    assert "\x1b" not in caplog.messages[0]
    assert "the end" in trace[-1]
    assert MOST_TRACED - 20 < len("\n".join(trace)) < MOST_TRACED + 20
