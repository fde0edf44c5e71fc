"""Decided states on the wire: a change, a repetition for newcomers, and an end with the camera or the set."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from edged import wire
from edged.pipeline.camera_stats import CameraState, Condition
from edged.pipeline.placed_set import PlacedSet
from edged.pipeline.publisher.message_builder import MessageBuilder
from edged.pipeline.publisher.state_messages import DecidedState, StateMessages
from edged.states import StateSet
from edged.values import UNKNOWN, StateAnswer
from tests.pipeline.placing import placed

SECOND = 1_000_000
WALL_US = 1_700_000_000 * SECOND  # at zero of the monotonic clock
BAY = StateSet(name="bay", states=("empty", "truck"), references={"empty": "a", "truck": "b"}, min_seconds=1.0)
PLACED = placed(BAY, ("dock/bay",), ("truck",), {"empty": 3, "truck": 4})


def vec(t_us: int, frame_seq: int, camera: str = "dock") -> wire.Vec:
    return wire.Vec(
        run="00", seq=frame_seq, node="node", camera=camera, region="bay", frame_seq=frame_seq, t_cap_us=t_us,
        t_wall_us=t_us + WALL_US, ts_source="driver", clock_synced=True, lat_us=wire.Latency(0, 0, 0, 0, 0),
        dropped=wire.Drops(0, 0, 0), rotation=0, roi=(0, 0, 1, 1), model="m", space_id="5", delegate="none",
        unchanged=False, engine="e", head=0, head_name=None, dtype="<f4", shape=(4,), norm="l2", scale=None, sims=(),
        refs=0, payload=bytes(16),
    )  # fmt: skip


class Scene:
    """The messages of one set in one place, with answers at times in seconds."""

    def __init__(self, *sets: PlacedSet) -> None:
        self.messages = StateMessages(MessageBuilder("node", "cafe"))
        self.frames = 0
        list(self.messages.use_sets(sets or (PLACED,)))

    def answer(self, state: str, seconds: float, p: float = 0.9, name: str = "bay") -> list[wire.Message]:
        self.frames += 1
        other = "truck" if state == "empty" else "empty"
        shares = (("empty", 0.6), ("truck", 0.4)) if state == UNKNOWN else ((state, p), (other, 1 - p))
        answer = StateAnswer(name, state, shares, 0.5)
        return list(self.messages.follow_result(vec(round(seconds * SECOND), self.frames), [answer]))

    def states(self, state: str, *times: float) -> list[tuple[str, str, str]]:
        found = [each for seconds in times for each in self.answer(state, seconds)]
        return [(each.was, each.state, each.reason) for each in found if isinstance(each, wire.State)]

    @property
    def decided(self) -> list[tuple[str, str]]:
        return [(each.set, each.state) for each in self.messages.decided]


def test_the_first_answer_reports_that_nothing_is_decided_and_then_the_state() -> None:
    scene = Scene()
    assert scene.states("empty", 1) == [(UNKNOWN, UNKNOWN, "repeat")]
    assert scene.states("empty", 1.5, 2) == [(UNKNOWN, "empty", "changed")]
    assert scene.decided == [("bay", "empty")]


def test_a_change_has_the_times_and_numbers_of_its_frame() -> None:
    scene = Scene()
    scene.states("empty", 1, 2)
    scene.answer("truck", 3)
    state, begin = scene.answer("truck", 4, p=0.8)
    assert isinstance(state, wire.State)
    assert isinstance(begin, wire.Event)
    assert (state.node, state.camera, state.region, state.set) == ("node", "dock", "bay", "bay")
    assert (state.was, state.state, state.p, state.novelty, state.reason) == ("empty", "truck", 0.8, 0.5, "changed")
    assert (state.t_since_us, state.t_cap_us) == (3 * SECOND + WALL_US, 4 * SECOND)
    assert (state.t_wall_us, state.frame_seq, state.space_id) == (4 * SECOND + WALL_US, 4, "5")
    assert (begin.ref, begin.state, begin.phase, begin.s) == ("bay", "truck", "begin", 0.8)
    assert (begin.t_begin_us, begin.t_cap_us) == (3 * SECOND + WALL_US, 4 * SECOND)
    assert state.seq == 2


def test_a_state_is_repeated_every_thirty_seconds() -> None:
    scene = Scene()
    scene.states("empty", 0, 1)
    assert scene.states("empty", 10, 30.9, 31, 40) == [(UNKNOWN, "empty", "repeat")]


@pytest.mark.parametrize(("prefix", "count"), [(b"edged/1/state/node", 1), (b"", 1), (b"edged/1/vec/", 0)])
def test_a_state_is_repeated_for_a_new_subscriber_of_states(prefix: bytes, count: int) -> None:
    scene = Scene()
    scene.states("empty", 0, 1)
    scene.messages.greet_subscribers([prefix])
    assert len(scene.states("empty", 2)) == count


def test_an_event_is_updated_for_a_new_subscriber_of_events() -> None:
    scene = Scene()
    scene.states("truck", 0, 1)
    scene.messages.greet_subscribers([b"edged/1/event/"])
    (update,) = scene.answer("truck", 3)
    assert isinstance(update, wire.Event)
    assert update.phase == "update"


@pytest.mark.parametrize("state", [CameraState.LOST, CameraState.FROZEN])
def test_a_lost_camera_shows_no_state(state: CameraState) -> None:
    scene = Scene()
    scene.states("truck", 0, 1)
    lost, end = scene.messages.follow_condition("dock", Condition(state, "gone", 2 * SECOND * 1000))
    assert isinstance(lost, wire.State)
    assert isinstance(end, wire.Event)
    assert (lost.was, lost.state, lost.reason) == ("truck", UNKNOWN, "camera-lost")
    assert (end.phase, end.reason) == ("end", "camera-lost")
    assert scene.decided == [("bay", UNKNOWN)]
    assert scene.answer("truck", 2) == []  # its last frames, which were on their way
    assert scene.states("truck", 3, 4) == [("truck", UNKNOWN, "repeat"), (UNKNOWN, "truck", "changed")]
    assert list(scene.messages.follow_condition("other", Condition(state, "gone", 0))) == []


def test_a_stopped_camera_shows_no_state_a_moment_later() -> None:
    scene = Scene()
    scene.states("truck", 0, 1)
    now = time.monotonic_ns()
    assert list(scene.messages.follow_condition("dock", Condition(CameraState.STOPPED, "end", now))) == []
    stopped, _ = scene.messages.follow_condition("dock", Condition(CameraState.STOPPED, "end", now - 2 * 10**9))
    assert isinstance(stopped, wire.State)
    assert stopped.reason == "stopped"


def test_a_removed_set_ends_its_state() -> None:
    scene = Scene()
    scene.states("truck", 0, 1)
    removed, end = scene.messages.use_sets([])
    assert isinstance(removed, wire.State)
    assert isinstance(end, wire.Event)
    assert (removed.state, removed.reason, end.reason) == (UNKNOWN, "set-removed", "reference-removed")
    assert scene.decided == []
    assert scene.answer("truck", 2) == []  # an answer that was on its way


def test_a_set_that_learned_anew_keeps_its_state_if_it_still_has_it() -> None:
    scene = Scene()
    scene.states("truck", 0, 1)
    assert list(scene.messages.use_sets([replace(PLACED, examples={"truck": 9})])) == []
    assert scene.decided == [("bay", "truck")]
    other = replace(BAY, states=("empty", "van"), references={"empty": "a", "van": "b"})
    relearned, _ = scene.messages.use_sets([placed(other, ("dock/bay",))])
    assert isinstance(relearned, wire.State)
    assert (relearned.was, relearned.state, relearned.reason) == ("truck", UNKNOWN, "relearned")


def test_other_times_of_a_set_count_from_the_next_answer_on() -> None:
    scene = Scene()
    scene.states("empty", 0, 1)
    list(scene.messages.use_sets([placed(replace(BAY, min_seconds=0.0), ("dock/bay",))]))
    assert scene.states("truck", 2) == [("empty", "truck", "changed")]


def test_nothing_is_decided_of_a_camera_that_is_gone() -> None:
    scene = Scene()
    scene.states("empty", 0, 1)
    (end,) = scene.messages.end_camera("dock")
    assert isinstance(end, wire.State)
    assert end.reason == "stopped"
    assert scene.messages.decided == ()


def test_all_states_end_with_the_daemon() -> None:
    scene = Scene()
    scene.states("empty", 0, 1)
    assert [each.reason for each in scene.messages.end_all() if isinstance(each, wire.State)] == ["stopped"]


def test_sets_decide_apart() -> None:
    door = placed(replace(BAY, name="door", min_seconds=0.0), ("dock",))
    scene = Scene(PLACED, door)
    scene.answer("empty", 0, name="door")
    scene.states("truck", 0, 1)
    assert scene.messages.decided == (
        DecidedState("dock", "bay", "door", "empty", ("empty", "truck")),
        DecidedState("dock", "bay", "bay", "truck", ("empty", "truck")),
    )
    assert scene.messages.at("dock") == (PLACED, door)
    assert scene.messages.at("doc") == ()
