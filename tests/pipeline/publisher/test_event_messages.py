"""Events on the wire: published for results, lost cameras, new rules and the end of the publisher."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edged.bell import Bell
from edged.client import Subscriber
from edged.config import Endpoint
from edged.events import EventRule, EventRules, Thresholds
from edged.pipeline.camera_stats import CameraState, CameraStats
from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.publisher.settings import PublisherSettings
from edged.pipeline.publisher.stage import Publisher
from edged.pipeline.result import ModelFacts, Result
from edged.regions import FULL
from edged.values import ReferenceScore, Stamp
from edged.wire import Event, Message, Status, Vec

FACTS = ModelFacts("tiny", "0123456789abcdef", "engine 1", "none", 0, "feature", "<f4", 4, "none", None)
PLACES = [("street", "full"), ("yard", "full")]
RULES = EventRules([EventRule("cat", Thresholds(0.8, 0.7))], PLACES)


class Scene:
    """A publisher of two cameras, the worker's end of its hand-over, and a subscriber of all messages."""

    def __init__(self, address: str) -> None:
        self._bell = Bell()
        self._handover = Handover(8, self._bell)
        self.all_stats = {camera: CameraStats(camera, self._bell.ring) for camera, _ in PLACES}
        settings = PublisherSettings("node", [Endpoint.parse(f"pub+bind:{address}", Path("/"))], 10, "cafe", 256)
        self.stage = Publisher(settings, self._handover, self._bell, list(self.all_stats.values()), Demand(), RULES)
        self._handover.open(FACTS)
        self.subscriber = Subscriber(address, kinds=("vec", "event", "status"))
        self.stage.start(lambda: None)
        self.wait_for(lambda message: isinstance(message, Status))

    def show(
        self, cat: float, camera: str = "street", frame_seq: int = 0, captured_ns: int | None = None, told: int = 2
    ) -> None:
        """Do what the worker does for one frame, captured now or when it is said."""
        vector = self._handover.borrow(10)
        assert vector is not None
        stamp = Stamp(captured_ns or time.monotonic_ns(), "arrival")
        matches = (ReferenceScore("cat", cat), ReferenceScore("dog", 0.5))
        times = 1, 1, 2, 3, 4
        self._handover.put(
            Result(camera, "full", FULL, 0, frame_seq, stamp, *times, matches, 2, vector, FACTS, top_k=told)
        )

    def wait_for(self, wanted: Callable[[Message], bool]) -> list[Message]:
        """All messages up to the first that is *wanted*."""
        heard: list[Message] = []
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            message = self.subscriber.receive(1)
            if message is not None:
                heard.append(message)
                if wanted(message):
                    return heard
        raise AssertionError(f"only these came: {heard}")

    def event(self) -> Event:
        """The next event."""
        event = self.wait_for(lambda message: isinstance(message, Event))[-1]
        assert isinstance(event, Event)
        return event

    def close(self) -> None:
        self.stage.stop()
        assert self.stage.join(10)
        self._bell.close()
        self.subscriber.close()
        assert self.stage.error is None


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(f"ipc://{tmp_path}/pub.sock")
    yield scene
    scene.close()


def test_an_event_follows_the_vector_that_made_it_and_agrees_with_it(scene: Scene) -> None:
    scene.show(0.5, frame_seq=6)
    scene.show(0.8123456789, frame_seq=7)
    *_, vec, begin = scene.wait_for(lambda message: isinstance(message, Event))
    assert isinstance(vec, Vec)
    assert isinstance(begin, Event)
    assert (begin.phase, begin.ref, begin.s, begin.peak, begin.reason) == ("begin", "cat", 0.812346, 0.812346, None)
    for same in ("run", "node", "camera", "region", "frame_seq", "t_cap_us", "t_wall_us", "space_id"):
        assert getattr(begin, same) == getattr(vec, same)
    assert begin.t_begin_us == begin.t_wall_us
    scene.show(0.9)
    scene.show(0.1)
    end = scene.event()
    assert (end.phase, end.reason, end.s, end.peak) == ("end", "left", 0.1, 0.9)
    assert (end.event_id, end.seq) == (begin.event_id, begin.seq + 1)
    assert end.t_wall_us - end.t_begin_us == end.t_cap_us - begin.t_cap_us


def test_scores_that_are_not_published_make_events_too(scene: Scene) -> None:
    scene.show(0.9, told=0)
    *_, vec, begin = scene.wait_for(lambda message: isinstance(message, Event))
    assert isinstance(vec, Vec)
    assert isinstance(begin, Event)
    assert (vec.sims, vec.refs, begin.ref, begin.s) == ((), 2, "cat", 0.9)


@pytest.mark.parametrize("state", [CameraState.LOST, CameraState.FROZEN])
def test_a_camera_that_is_lost_ends_its_events_and_late_results_begin_no_other(
    scene: Scene, state: CameraState
) -> None:
    scene.show(0.9, "street")
    scene.show(0.9, "yard")
    assert {scene.event().camera, scene.event().camera} == {"street", "yard"}
    before = time.monotonic_ns()
    scene.all_stats["street"].turn(state, "the cable was pulled")
    end, status = scene.wait_for(lambda message: isinstance(message, Status) and message.state == state)[-2:]
    assert isinstance(end, Event)
    assert (end.camera, end.phase, end.reason) == ("street", "end", "camera-lost")
    assert isinstance(status, Status)
    scene.show(0.9, frame_seq=8, captured_ns=before)
    scene.show(0.9, frame_seq=9)
    again = scene.event()
    assert (again.phase, again.frame_seq) == ("begin", 9)


def test_a_camera_that_stops_ends_its_events_when_its_last_results_are_through(scene: Scene) -> None:
    scene.show(0.9)
    assert scene.event().phase == "begin"
    scene.all_stats["street"].turn(CameraState.STOPPED, "the clip is over")
    end = scene.event()
    assert (end.phase, end.reason) == ("end", "stopped")


def test_open_events_are_ended_before_the_last_status_of_a_stop(scene: Scene) -> None:
    scene.show(0.9)
    assert scene.event().phase == "begin"
    scene.stage.stop()
    heard = scene.wait_for(lambda message: isinstance(message, Status) and message.bye)
    (end,) = [message for message in heard if isinstance(message, Event)]
    assert (end.phase, end.reason) == ("end", "stopped")


def test_new_rules_take_effect_while_it_runs(scene: Scene) -> None:
    scene.show(0.9)
    assert scene.event().ref == "cat"
    scene.stage.use_rules(EventRules([EventRule("dog", Thresholds(0.4, 0.3))], PLACES))
    end = scene.event()
    assert (end.ref, end.reason) == ("cat", "reference-removed")
    scene.show(0.9)
    begin = scene.event()
    assert (begin.ref, begin.phase) == ("dog", "begin")
    scene.stage.use_rules(EventRules([EventRule("dog", Thresholds(0.4, 0.3))], [("yard", "full")]))
    assert (scene.event().reason) == "stopped"


def test_a_camera_that_is_taken_out_ends_its_events_before_its_last_status(scene: Scene) -> None:
    scene.show(0.9)
    assert scene.event().phase == "begin"
    scene.stage.use_cameras([scene.all_stats["yard"]]).result(20)
    heard = scene.wait_for(lambda message: isinstance(message, Status) and message.bye)
    (end,) = [message for message in heard if isinstance(message, Event)]
    assert (end.camera, end.phase, end.reason) == ("street", "end", "stopped")


def test_rules_one_after_the_other_end_the_events_of_a_reference_with_other_pictures(scene: Scene) -> None:
    scene.show(0.9)
    before = scene.event()
    scene.stage.use_rules(EventRules([], PLACES))
    scene.stage.use_rules(RULES)
    assert scene.event().reason == "reference-removed"
    scene.show(0.9)
    assert scene.event().event_id != before.event_id


def test_a_subscriber_that_comes_while_an_event_is_open_gets_an_update(scene: Scene, tmp_path: Path) -> None:
    scene.show(0.9)
    begin = scene.event()
    with Subscriber(f"ipc://{tmp_path}/pub.sock", kinds="event") as late:
        deadline = time.monotonic() + 20
        while (update := late.receive(0.1)) is None:
            assert time.monotonic() < deadline
            scene.show(0.9)
    assert isinstance(update, Event)
    assert (update.phase, update.event_id) == ("update", begin.event_id)
    assert update.t_cap_us - begin.t_cap_us < 8_000_000  # the regular one would come after ten seconds
