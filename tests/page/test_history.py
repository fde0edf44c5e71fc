"""History and lines of change: what happened lately, within bounds."""

from __future__ import annotations

from edged.page.changes import MOST_LINES, ChangeLog
from edged.page.history import MOST_REGIONS, MOST_SERIES, STEP_US, STEPS, History
from edged.wire import Match, SetState
from tests.publishing import event, state, status, vec

T0 = 1_800_000_000 * STEP_US


def scores(history: History, second: int, s: float, ref: str = "gate", **other: object) -> None:
    history.put_scores(vec(sims=(Match(ref, s),), t_wall_us=T0 + second * STEP_US, **other))  # type: ignore[arg-type]  # fields


def values(history: History, name: str = "gate") -> list[float | None]:
    (series,) = [each for each in history.report("street", "path")["series"] if each["name"] == name]
    found: list[float | None] = series["values"]
    return found


def test_a_region_has_a_value_for_each_second_and_none_where_nothing_came() -> None:
    history = History()
    scores(history, 0, 0.1)
    scores(history, 0, 0.2)
    scores(history, 3, 0.5)
    assert values(history)[-4:] == [0.2, None, None, 0.5]
    assert values(history)[:-4] == [None] * (STEPS - 4)
    assert history.report("street", "path")["t0_wall_us"] == T0 + (3 - STEPS + 1) * STEP_US


def test_what_is_older_than_fifteen_minutes_is_gone() -> None:
    history = History()
    scores(history, 0, 0.1)
    scores(history, STEPS - 1, 0.2)
    assert values(history)[0] == 0.1
    scores(history, STEPS, 0.3)
    assert [value for value in values(history) if value is not None] == [0.2, 0.3]
    scores(history, 10 * STEPS, 0.4)
    assert [value for value in values(history) if value is not None] == [0.4]


def test_a_reference_that_is_not_compared_any_more_leaves_the_report() -> None:
    history = History()
    scores(history, 0, 0.1, "old")
    scores(history, 2 * STEPS, 0.2)
    assert [each["name"] for each in history.report("street", "path")["series"]] == ["gate"]


def test_of_several_scores_of_a_reference_the_best_counts_and_sets_have_their_probabilities() -> None:
    history = History()
    answer = SetState("bay", "truck", {"empty": 0.25, "truck": 0.75}, None)
    history.put_scores(vec(sims=(Match("a", 0.9, "x"), Match("a", 0.5, "y")), states=(answer,), t_wall_us=T0))
    found = [
        (each["kind"], each.get("set"), each["name"], each["values"][-1])
        for each in history.report("street", "path")["series"]
    ]
    assert found == [("p", "bay", "empty", 0.25), ("p", "bay", "truck", 0.75), ("ref", None, "a", 0.9)]


def test_changes_of_states_and_events_are_kept_and_repetitions_are_not() -> None:
    history = History()
    for each in (event("begin", t_wall_us=T0), event("update", t_wall_us=T0), event("end", t_wall_us=T0)):
        history.put_event(each)
    for reason in ("changed", "repeat"):
        history.put_state(state(reason, t_wall_us=T0))
    report = history.report("street", "path")
    assert [each.phase for each in report["events"]] == ["begin", "end"]
    assert [each.reason for each in report["states"]] == ["changed"]


def test_names_without_end_take_no_memory_without_end() -> None:
    history = History()
    for number in range(3 * MOST_SERIES):
        scores(history, 0, 0.1, f"r{number}")
    for number in range(2 * MOST_REGIONS):
        scores(history, 0, 0.1, camera=f"c{number}")
    assert len(history._regions) == MOST_REGIONS
    assert all(len(kept.series) <= MOST_SERIES for kept in history._regions.values())


def test_a_clock_that_is_set_back_begins_another_history() -> None:
    """Else the lines would stand still until the clock is there again."""
    history = History()
    scores(history, 2 * STEPS, 0.1)
    scores(history, 0, 0.9)
    scores(history, 1, 0.8)
    assert values(history)[-2:] == [0.9, 0.8]
    scores(history, 0, 0.7)
    assert values(history)[-2:] == [0.7, 0.8], "a little earlier is only late"


def test_of_more_references_than_there_is_room_for_the_first_have_whole_lines_and_sets_always() -> None:
    history = History()
    answer = SetState("bay", "truck", {"empty": 0.25, "truck": 0.75}, None)
    sims = tuple(Match(f"r{number}", 0.5) for number in range(2 * MOST_SERIES))
    for second in range(3):
        history.put_scores(vec(sims=sims, states=(answer,), t_wall_us=T0 + second * STEP_US))
    series = history.report("street", "path")["series"]
    assert len(series) == MOST_SERIES
    assert all(each["values"][-3:].count(None) == 0 for each in series)
    assert [each["name"] for each in series if each["kind"] == "p"] == ["empty", "truck"]


def test_a_reference_that_has_ended_leaves_its_room() -> None:
    history = History()
    for number in range(MOST_SERIES):
        scores(history, number, 0.5, f"r{number}")
    scores(history, STEPS, 0.5, "new")
    names = {each["name"] for each in history.report("street", "path")["series"]}
    assert "new" in names
    assert "r0" not in names


def test_a_region_without_messages_has_an_empty_history() -> None:
    assert History().report("street", "path")["series"] == []


def test_a_camera_that_is_lost_and_back_makes_two_lines() -> None:
    changes = ChangeLog()
    assert changes.note_status(status()) == []
    assert changes.note_status(status(seq=1)) == []
    lost = changes.note_status(status(state="lost", reason="no frame for 5 s"))
    back = changes.note_status(status())
    assert [line.text for line in (*lost, *back)] == ["street: lost: no frame for 5 s", "street: running"]


def test_a_problem_of_the_configuration_and_of_the_picture_makes_a_line() -> None:
    changes = ChangeLog()
    texts = [line.text for line in changes.note_status(status(config_problem="line 3", picture="covered"))]
    texts += [line.text for line in changes.note_status(status(picture="ok", config_hash="beef"))]
    assert texts == [
        "street: picture covered", "configuration: line 3",
        "street: picture ok", "configuration: in order again", "street: the configuration has changed",
    ]  # fmt: skip


def test_lines_are_few() -> None:
    changes = ChangeLog()
    for number in range(2 * MOST_LINES):
        changes.note(f"line {number}")
        changes.note_status(status(camera=f"c{number}"))
    assert len(changes.lines) == MOST_LINES
    assert len(changes._last) <= 257
