"""Regions that nobody needs: they are not embedded, and their frames are not even decoded."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import zmq

from edged import wire
from edged.bell import Bell
from edged.config import Endpoint
from edged.events import EventRule, EventRules, Thresholds
from edged.pipeline.camera_stats import CameraState, CameraStats
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.capture.stage import Capture
from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.inference.feed import Feed
from edged.pipeline.inference.observer import Observation
from edged.pipeline.inference.stage import Inference, Opened
from edged.pipeline.publisher.on_demand import wanted_places
from edged.pipeline.publisher.settings import PublisherSettings
from edged.pipeline.publisher.stage import Publisher
from edged.pipeline.ring import FrameRing
from edged.references import References
from edged.regions import Region
from edged.states import StateSet
from edged.vision.embedder import Embedder
from edged.vision.tflite.model_file import read_model
from tests.fakes import FakeSource, eventually
from tests.pipeline.placing import placed

PLACES = [("cam", "left"), ("cam", "right"), ("cam10", "left")]
RULE = EventRule("person", Thresholds(0.9, 0.8), ("cam/right",))


@pytest.mark.parametrize(
    ("prefix", "wanted"),
    [
        (b"", PLACES),
        (b"edged/1/vec/", PLACES),
        (b"edged/1/vec/node/cam/", PLACES[:2]),
        (b"edged/1/vec/node/cam", PLACES),
        (b"edged/1/vec/node/cam/left/", PLACES[:1]),
        (b"edged/1/vec/node/cam/left/more", []),
        (b"edged/1/vec/other/", []),
        (b"edged/1/status/", []),
        (b"edged/1/event/", []),
    ],
)
def test_a_region_is_wanted_if_its_vectors_have_a_subscriber(prefix: bytes, wanted: list[tuple[str, str]]) -> None:
    assert wanted_places("node", EventRules([], PLACES), (), {b"edged/1/status/", prefix}) == set(wanted)


def test_a_region_is_wanted_where_a_reference_makes_events() -> None:
    assert wanted_places("node", EventRules([RULE], PLACES), (), []) == {("cam", "right")}


def test_a_region_is_wanted_where_a_set_of_states_decides() -> None:
    door = StateSet(name="door", states=("open", "shut"), references={"open": "a", "shut": "b"})
    rules = EventRules([], PLACES)
    assert wanted_places("node", rules, [placed(door, ("cam/left",))], []) == {("cam", "left")}
    assert wanted_places("node", rules, [placed(replace(door, references={}), ("cam",))], []) == set()


class Rig:
    """A camera of two regions, from a capture to a publisher. Its model is real, and so are its subscribers."""

    def __init__(self, cases: Path, address: str) -> None:
        model = read_model(cases / "small96_uint8_meta.tflite")
        self.bell = Bell()
        self.source = FakeSource(itertools.repeat("frame"))
        self.source.pace = 0.002
        self.stats = CameraStats("cam", self.bell.ring)
        frames = threading.Condition()
        handover, demand = Handover(16, self.bell), Demand()
        ring = FrameRing(frames)
        regions = (("left", Region(right=0.5)), ("right", Region(left=0.5)))
        feed = Feed("cam", ring, self.stats, regions, 0, wait_for_publisher=False, on_demand=True)
        settings = PublisherSettings("node", [Endpoint.parse(f"pub+bind:{address}", Path("/"))], 100.0, "cafe", 256)
        self.address = address
        self.publisher = Publisher(settings, handover, self.bell, [self.stats], demand, EventRules([], PLACES))
        self.inference = Inference([feed], frames, lambda _: Opened(Embedder(model), References()), handover, demand)
        self.capture = Capture(self.source, ring, self.stats, CaptureSettings(), demand)

    def rests(self) -> None:
        """Wait until frames come and none of them is decoded, nor anything published."""
        eventually(lambda: self.stats.condition.state is CameraState.RUNNING, "it runs")
        figures = (0, 0)

        def is_still() -> bool:
            nonlocal figures
            captured, before = self.stats.captured, figures
            eventually(lambda: self.stats.captured > captured + 20, "frames come")
            figures = (self.source.decoded, self.stats.published)
            return figures == before

        eventually(is_still, "it rests")


@contextmanager
def running(cases: Path, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(cases, f"ipc://{tmp_path}/pub.sock")
    stages = (rig.publisher, rig.inference, rig.capture)
    try:
        for stage in stages:
            stage.start(lambda: None)
            assert stage.wait_open(20)
        yield rig
    finally:
        rig.source.released.set()
        for stage in reversed(stages):
            stage.stop()
            assert stage.join(10)
            assert stage.error is None
        rig.bell.close()


@contextmanager
def listening(rig: Rig, topic: bytes) -> Iterator[zmq.Socket[bytes]]:
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.set(zmq.RCVTIMEO, 20_000)
        socket.set(zmq.LINGER, 0)
        socket.subscribe(topic)
        socket.connect(rig.address)
        yield socket


def regions(socket: zmq.Socket[bytes], count: int) -> set[str]:
    messages = [wire.decode(socket.recv_multipart()) for _ in range(count)]
    return {message.region for message in messages if isinstance(message, wire.Vec)}


def test_only_regions_with_a_subscriber_are_decoded_and_embedded(cases: Path, tmp_path: Path) -> None:
    with running(cases, tmp_path) as rig:
        rig.rests()
        assert rig.source.decoded >= 1  # the first, which shows that the camera is well
        with listening(rig, b"edged/1/status/") as socket:
            assert wire.decode(socket.recv_multipart()).kind == "status"
            rig.rests()
        with listening(rig, b"edged/1/vec/node/cam/left/") as socket:
            assert regions(socket, 20) == {"left"}
            with listening(rig, b"edged/1/vec/") as other:
                assert regions(other, 20) == {"left", "right"}
        rig.rests()
        assert rig.stats.dropped()["publish"] == 0


def test_the_first_frame_after_a_subscription_is_embedded(cases: Path, tmp_path: Path) -> None:
    with running(cases, tmp_path) as rig:
        rig.rests()
        begin = time.monotonic_ns() // 1000
        with listening(rig, b"edged/1/vec/") as socket:
            first = wire.decode(socket.recv_multipart())
        assert isinstance(first, wire.Vec)
        assert first.t_cap_us >= begin  # not one that lay there


def test_a_region_whose_reference_makes_events_is_embedded_without_a_subscriber(cases: Path, tmp_path: Path) -> None:
    with running(cases, tmp_path) as rig:
        rig.rests()
        before = rig.stats.published
        rig.publisher.use_rules(EventRules([RULE], PLACES))
        eventually(lambda: rig.stats.published > before + 5, "the region of the rule is embedded")
        rig.publisher.use_rules(EventRules([], PLACES))
        rig.rests()


def test_an_observer_sees_frames_without_a_subscriber(cases: Path, tmp_path: Path) -> None:
    seen: list[str] = []

    def observer(observation: Observation) -> bool:
        seen.append(observation.region)
        return len(seen) == 4

    with running(cases, tmp_path) as rig:
        rig.rests()
        rig.inference.add_observer(observer)
        eventually(lambda: len(seen) == 4, "it sees")
        rig.rests()
    assert seen == ["left", "right"] * 2
