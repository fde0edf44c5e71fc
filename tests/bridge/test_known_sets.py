"""Sets of states at the broker: their decided state, and their sensor, for given messages and times."""

from __future__ import annotations

import json

import pytest

from edged.bridge.known_sets import GONE_SECONDS, MAX_SETS, MAX_SETS_OF_NODE, MAX_STATES
from edged.wire import SetInfo, SetState
from tests.bridge.test_translator import KNOWN, TOPICS, World
from tests.publishing import event, state, status, vec

BAY = SetState("bay", "truck", {"empty": 0.03, "truck": 0.97}, 0.5)
STATE = "edged/porch/street/path/bay"
SENSOR = "homeassistant/sensor/porch/street_path_bay_state/config"


def answered(*names: str) -> SetState:
    """An answer of the set *bay* of these states."""
    return SetState("bay", names[0], dict.fromkeys(names, 0.5), None)


def options(world: World) -> list[str]:
    found: list[str] = json.loads(world.states[SENSOR])["options"]
    return found


def test_the_decided_state_is_published_and_not_the_answers_of_frames() -> None:
    world = World()
    world.receive(vec(0, states=(BAY,)), 0.0)
    assert STATE not in world.states
    for decided in ("truck", "empty", "unknown"):
        world.receive(state(state=decided), 1.0)
        assert world.states[STATE] == decided.encode()


def test_what_home_assistant_is_sent_of_a_set() -> None:
    world = World()
    world.receive(status(0), 0.0)
    world.receive(vec(0, states=(BAY,)), 0.0)
    sent = json.loads(world.states[SENSOR])
    assert (sent["name"], sent["state_topic"], sent["qos"]) == ("path bay", STATE, 1)
    assert (sent["device_class"], sent["options"]) == ("enum", ["empty", "truck", "unknown"])
    assert sent["unique_id"] == "edged_porch_street_path_bay_state"
    assert [each["topic"] for each in sent["availability"]] == [
        TOPICS.bridge("availability"),
        "edged/porch/street/availability",
    ]
    assert not {"state_class", "expire_after"} & sent.keys(), "a sensor of words has none"


def test_a_sensor_is_announced_again_only_with_other_states() -> None:
    world = World()
    for seq, names in enumerate((("a", "b"), ("a", "b"), ("a", "b", "c"), ("unknown", "a"))):
        world.published.clear()
        world.receive(vec(seq, states=(answered(*names),)), float(seq))
        assert (SENSOR in world.published) == (seq != 1)
        assert options(world) == [*names, "unknown"][: len(names) + ("unknown" not in names)]


def test_the_states_come_from_the_status_where_no_answer_has_come() -> None:
    world = World()
    sets = (SetInfo("bay", ("empty", "truck"), {"empty": 3, "truck": 3}, learned=True),)
    world.receive(state(), 0.0)
    world.receive(status(0, camera="yard", sets=sets), 0.0)
    assert SENSOR not in world.states, "it is of another camera"
    world.receive(status(0, sets=sets), 0.0)
    assert options(world) == ["empty", "truck", "unknown"]
    world.receive(vec(0, states=(answered("a", "b"),)), 1.0)
    world.receive(status(1, sets=sets), 1.0)
    assert options(world) == ["a", "b", "unknown"]


def test_a_set_that_was_removed_is_withdrawn_at_once() -> None:
    world = World()
    world.receive(vec(0, states=(BAY,)), 0.0)
    world.receive(state(), 0.0)
    assert json.loads(world.states[KNOWN])["sets"] == [["porch", "street", "path", "bay"]]
    world.receive(state("set-removed", state="unknown"), 1.0)
    assert (world.states[STATE], world.states[SENSOR]) == (b"", b"")
    assert json.loads(world.states[KNOWN])["sets"] == []
    world.receive(vec(1, states=(BAY,)), 2.0)
    assert options(world) == ["empty", "truck", "unknown"]


def test_a_set_is_withdrawn_after_a_minute_of_frames_without_it() -> None:
    world = World()
    world.receive(vec(0, states=(BAY,)), 0.0)
    for now in range(1, int(GONE_SECONDS) + 1):
        world.receive(vec(now), float(now))
        world.tick(float(now))
    assert world.states[SENSOR] != b""
    world.receive(vec(99), GONE_SECONDS + 1)
    world.tick(GONE_SECONDS + 1)
    assert world.states[SENSOR] == b""


def test_a_set_of_a_region_that_is_gone_is_withdrawn() -> None:
    world = World()
    world.receive(vec(0, states=(BAY,)), 0.0)
    world.receive(vec(0, region="door", states=(BAY,)), 0.0)
    for now in range(1, int(GONE_SECONDS) + 2):
        world.receive(vec(now, run="next", region="door", states=(BAY,)), float(now))
        world.tick(float(now))
    assert world.states[SENSOR] == b""
    assert world.states[SENSOR.replace("path", "door")] != b""


def test_a_set_of_a_camera_with_a_frame_an_hour_stays() -> None:
    world = World()
    for hour in range(3):
        world.receive(vec(hour, region="door"), hour * 3600.0)
        world.tick(hour * 3600.0)  # the vector of the other region has not come yet
        world.receive(vec(hour, states=(BAY,)), hour * 3600.0)
        world.tick(hour * 3600.0 + 1)
    assert world.states[SENSOR] != b""
    assert b"" not in world.payloads


def test_the_sets_of_a_camera_that_is_gone_are_withdrawn() -> None:
    world = World()
    world.receive(vec(0, camera="yard", states=(BAY,)), 0.0)
    world.receive(status(0), GONE_SECONDS + 1)
    world.tick(GONE_SECONDS + 1)
    assert world.states[SENSOR.replace("street", "yard")] == b""


def test_after_a_restart_of_the_daemon_the_state_is_unknown_until_it_is_decided_again() -> None:
    world = World()
    for camera in ("street", "yard"):
        world.receive(state(camera=camera), 0.0)
    world.receive(status(0, run="next"), 1.0)
    assert world.states[STATE] == b"unknown"
    assert world.states[STATE.replace("street", "yard")] == b"truck", "it is of another camera"
    world.receive(state("repeat", run="next"), 2.0)
    assert world.states[STATE] == b"truck"


def test_what_the_last_bridge_published_of_a_set_that_is_gone_is_withdrawn() -> None:
    before, world = World(), World()
    before.receive(vec(0, states=(BAY,)), 0.0)
    world.restore(before.states[KNOWN], 0.0)
    for now in (1.0, GONE_SECONDS + 2):
        world.receive(vec(int(now)), now)
        world.tick(now)
    assert world.states[SENSOR] == b""


def test_what_an_earlier_bridge_knew_has_no_sets() -> None:
    world = World()
    world.restore(b'{"cameras":[["porch","street"]],"places":[]}', 0.0)
    assert json.loads(world.states[KNOWN]) == {"cameras": [["porch", "street"]], "places": [], "sets": []}


def test_an_event_of_a_set_is_passed_on_and_has_no_sensor_of_its_own() -> None:
    world = World()
    world.receive(event("begin", ref="bay", state="truck"), 0.0)
    assert json.loads(world.states[f"{STATE}/event"])["state"] == "truck"
    assert not any("binary_sensor" in topic or "active" in topic for topic in world.states)


def test_sets_beyond_the_bounds_are_left_out_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    for node in range(MAX_SETS // MAX_SETS_OF_NODE + 1):
        for number in range(MAX_SETS_OF_NODE + 2):
            world.receive(state(node=f"n{node}", set=f"s{number}"), 0.0)
    world.tick(100.0)
    assert len(json.loads(world.states[KNOWN])["sets"]) == MAX_SETS
    assert sum(payload == b"truck" for payload in world.states.values()) == MAX_SETS
    assert f"edged/n0/street/path/s{MAX_SETS_OF_NODE}" not in world.states
    beyond = [message.removesuffix(": the others are left out") for message in caplog.messages if "left out" in message]
    assert beyond == [
        *(f"more than {MAX_SETS_OF_NODE} sets of states in regions of n{node}" for node in range(3)),
        f"more than {MAX_SETS} sets of states in regions",
    ]
    world.receive(state("set-removed", node="n0", set="s0"), 101.0)
    world.receive(state(node="n0", set="late"), 101.0)
    assert world.states["edged/n0/street/path/late"] == b"truck"


def test_names_that_are_not_legal_and_too_many_states_are_left_out() -> None:
    world = World()
    world.receive(state(set="a/b"), 0.0)
    world.receive(state(state="#"), 0.0)
    world.receive(vec(0, states=(answered("a", "b/c"),)), 0.0)
    world.receive(vec(1, states=(answered(*(f"s{number}" for number in range(MAX_STATES + 1))),)), 0.0)
    world.receive(vec(2, states=(SetState("+", "a", {"a": 1.0}, None),)), 0.0)
    assert [topic for topic in world.states if "bay" in topic or "a/b" in topic or "+" in topic] == []


def test_without_discovery_only_the_state_is_published() -> None:
    world = World(discover=False)
    world.receive(vec(0, states=(BAY,)), 0.0)
    world.receive(state(), 0.0)
    assert world.states[STATE] == b"truck"
    assert not any(topic.startswith("homeassistant") for topic in world.states)
