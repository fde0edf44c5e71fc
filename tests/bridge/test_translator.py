"""Publications of the bridge for given messages and times, without sockets or a clock; and the queue for the broker."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edged import __version__
from edged.bridge.discovery import score_sensor
from edged.bridge.outbox import Outbox
from edged.bridge.topics import Publication, ReferencePlace, Topics, identifier
from edged.bridge.translator import (
    GONE_SECONDS,
    KNOWN_AT_ONCE,
    MAX_CAMERAS,
    MAX_CAMERAS_OF_NODE,
    MAX_HEADER,
    MAX_PLACES,
    MAX_PLACES_OF_NODE,
    MAX_REGIONS,
    MAX_STATUS,
    Settings,
    Translator,
)
from edged.client import Delivery
from edged.wire import Match, Message, SetInfo, encode
from tests.bridge.test_bridge import event
from tests.publishing import state, status, vec

TOPICS = Topics("rig")
PLACE = "edged/porch/street/path/path-empty"
KNOWN = "edged/_bridge/rig/known"
SENSOR = "homeassistant/sensor/porch/street_path_path-empty_score/config"


class World:
    """A translator, and what it has published: the last payload by topic."""

    def __init__(self, **settings: Any) -> None:
        self.translator = Translator(Settings(TOPICS, **settings))
        self.states: dict[str, bytes] = {}
        self.published: list[str] = []
        self.payloads: list[bytes] = []

    def receive(self, message: Message, now: float) -> None:
        topic, header, payload = encode(message)
        self._note(self.translator.translate(Delivery(message, (topic, header, payload)), now))

    def tick(self, now: float) -> None:
        self.published.clear()
        self._note(self.translator.tick(now))

    def restore(self, known: bytes, now: float) -> None:
        self._note(self.translator.restore(known, now))

    def _note(self, publications: Any) -> None:
        for publication in publications:
            self.states[publication.topic] = publication.payload
            self.payloads.append(publication.payload)
            self.published.append(publication.topic)


def test_scores_are_published_every_few_seconds_while_the_camera_runs() -> None:
    world = World(score_seconds=5.0)
    world.receive(status(0), 0.0)
    world.receive(vec(0), 0.0)
    world.tick(0.0)
    assert f"{PLACE}/score" in world.published
    for seq in range(1, 40):
        world.receive(vec(seq), seq / 10)
        world.tick(seq / 10)
        assert f"{PLACE}/score" not in world.published
    world.tick(5.0)
    assert f"{PLACE}/score" in world.published
    world.receive(status(1, state="lost"), 9.0)
    world.tick(10.0)
    assert f"{PLACE}/score" not in world.published


def test_a_camera_is_available_while_it_runs_and_is_not_silent() -> None:
    world = World()
    states = {}
    for now, message in enumerate(
        [status(0, state="starting"), status(1), status(2, state="frozen"), status(3), status(4, bye=True)]
    ):
        world.receive(message, float(now))
        states[now] = world.states["edged/porch/street/availability"]
    assert list(states.values()) == [b"offline", b"online", b"offline", b"online", b"offline"]
    assert world.states["edged/porch/street/state"] == b"stopped"
    world.receive(status(0, run="next"), 100.0)
    world.tick(105.9)
    assert world.states["edged/porch/street/availability"] == b"online"
    world.tick(106.1)
    assert world.states["edged/porch/street/availability"] == b"offline"
    assert world.states["edged/porch/street/state"] == b"silent"


def test_an_event_whose_end_was_lost_is_closed_when_it_is_not_reported_again() -> None:
    world = World()
    world.receive(status(0), 0.0)
    for second in range(40):
        world.receive(vec(second, t_cap_us=second * 1_000_000), second)
        if second % 10 == 0 and second <= 20:
            world.receive(event(second, "update", t_cap_us=second * 1_000_000), second)
        assert world.states[f"{PLACE}/active"] == (b"ON" if second <= 36 else b"OFF"), second
    assert world.published.count(f"{PLACE}/active") == 3 + 1, "three updates, and the end once"


def test_a_restored_event_whose_end_was_lost_is_closed_when_it_is_not_reported_again() -> None:
    before, world = World(), World()
    before.receive(status(0), 0.0)
    before.receive(event(0, "begin", t_cap_us=0), 0.0)
    world.restore(before.states[KNOWN], 1.0)
    for second in range(1, 60):
        world.receive(vec(second, t_cap_us=second * 1_000_000), second)
        assert world.states.get(f"{PLACE}/active") == (None if second <= 17 else b"OFF"), second


def test_a_restored_event_that_is_reported_again_is_open() -> None:
    before, world = World(), World()
    before.receive(status(0), 0.0)
    before.receive(event(0, "begin", t_cap_us=0), 0.0)
    world.restore(before.states[KNOWN], 1.0)
    world.receive(vec(1, t_cap_us=1_000_000), 1.0)
    world.receive(event(1, "update", t_cap_us=10_000_000), 10.0)
    world.receive(vec(2, t_cap_us=24_000_000), 24.0)
    world.receive(vec(3, t_cap_us=25_000_000), 25.0)
    assert world.states[f"{PLACE}/active"] == b"ON"


def test_a_new_run_closes_the_events_of_the_run_before() -> None:
    world = World()
    for camera in ("street", "yard"):
        world.receive(status(0, camera=camera), 0.0)
        world.receive(event(0, camera=camera, t_cap_us=90_000_000), 0.0)
    world.receive(status(0, run="next"), 1.0)
    assert world.states[f"{PLACE}/active"] == b"OFF"
    assert world.states[f"{PLACE}/active".replace("street", "yard")] == b"ON", "it is of another camera"
    world.receive(event(0, run="next", t_cap_us=1_000_000), 2.0)
    world.receive(vec(1, run="next", t_cap_us=2_000_000), 3.0)
    assert world.states[f"{PLACE}/active"] == b"ON"


def test_a_restored_event_that_goes_on_is_not_closed_by_the_first_message_of_its_run() -> None:
    before, world = World(), World()
    before.receive(status(0), 0.0)
    before.receive(event(0), 0.0)
    world.restore(before.states[KNOWN], 1.0)
    world.receive(status(1), 2.0)
    assert f"{PLACE}/active" not in world.states


def test_a_new_model_is_published_in_the_discovery() -> None:
    world = World()
    announced = "homeassistant/sensor/porch/street_state/config"
    for seq, model in enumerate(["first", "first", "second"]):
        world.published.clear()
        world.receive(status(seq, model=model), float(seq))
        assert json.loads(world.states[announced])["device"]["model"] == model
        assert (announced in world.published) == (seq != 1), "and only another one"


def test_a_camera_whose_vectors_come_before_its_state_is_announced_with_it() -> None:
    world = World()
    world.receive(vec(0), 0.0)
    assert "homeassistant/sensor/porch/street_state/config" not in world.states
    assert json.loads(world.states[KNOWN])["cameras"] == [["porch", "street"]]
    world.receive(status(0), 1.0)
    assert "homeassistant/sensor/porch/street_state/config" in world.states


def test_a_camera_without_a_region_is_known_to_the_next_bridge() -> None:
    world = World()
    world.receive(status(0), 0.0)
    assert json.loads(world.states[KNOWN]) == {"cameras": [["porch", "street"]], "places": [], "sets": []}


def test_the_status_of_a_camera_is_repeated_every_half_minute_and_when_its_state_changes() -> None:
    world = World()
    told = []
    for now, condition in ((0.0, "running"), (2.0, "running"), (4.0, "lost"), (33.0, "lost"), (34.0, "lost")):
        world.published.clear()
        world.receive(status(0, state=condition), now)
        told.append("edged/porch/street/status" in world.published)
    assert told == [True, False, True, False, True]


def test_limits_are_part_of_what_they_allow() -> None:
    world = World(silent_seconds=6.0)
    world.receive(status(0), 0.0)
    world.receive(vec(0, t_cap_us=0), 0.0)
    world.receive(event(0, t_cap_us=0), 0.0)
    world.receive(vec(1, t_cap_us=15_000_000), 0.0)
    world.receive(vec(2, t_cap_us=15_000_001), 0.0)
    assert world.states[f"{PLACE}/active"] == b"ON"
    world.receive(vec(3, t_cap_us=15_000_002), 0.0)
    assert world.states[f"{PLACE}/active"] == b"OFF"
    world.tick(6.0)
    assert world.states["edged/porch/street/state"] == b"running"
    world.receive(status(1, camera="yard"), GONE_SECONDS)
    world.tick(GONE_SECONDS)
    assert b"" not in world.states.values()


def test_references_beyond_the_bound_are_left_out_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.receive(status(0), 0.0)
    names = [f"r{number}" for number in range(MAX_PLACES_OF_NODE + 1)]
    for seq in range(2):
        world.receive(vec(seq, sims=tuple(Match(name, 0.5) for name in names[seq:]), refs=5000), float(seq))
    world.receive(event(0, ref="late"), 2.0)
    world.receive(event(1, ref="r0"), 3.0)
    assert len(json.loads(world.states[KNOWN])["places"]) == MAX_PLACES_OF_NODE
    assert f"{SENSOR.replace('path-empty', names[-2])}" in world.states
    assert f"{SENSOR.replace('path-empty', names[-1])}" not in world.states
    assert not any("/late/" in topic for topic in world.states)
    assert world.states["edged/porch/street/path/r0/active"] == b"ON", "there is room for what is there already"
    assert [record.getMessage() for record in caplog.records] == [
        f"more than {MAX_PLACES_OF_NODE} references in regions of porch: the others are left out"
    ]


def test_cameras_beyond_the_bound_are_left_out_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.receive(status(0, node="good", camera="street"), 0.0)
    for number in range(6000):
        world.receive(status(0, node=f"n{number % 60}", camera=f"c{number}"), number / 1000)
        world.tick(number / 1000)
    sent = sum(map(len, world.payloads))
    world.tick(10.0)
    assert len(json.loads(world.states[KNOWN])["cameras"]) == MAX_CAMERAS
    assert sent < 2_000_000, "what is known is not sent for each camera"
    assert [record.getMessage() for record in caplog.records if "left out" in record.getMessage()] == [
        f"more than {MAX_CAMERAS} cameras: the others are left out"
    ]
    world.receive(status(1, node="good", camera="street", state="lost"), 10.0)
    assert world.states["edged/good/street/state"] == b"lost"


def test_a_node_does_not_take_the_room_of_the_others(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    for number in range(1000):
        world.receive(status(0, node="bad", camera=f"c{number}"), 0.0)
    for number in range(MAX_CAMERAS - MAX_CAMERAS_OF_NODE):
        world.receive(status(0, node=f"good{number}"), 0.0)
        assert world.states[f"edged/good{number}/street/state"] == b"running"
    assert [record.getMessage() for record in caplog.records] == [
        f"more than {MAX_CAMERAS_OF_NODE} cameras of bad: the others are left out"
    ]


def test_references_of_all_nodes_together_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    world, sims = World(), tuple(Match(f"r{number}", 0.5) for number in range(MAX_PLACES_OF_NODE))
    for number in range(MAX_PLACES // MAX_PLACES_OF_NODE + 1):
        world.receive(vec(0, node=f"n{number}", sims=sims, refs=5000), 0.0)
    assert len(json.loads(world.states[KNOWN])["places"]) == MAX_PLACES
    assert caplog.messages == [f"more than {MAX_PLACES} references in regions: the others are left out"]


def test_a_node_that_takes_references_away_has_room_for_others() -> None:
    world = World()
    for seq in range(4):
        sims = tuple(Match(f"r{number + seq * MAX_PLACES_OF_NODE // 2}", 0.5) for number in range(MAX_PLACES_OF_NODE))
        world.receive(vec(2 * seq, sims=sims), float(seq))
        world.receive(vec(2 * seq + 1, sims=(), refs=0), float(seq))
    world.receive(vec(9, sims=sims), 60.0)
    assert len(json.loads(world.states[KNOWN])["places"]) == MAX_PLACES_OF_NODE


def test_regions_beyond_the_bound_are_left_out_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.receive(status(0), 0.0)
    for number in range(MAX_REGIONS + 10):
        world.receive(vec(number, region=f"r{number}"), 0.0)
    assert len({topic for topic in world.states if "_path-empty_score" in topic}) == MAX_REGIONS
    assert caplog.messages == [f"more than {MAX_REGIONS} regions of camera street of porch: the others are left out"]


def test_a_status_or_event_that_is_too_long_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.receive(status(0, reason="x" * MAX_STATUS), 0.0)
    world.receive(event(0, ref="x" * MAX_HEADER), 0.0)
    world.receive(state(set="x" * MAX_HEADER), 0.0)
    assert world.states == {}
    assert [message.split()[:2] for message in caplog.messages] == [["a", "status"], ["a", "event"], ["a", "state"]]


def test_a_status_with_many_sets_of_states_is_passed_on() -> None:
    names = tuple(f"{number}-" + "x" * 60 for number in range(8))
    sets = tuple(SetInfo("s" * 64, names, dict.fromkeys(names, 200), learned=True) for _ in range(24))
    world = World()
    world.receive(status(0, sets=sets), 0.0)
    assert len(world.states["edged/porch/street/status"]) > MAX_HEADER


def test_texts_of_a_daemon_are_short_and_printable_in_what_is_announced() -> None:
    world = World()
    world.receive(status(0, model="\x1b[2Jtiny" + "x" * 1000), 0.0)
    world.receive(vec(0, model="\x1b[2Jtiny" + "x" * 100_000, run="r" * 100_000), 0.0)
    for topic in ("homeassistant/sensor/porch/street_state/config", SENSOR):
        model = json.loads(world.states[topic])["device"]["model"]
        assert model.startswith("?[2Jtiny")
        assert len(model) == 200


def test_what_is_known_is_published_at_once_but_not_at_any_rate() -> None:
    world = World()
    for number in range(40):
        world.receive(status(0, node=f"n{number}"), 0.0)
    assert world.published.count(KNOWN) == KNOWN_AT_ONCE
    world.tick(0.5)
    assert world.published.count(KNOWN) == 0
    world.tick(1.0)
    assert len(json.loads(world.states[KNOWN])["cameras"]) == 40
    world.tick(2.0)
    assert world.published.count(KNOWN) == 0, "nothing is new"


def test_an_event_of_a_camera_with_a_frame_a_minute_stays_open() -> None:
    world = World()
    world.receive(status(0), 0.0)
    for minute in range(5):
        world.receive(vec(minute, t_cap_us=minute * 60_000_000), minute * 60)
        world.receive(event(minute, "update", t_cap_us=minute * 60_000_000), minute * 60)
        assert world.states[f"{PLACE}/active"] == b"ON"


def test_the_score_of_a_reference_is_that_of_its_best_picture() -> None:
    world = World()
    world.receive(status(0), 0.0)
    world.receive(status(0), 0.0)
    world.receive(vec(0, sims=(Match("path-empty", 0.75, "side"), Match("path-empty", 0.5, "front")), refs=900), 0.0)
    world.tick(0.0)
    assert float(world.states[f"{PLACE}/score"]) == 0.75


def test_a_reference_that_is_not_among_the_best_stays() -> None:
    world = World()
    world.receive(status(0), 0.0)
    world.receive(vec(0), 0.0)
    world.receive(vec(1, sims=(Match("path-busy", 0.5),), refs=2), 1.0)
    assert world.states[SENSOR]
    world.receive(vec(2, sims=(Match("path-busy", 0.5),), refs=1), 2.0)
    assert world.states[SENSOR] == b""


def test_a_region_and_a_camera_that_are_gone_are_withdrawn() -> None:
    world = World()
    for camera in ("street", "yard"):
        world.receive(status(0, camera=camera), 0.0)
        world.receive(vec(0, camera=camera), 0.0)
        world.receive(vec(0, camera=camera, region="door"), 0.0)
    now = 0.0
    while now < GONE_SECONDS + 10:  # street has another run now, without path; there is no yard any more
        now += 1.0
        world.receive(status(int(now), run="next"), now)
        world.receive(vec(int(now), run="next", region="door"), now)
        world.tick(now)
        if now < GONE_SECONDS:
            assert world.states[SENSOR]
    assert world.states[SENSOR] == b""
    assert world.states[SENSOR.replace("path_path", "door_path")]
    assert world.states["homeassistant/sensor/porch/yard_state/config"] == b""
    assert [world.states[f"edged/porch/yard/{leaf}"] for leaf in ("availability", "state", "status")] == [b""] * 3
    assert world.states[SENSOR.replace("street", "yard")] == b""
    assert json.loads(world.states[KNOWN]) == {
        "cameras": [["porch", "street"]],
        "places": [["porch", "street", "door", ref, False] for ref in ("path-empty", "path-busy")],
        "sets": [],
    }


def test_a_reference_that_was_taken_away_and_comes_again_makes_no_events_yet() -> None:
    world = World()
    world.receive(status(0), 0.0)
    world.receive(vec(0), 0.0)
    world.receive(event(0), 0.0)
    assert ["porch", "street", "path", "path-empty", True] in json.loads(world.states[KNOWN])["places"]
    world.receive(vec(1, sims=(), refs=0), 1.0)
    assert json.loads(world.states[KNOWN])["places"] == []
    active = "homeassistant/binary_sensor/porch/street_path_path-empty_active/config"
    assert [world.states[topic] for topic in (SENSOR, active, f"{PLACE}/active")] == [b"", b"", b""]
    world.receive(vec(2), 2.0)
    assert world.states[SENSOR]
    assert ["porch", "street", "path", "path-empty", False] in json.loads(world.states[KNOWN])["places"]


def test_nothing_is_withdrawn_while_its_daemon_is_silent() -> None:
    world = World()
    world.receive(status(0, camera="yard"), 0.0)
    world.receive(vec(0, camera="yard"), 0.0)
    world.receive(status(0), 0.0)
    world.receive(vec(0), 0.0)
    world.receive(vec(0, run="next", region="door"), 1.0)  # this run has not made a vector of path yet
    for now in (GONE_SECONDS, 2 * GONE_SECONDS, 10 * GONE_SECONDS):
        world.tick(now)
        assert b"" not in world.states.values(), now
    assert world.states["edged/porch/street/state"] == b"silent"


def test_nothing_restored_is_withdrawn_before_its_daemon_has_sent_a_message() -> None:
    before, world = World(), World()
    before.receive(status(0), 0.0)
    before.receive(vec(0), 0.0)
    world.restore(before.states[KNOWN], 0.0)
    world.tick(10 * GONE_SECONDS)
    assert b"" not in world.states.values()
    assert json.loads(world.states[KNOWN]) == json.loads(before.states[KNOWN])


def test_no_camera_is_withdrawn_while_its_daemon_ends() -> None:
    world = World()
    world.receive(status(0, camera="yard"), 0.0)
    world.receive(status(1, bye=True), GONE_SECONDS + 1)
    world.tick(GONE_SECONDS + 1)
    assert b"" not in world.states.values()


def test_a_camera_is_not_withdrawn_because_another_node_delivers() -> None:
    world = World()
    world.receive(status(0), 0.0)
    world.receive(status(1, node="shed"), GONE_SECONDS + 1)
    world.tick(GONE_SECONDS + 1)
    assert b"" not in world.states.values()


def test_what_the_last_bridge_published_and_is_gone_is_withdrawn() -> None:
    before, world = World(), World()
    before.receive(status(0), 0.0)
    before.receive(vec(0, sims=(Match("gone", 0.5),), refs=1), 0.0)
    world.restore(before.states[KNOWN], 0.0)
    world.receive(status(0, run="next"), 1.0)
    world.receive(vec(0, run="next"), 1.0)
    assert world.states["homeassistant/sensor/porch/street_path_gone_score/config"] == b""
    assert world.states[SENSOR]


@pytest.mark.parametrize(
    "known", [b"", b"{", b"[]", b'{"cameras":[["a"]],"places":[]}', b'{"cameras":[["+","#"]],"places":[]}', b"[" * 9999]
)
def test_a_known_message_of_another_program_is_ignored(known: bytes) -> None:
    world = World()
    assert list(world.translator.restore(known, 0.0)) == []
    world.tick(100.0)
    assert world.published == []


def test_what_the_broker_keeps_is_logged_short_and_printable(caplog: pytest.LogCaptureFixture) -> None:
    World().restore(json.dumps({"cameras": [["\x1b[2J" * 9999, "street"]], "places": []}).encode(), 0.0)
    World().restore(b" " * (3 << 20), 0.0)
    assert len(caplog.messages) == 2
    assert all(message.isprintable() and len(message) < 300 for message in caplog.messages)
    assert "no bridge writes" in caplog.messages[1]


def test_a_reference_whose_name_is_not_legal_is_left_out() -> None:
    world = World()
    world.receive(vec(0, sims=(Match("a/b", 0.5), Match("#", 0.4)), refs=2), 0.0)
    world.receive(event(0, ref="+"), 0.0)
    assert [topic for topic in world.states if not topic.startswith("edged/_bridge")] == []


def test_without_discovery_nothing_is_published_for_home_assistant() -> None:
    world = World(discover=False)
    for message in (status(0), vec(0), event(0)):
        world.receive(message, 0.0)
    assert world.states
    assert not any(topic.startswith("homeassistant") for topic in world.states)


def test_two_different_keys_never_make_one_identifier() -> None:
    names = [("a", "b_c"), ("a_b", "c"), ("a", "b", "c"), ("a_", "b", "c"), ("a__b", "c"), ("a_b_c",), ("a", "b__c")]
    assert len({identifier(*each) for each in names}) == len(names)
    place = ReferencePlace("n", "c", "r", "x_y")
    assert TOPICS.config("sensor", place, "score") == "homeassistant/sensor/n/c_r_x__y_score/config"


# -- Home Assistant's discovery


def test_what_home_assistant_is_sent_of_a_score_and_of_a_state() -> None:
    world = World(score_seconds=20.0)
    world.receive(status(0), 0.0)
    world.receive(vec(0, region="full"), 0.0)
    bridge, camera = ({"topic": f"edged/{name}/availability"} for name in ("_bridge/rig", "porch/street"))
    common = {
        "availability_mode": "all",
        "device": {
            "identifiers": ["edged_porch_street"],
            "name": "porch street",
            "manufacturer": "edged",
            "model": "efficientnet-lite0",
        },
        "origin": {"name": "edged", "sw_version": __version__},
    }
    assert json.loads(world.states["homeassistant/sensor/porch/street_full_path-empty_score/config"]) == common | {
        "name": "path-empty score",
        "state_topic": "edged/porch/street/full/path-empty/score",
        "state_class": "measurement",
        "suggested_display_precision": 3,
        "expire_after": 60,
        "unique_id": "edged_porch_street_full_path-empty_score",
        "availability": [bridge, camera],
    }
    assert json.loads(world.states["homeassistant/sensor/porch/street_state/config"]) == common | {
        "name": "state",
        "state_topic": "edged/porch/street/state",
        "device_class": "enum",
        "options": ["starting", "running", "lost", "frozen", "stopped", "silent"],
        "entity_category": "diagnostic",
        "json_attributes_topic": "edged/porch/street/status",
        "unique_id": "edged_porch_street_state",
        "availability": [bridge],
    }


def test_what_home_assistant_is_sent_of_an_event() -> None:
    world = World()
    world.receive(status(0), 0.0)
    world.receive(event(0), 0.0)
    sent = json.loads(world.states["homeassistant/binary_sensor/porch/street_path_path-empty_active/config"])
    assert sent["name"] == "path path-empty"
    assert (sent["payload_on"], sent["payload_off"], sent["qos"]) == ("ON", "OFF", 1)
    assert (sent["state_topic"], sent["json_attributes_topic"]) == (f"{PLACE}/active", f"{PLACE}/event")


def test_a_score_expires_after_three_that_did_not_come_and_never_within_half_a_minute() -> None:
    place = ReferencePlace("porch", "street", "path", "path-empty")
    expiries = [
        json.loads(score_sensor(TOPICS, place, "", seconds).payload)["expire_after"] for seconds in (0.1, 10, 10.1)
    ]
    assert expiries == [30, 30, 31]


# -- the outbox -------------------------------------------------------------------------------------------------------


def retained(topic: str, payload: bytes) -> Publication:
    return Publication(topic, payload)


def happening(number: int) -> Publication:
    return Publication("event", b"%d" % number, retain=False)


def taken(outbox: Outbox) -> list[bytes]:
    payloads = []
    while (publication := outbox.next_publication()) is not None:
        payloads.append(publication.payload)
    return payloads


def test_the_newest_of_a_state_is_sent_once_and_again_when_states_are_repeated() -> None:
    outbox = Outbox(10)
    outbox.put([retained("a", b"1"), retained("b", b"2"), retained("a", b"3")])
    assert taken(outbox) == [b"3", b"2"]
    outbox.put([retained("a", b"3")])
    assert taken(outbox) == []
    outbox.repeat_states()
    assert taken(outbox) == [b"3", b"2"]
    outbox.put([retained("a", b"")])
    assert taken(outbox) == [b""]
    outbox.repeat_states()
    assert taken(outbox) == [b"2"]


def test_events_wait_up_to_a_bound_and_the_oldest_are_dropped() -> None:
    outbox = Outbox(3)
    outbox.put(happening(number) for number in range(5))
    assert (outbox.events, outbox.dropped) == (3, 2)
    assert taken(outbox) == [b"2", b"3", b"4"]


def test_states_come_before_events_and_scores_in_their_order_come_last() -> None:
    outbox = Outbox(3)
    scores = [Publication(topic, topic.encode(), qos=0, retain=False) for topic in ("x", "y", "z")]
    outbox.put([*scores, happening(1), retained("a", b"s"), retained("b", b"t"), happening(2)])
    assert taken(outbox) == [b"s", b"t", b"1", b"2", b"x", b"y", b"z"]


def test_scores_are_dropped_while_the_broker_is_away() -> None:
    outbox = Outbox(3)
    outbox.put([Publication("score", b"1", qos=0, retain=False), Publication("score", b"2", qos=0, retain=False)])
    assert taken(outbox) == [b"2"]
    outbox.put([Publication("score", b"3", qos=0, retain=False)])
    outbox.forget_scores()
    assert taken(outbox) == []
