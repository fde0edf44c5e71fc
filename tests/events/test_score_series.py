"""Series of scores follow the messages, and their events are those that the daemon would have made."""

from __future__ import annotations

from typing import Any

from edged.events import Thresholds
from edged.events.score_series import collect_scores, event_spans
from edged.wire import Match, Message
from tests.publishing import status, vec

THRESHOLDS = Thresholds(enter=0.8, leave=0.7)


def scored(second: int, score: float, **other: Any) -> Message:
    """A vector of the ``cat``, so many seconds after the first."""
    times = {"t_cap_us": 10**6 * second, "t_wall_us": 1_700_000_000_000_000 + 10**6 * second}
    return vec(second, sims=(Match("dog", 0.1), Match("cat", score)), **times | other)


def test_a_score_below_leave_ends_the_event_of_a_series() -> None:
    (series,) = collect_scores([scored(0, 0.1), scored(1, 0.9), scored(3, 0.95), scored(6, 0.2)], "cat").series
    assert list(series.scores) == [0.1, 0.9, 0.95, 0.2]
    assert series.seconds == 6.0
    (span,) = event_spans(series, THRESHOLDS)
    assert (span.begin, span.end, span.peak, span.reason) == (1.0, 6.0, 0.95, "left")
    assert span.begin_wall_us == 1_700_000_001_000_000


def test_a_status_of_another_camera_does_not_break_a_series_off() -> None:
    messages = [scored(0, 0.9), status(1, camera="yard", state="lost"), scored(1, 0.9)]
    (series,) = collect_scores(messages, "cat").series
    assert series.breaks == {}
    (series,) = collect_scores([scored(0, 0.9), status(1, state="frozen"), scored(1, 0.9)], "cat").series
    assert series.breaks == {1: "camera-lost"}


def test_a_series_never_goes_back_in_time_when_the_daemon_restarts_with_an_earlier_clock() -> None:
    messages = [scored(5, 0.9), scored(6, 0.9), scored(0, 0.9, run="another")]
    (series,) = collect_scores(messages, "cat").series
    assert list(series.at_us) == [0, 1_000_000, 1_000_000]
    assert series.breaks == {2: "stopped"}


def test_messages_that_are_not_wanted_leave_no_scores_but_the_names_of_their_references() -> None:
    found = collect_scores([scored(0, 0.9)], "cat", lambda vec: vec.camera == "yard")
    assert found.series == []
    assert found.references == {"cat", "dog"}
