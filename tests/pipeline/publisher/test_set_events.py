"""Events of a set: a begin, updates and an end for each time that its decided state is one of those."""

from __future__ import annotations

import itertools

import pytest

from edged.events import Reason
from edged.pipeline.publisher.set_events import SetEvents
from edged.states import StateChange, StateReason

SECOND = 1_000_000


class Watched:
    """The events of a set, with decided states at times in seconds."""

    def __init__(self, *states: str) -> None:
        numbers = itertools.count(1)
        self.events = SetEvents(states, lambda: f"run-s{next(numbers)}")
        self.frames = 0

    def follow(self, state: str, seconds: float, p: float = 0.9) -> list[tuple[str, str, float, float]]:
        self.frames += 1
        t_us = round(seconds * SECOND)
        decided = StateChange("bay", state, "empty", p, 0.4, t_us - SECOND // 2, t_us, self.frames, "repeat")
        return [(each.phase, each.state, each.s, each.peak) for each in self.events.follow(decided)]


def test_an_event_begins_when_the_state_was_seen_first() -> None:
    watched = Watched("truck")
    decided = StateChange("bay", "truck", "empty", 0.9, None, 3 * SECOND, 4 * SECOND, 7, "changed")
    (begin,) = watched.events.follow(decided)
    assert (begin.event_id, begin.phase, begin.state, begin.reason) == ("run-s1", "begin", "truck", None)
    assert (begin.t_begin_us, begin.t_cap_us, begin.frame_seq) == (3 * SECOND, 4 * SECOND, 7)
    assert (begin.s, begin.peak) == (0.9, 0.9)


def test_states_that_make_no_events_are_passed_over() -> None:
    watched = Watched("truck")
    assert watched.follow("empty", 1) == []
    assert watched.follow("unknown", 2) == []
    assert Watched().follow("truck", 1) == []


def test_another_state_ends_the_event_and_may_begin_one() -> None:
    watched = Watched("truck", "blocked")
    watched.follow("truck", 1)
    assert watched.follow("empty", 2, 0.8) == [("end", "truck", 0.9, 0.9)]
    assert watched.follow("truck", 3, 0.8) == [("begin", "truck", 0.8, 0.8)]
    assert watched.follow("blocked", 4, 0.7) == [("end", "truck", 0.8, 0.8), ("begin", "blocked", 0.7, 0.7)]


def test_an_end_is_of_the_frame_that_made_it_and_has_the_last_score() -> None:
    watched = Watched("truck")
    watched.follow("truck", 1, 0.9)
    watched.follow("truck", 1.5, 0.85)
    decided = StateChange("bay", "empty", "truck", 0.99, None, SECOND, 2 * SECOND, 3, "changed")
    (end,) = watched.events.follow(decided)
    assert (end.phase, end.reason, end.s, end.peak) == ("end", "left", 0.85, 0.9)
    assert (end.t_begin_us, end.t_cap_us, end.frame_seq) == (SECOND // 2, 2 * SECOND, 3)


def test_an_event_is_updated_every_ten_seconds_and_when_it_rises() -> None:
    watched = Watched("truck")
    watched.follow("truck", 1, 0.8)
    assert watched.follow("truck", 1.5, 0.9) == []  # too soon
    assert watched.follow("truck", 2, 0.809) == [("update", "truck", 0.809, 0.9)]
    assert watched.follow("truck", 11.9, 0.905) == []
    assert watched.follow("truck", 12, 0.8) == [("update", "truck", 0.8, 0.905)]


def test_a_new_subscriber_gets_an_update_soon() -> None:
    watched = Watched("truck")
    watched.events.request_update()  # nothing is open
    watched.follow("truck", 1)
    assert watched.follow("truck", 3) == []
    watched.events.request_update()
    assert watched.follow("truck", 3.5) == [("update", "truck", 0.9, 0.9)]
    assert watched.follow("truck", 5) == []


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        ("camera-lost", "camera-lost"),
        ("stopped", "stopped"),
        ("set-removed", "reference-removed"),
        ("relearned", "reference-removed"),
    ],
)
def test_the_reasons_of_an_end_are_those_that_every_subscriber_knows(ended: StateReason, reason: Reason) -> None:
    watched = Watched("truck")
    watched.follow("truck", 1)
    (end,) = watched.events.end(ended)
    assert (end.phase, end.reason, end.t_cap_us, end.frame_seq) == ("end", reason, SECOND, 1)
    assert watched.events.end(ended) == ()


def test_an_event_ends_when_its_state_makes_none_any_more() -> None:
    watched = Watched("truck")
    watched.follow("truck", 1)
    watched.events.states = ()
    assert watched.follow("truck", 2) == [("end", "truck", 0.9, 0.9)]
