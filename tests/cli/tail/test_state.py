"""The state after some messages."""

from __future__ import annotations

import pytest

from edged.cli.tail.state import MAX_CAMERAS, MAX_REGIONS, MAX_SCORES, MAX_SETS, Line, TailState
from edged.wire import Drops, Latency, Match, SetState
from tests.publishing import event, state, status, vec


def only(state: TailState, now: float) -> Line:
    (line,) = state.lines(now, {})
    return line


def test_a_camera_has_a_line_of_its_own_until_a_vector_of_a_region_comes() -> None:
    state = TailState()
    state.add_message(status(state="starting"), 0.0, now=1.0)
    assert (only(state, 1.0).region, only(state, 1.0).state) == ("", "starting")
    state.add_message(vec(region="path"), 0.0, now=1.1)
    state.add_message(vec(region="door"), 0.0, now=1.1)
    assert [(line.region, line.state) for line in state.lines(1.2, {})] == [("door", "starting"), ("path", "starting")]


def test_lines_are_sorted_by_name_in_any_order_of_messages() -> None:
    state = TailState()
    for node, camera, region in (("b", "a", "a"), ("a", "b", "a"), ("a", "a", "b"), ("a", "a", "a")):
        state.add_message(vec(node=node, camera=camera, region=region), 0.0, now=1.0)
    places = [(line.node, line.camera, line.region) for line in state.lines(1.0, {})]
    assert places == sorted(places)
    assert [node.name for node in state.nodes()] == ["a", "b"]


def test_the_rate_is_that_of_the_last_seconds() -> None:
    state = TailState()
    for step in range(100):
        state.add_message(vec(step), 0.0, now=step * 0.1)
    for step in range(100):
        state.add_message(vec(step), 0.0, now=10 + step * 0.05)
    assert only(state, 15.0).rate == pytest.approx(20)


def test_a_slow_camera_has_a_rate_too() -> None:
    state = TailState()
    for step in range(5):
        state.add_message(vec(step), 0.0, now=step * 2.0)
    assert only(state, 8.5).rate == pytest.approx(0.5)


def test_the_rate_falls_to_zero_while_nothing_comes() -> None:
    state = TailState()
    state.add_message(vec(0), 0.0, now=0.0)
    assert only(state, 0.0).rate == 0.0  # of one message nobody knows
    for step in range(1, 31):
        state.add_message(vec(step), 0.0, now=step * 0.1)
    assert only(state, 3.1).rate == pytest.approx(10)
    assert only(state, 6.0).rate == pytest.approx(5, rel=0.1)
    assert only(state, 9.0).rate == 0.0


def test_latency_and_age_are_medians() -> None:
    state = TailState()
    for total, age in ((10_000, 0.020), (12_000, 0.030), (900_000, 4.0)):
        state.add_message(vec(lat_us=Latency(0, 0, 0, 0, total)), age, now=1.0)
    assert only(state, 1.0).latency_ms == 12.0
    assert only(state, 1.0).age_ms == pytest.approx(30.0)


def test_scores_drops_and_gaps_are_those_of_the_last_message() -> None:
    state = TailState()
    state.add_message(vec(0, sims=(Match("old", 0.1),)), 0.0, now=1.0)
    last = vec(1, sims=(Match("new", 0.9, "side"), Match("other", -0.2)), dropped=Drops(1, 2, 3))
    state.add_message(last, 0.0, now=1.1)
    (line,) = state.lines(1.1, {last.topic: 7, b"edged/1/vec/porch/street/door/": 9})
    assert line.scores == (("new:side", 0.9), ("other", -0.2))
    assert line.drops == (("capture", 1), ("ring", 2), ("publish", 3))
    assert line.gaps == 7


def test_without_decisions_answers_of_sets_are_those_of_the_last_message_and_several_name_their_set() -> None:
    state = TailState()
    bay = SetState("bay", "truck", {"empty": 0.03, "truck": 0.97}, 0.5)
    door = SetState("door", "unknown", {"open": 0.55, "shut": 0.45}, None)
    state.add_message(vec(0, states=(bay,)), 0.0, now=1.0)
    assert only(state, 1.0).states == (("truck", 0.97),)
    state.add_message(vec(1, states=(bay, door)), 0.0, now=1.1)
    assert only(state, 1.1).states == (("bay truck", 0.97), ("door unknown", 0.55))
    state.add_message(vec(2, states=(SetState("none", "\x1b", {}, None),) * 1000), 0.0, now=1.2)
    assert only(state, 1.2).states == (("none ?", 0.0),) * MAX_SETS
    state.add_message(vec(3), 0.0, now=1.3)
    assert only(state, 1.3).states == ()


def test_states_are_the_decided_ones_with_their_probability_in_the_last_frame() -> None:
    tail = TailState()
    empty = SetState("bay", "empty", {"empty": 0.9, "truck": 0.1}, 0.5)
    unsure = SetState("bay", "unknown", {"empty": 0.6, "truck": 0.4}, 0.5)
    tail.add_message(state(seq=0, set="bay", state="truck"), 0.0, now=1.0)
    for number, (answer, p) in enumerate(((empty, 0.1), (unsure, 0.4))):
        tail.add_message(vec(number, states=(answer,)), 0.0, now=1.0)
        assert only(tail, 1.0).states == (("truck", p),)
    tail.add_message(state(seq=1, set="bay", state="unknown"), 0.0, now=1.1)
    tail.add_message(vec(2, states=(empty,)), 0.0, now=1.1)
    assert only(tail, 1.1).states == (("unknown", 0.9),)
    tail.add_message(state(seq=2, set="bay", state="truck", region="door"), 0.0, now=1.1)
    tail.add_message(vec(3, states=(empty,)), 0.0, now=1.2)
    assert [line.states for line in tail.lines(1.2, {})] == [(("unknown", 0.9),)], "the other region decides for itself"
    tail.add_message(vec(0, run="next", states=(empty,)), 0.0, now=1.3)
    assert only(tail, 1.3).states == (("empty", 0.9),), "another run has decided nothing yet"


def test_decisions_of_many_regions_and_sets_are_not_all_kept() -> None:
    tail = TailState()
    for number in range(2 * MAX_REGIONS):
        tail.add_message(state(seq=number, region=f"r{number}", set="bay", state="truck"), 0.0, now=1.0)
        tail.add_message(state(seq=number, region="r0", set=f"s{number}", state="truck"), 0.0, now=1.0)
    (camera,) = tail._cameras.values()
    assert len(camera.decided) == MAX_REGIONS
    assert len(camera.decided["r0"]) == MAX_SETS


def test_a_status_sets_the_state_of_all_regions_of_its_camera() -> None:
    state = TailState()
    state.add_message(vec(), 0.0, now=1.0)
    assert only(state, 1.0).state == ""  # nobody has said
    state.add_message(status(state="lost", reason="unplugged"), 0.0, now=1.1)
    assert (only(state, 1.1).state, only(state, 1.1).reason) == ("lost", "unplugged")
    state.add_message(status(camera="yard", state="running"), 0.0, now=1.2)
    assert [line.state for line in state.lines(1.2, {})] == ["lost", "running"]


def test_an_event_is_open_from_its_first_message_to_its_end() -> None:
    state = TailState()
    state.add_message(vec(), 0.0, now=1.0)
    assert only(state, 1.0).events == ()
    state.add_message(event("update"), 0.0, now=20.0)
    state.add_message(event("begin", ref="other", region="door"), 0.0, now=20.0)
    ((reference, seconds),) = only(state, 21.0).events
    assert reference == "path-empty"
    assert seconds == pytest.approx(13.4)
    state.add_message(event("end"), 0.0, now=22.0)
    assert only(state, 22.0).events == ()


def test_events_of_another_run_are_closed() -> None:
    state = TailState()
    state.add_message(event("begin"), 0.0, now=1.0)
    state.add_message(vec(run="another"), 0.0, now=2.0)
    assert only(state, 2.0).events == ()


def test_a_daemon_without_messages_for_long_is_silent() -> None:
    state = TailState()
    state.add_message(status(), 0.0, now=1.0)
    assert only(state, 5.9).state == "running"
    assert (only(state, 14.0).state, only(state, 14.0).reason) == ("silent", "no message for 13 s")


def test_a_daemon_that_stopped_is_not_silent_but_gone_until_it_is_back() -> None:
    state = TailState()
    state.add_message(status(state="stopped", bye=True), 0.0, now=1.0)
    assert only(state, 100.0).state == "bye"
    state.add_message(status(run="bb", state="starting"), 0.0, now=101.0)
    assert only(state, 101.0).state == "starting"


def test_a_node_is_described_by_its_last_status_and_before_that_by_its_vectors() -> None:
    state = TailState()
    state.add_message(vec(model="lite0"), 0.0, now=1.0)
    (node,) = state.nodes()
    assert (node.model, node.status) == ("lite0", None)
    state.add_message(status(model="lite0", t_wall_us=2, uptime_s=2.0), 0.0, now=1.0)
    state.add_message(status(camera="yard", model="lite4", t_wall_us=1, uptime_s=1.0), 0.0, now=1.0)
    (node,) = state.nodes()
    assert node.model == "lite0"
    assert node.status is not None
    assert node.status.uptime_s == 2.0


def test_text_from_the_network_is_short_and_cannot_move_the_cursor() -> None:
    state = TailState()
    long = "\x1b[2J" + "x" * 100_000
    state.add_message(status(state="lost", reason=long, model="\x07", engine=None), 0.0, now=1.0)
    state.add_message(vec(sims=(Match("\x1b]0;title", 0.5), Match(long, 0.4, long))), 0.0, now=1.0)
    state.add_message(event("begin", ref=long), 0.0, now=1.0)
    line = only(state, 1.0)
    shown = [line.reason, *(name for name, _ in line.scores), *(name for name, _ in line.events)]
    assert shown[1] == "?]0;title"
    assert state.nodes()[0].model == "?"
    assert [len(text) for text in shown] == [200, 9, 200, 200]
    assert all(text.isprintable() for text in shown)


def test_what_hostile_daemons_make_up_is_bounded() -> None:
    state = TailState()
    sims = tuple(Match(f"r{number}", 0.5) for number in range(1000))
    for number in range(MAX_CAMERAS + 10):
        state.add_message(vec(node=f"n{number}"), 0.0, now=1.0)
    for number in range(MAX_REGIONS + 9):  # one region is there already
        state.add_message(vec(node="n0", region=f"r{number}", sims=sims), 0.0, now=1.0)
        state.add_message(event("begin", node="n1", region=f"r{number}"), 0.0, now=1.0)
        state.add_message(event("begin", node="n2", ref=f"e{number}"), 0.0, now=1.0)
    lines = state.lines(1.0, {})
    assert len(lines) == MAX_CAMERAS + MAX_REGIONS - 1
    assert state.left_out == 20
    assert {len(line.scores) for line in lines if line.node == "n0" and line.region != "path"} == {MAX_SCORES}
    assert {line.more for line in lines if line.node == "n0" and line.region != "path"} == {1000 - MAX_SCORES}
    assert len(state._cameras["n1", "street"].events) == MAX_REGIONS
