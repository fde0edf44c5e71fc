"""The decided state of a set: another one after answers that agree for long enough."""

from __future__ import annotations

from edged.states import Decision, StateChange
from edged.values import UNKNOWN, StateAnswer

SECOND = 1_000_000


class Watched:
    """A decision, and the changes that it made of answers at times in seconds."""

    def __init__(self, min_seconds: float = 0.5, unknown_seconds: float = 30) -> None:
        self.decision = Decision(min_seconds, unknown_seconds)
        self.frames = 0

    def add(self, state: str, seconds: float, p: float = 0.9) -> StateChange | None:
        self.frames += 1
        other = "truck" if state == "empty" else "empty"
        shares = (("empty", 0.55), ("truck", 0.45)) if state == UNKNOWN else ((state, p), (other, 1 - p))
        return self.decision.add(StateAnswer("bay", state, shares, 0.4), round(seconds * SECOND), self.frames)

    def changes(self, *answers: tuple[str, float]) -> list[tuple[str, str, float]]:
        made = (self.add(state, seconds) for state, seconds in answers)
        return [(each.was, each.state, each.t_since_us / SECOND) for each in made if each is not None]


def test_a_state_is_decided_when_it_was_every_answer_for_long_enough() -> None:
    watched = Watched()
    assert watched.changes(("empty", 0), ("empty", 0.4)) == []
    assert watched.decision.state == UNKNOWN
    assert watched.changes(("empty", 0.5)) == [(UNKNOWN, "empty", 0)]
    assert watched.decision.state == "empty"


def test_a_change_reports_its_frame_and_the_begin_of_the_answers() -> None:
    watched = Watched()
    watched.changes(("empty", 0), ("empty", 1))
    watched.add("truck", 2)
    change = watched.add("truck", 3, p=0.8)
    assert change == StateChange("bay", "truck", "empty", 0.8, 0.4, 2 * SECOND, 3 * SECOND, 4, "changed")


def test_one_other_answer_begins_the_wait_anew() -> None:
    watched = Watched()
    watched.changes(("empty", 0), ("empty", 1))
    answers = (("truck", 2), ("truck", 2.4), ("empty", 2.5), ("truck", 2.6), ("truck", 3.0))
    assert watched.changes(*answers) == []
    assert watched.changes(("truck", 3.1)) == [("empty", "truck", 2.6)]


def test_unknown_begins_the_wait_anew_too() -> None:
    watched = Watched()
    watched.changes(("empty", 0), ("empty", 1))
    assert watched.changes(("truck", 2), (UNKNOWN, 2.3), ("truck", 2.6), ("truck", 3.0)) == []


def test_without_a_wait_the_first_answer_decides() -> None:
    assert Watched(min_seconds=0).changes(("empty", 0), ("truck", 0.1)) == [
        (UNKNOWN, "empty", 0),
        ("empty", "truck", 0.1),
    ]


def test_a_decided_state_outlasts_unknown_answers_for_so_long_and_no_longer() -> None:
    watched = Watched()
    watched.changes(("empty", 0), ("empty", 1))
    assert watched.changes((UNKNOWN, 2), (UNKNOWN, 30.9)) == []
    assert watched.changes((UNKNOWN, 31)) == [("empty", UNKNOWN, 2)]
    assert watched.changes((UNKNOWN, 90), ("empty", 91), ("empty", 92)) == [(UNKNOWN, "empty", 91)]


def test_an_answer_that_agrees_ends_the_patience_with_unknown_ones() -> None:
    watched = Watched()
    watched.changes(("empty", 0), ("empty", 1))
    assert watched.changes((UNKNOWN, 20), ("empty", 25), (UNKNOWN, 50)) == []


def test_single_answers_for_another_state_do_not_prolong_the_patience() -> None:
    watched = Watched()
    watched.changes(("empty", 0), ("empty", 1))
    answers = [pair for at in range(2, 30, 2) for pair in ((UNKNOWN, at), ("truck", at + 1))]
    assert watched.changes(*answers) == []
    assert watched.changes((UNKNOWN, 31)) == [("empty", UNKNOWN, 2)]


def test_a_time_before_the_last_one_begins_another_stretch() -> None:
    watched = Watched()
    watched.changes(("empty", 100), ("empty", 101), ("truck", 102))
    assert watched.changes(("truck", 1), ("truck", 1.4)) == []
    assert watched.changes(("truck", 1.5)) == [("empty", "truck", 1)]


def test_patience_is_counted_from_the_begin_of_another_stretch() -> None:
    watched = Watched()
    watched.changes(("empty", 100), ("empty", 101))
    assert watched.changes((UNKNOWN, 5), (UNKNOWN, 34.9)) == []
    assert watched.changes((UNKNOWN, 35)) == [("empty", UNKNOWN, 5)]


def test_the_end_of_a_camera_makes_the_state_unknown_once() -> None:
    watched = Watched()
    watched.changes(("empty", 0), ("empty", 1))
    change = watched.decision.end("camera-lost")
    assert change is not None
    assert (change.was, change.state, change.reason, change.t_cap_us) == ("empty", UNKNOWN, "camera-lost", SECOND)
    assert watched.decision.end("camera-lost") is None
    assert Decision(0.5, 30).end("stopped") is None


def test_answers_of_before_the_end_do_not_count_after_it() -> None:
    watched = Watched()
    watched.changes(("empty", 0), ("empty", 1))
    watched.decision.end("camera-lost")
    assert watched.changes(("empty", 1.2)) == []
    assert watched.changes(("empty", 1.7)) == [(UNKNOWN, "empty", 1.2)]


def test_newcomers_get_the_state_once_more() -> None:
    watched = Watched()
    assert watched.decision.report("repeat") is None
    watched.changes(("empty", 0), ("empty", 1), ("truck", 2))
    again = watched.decision.report("repeat")
    assert again is not None
    assert (again.state, again.was, again.p, again.t_since_us, again.reason) == (
        "empty",
        UNKNOWN,
        1 - 0.9,
        0,
        "repeat",
    )


def test_other_times_apply_from_the_next_answer_on() -> None:
    watched = Watched(min_seconds=10)
    assert watched.changes(("empty", 0), ("empty", 1)) == []
    watched.decision.use(0.5, 30)
    assert watched.changes(("empty", 1.1)) == [(UNKNOWN, "empty", 0)]
