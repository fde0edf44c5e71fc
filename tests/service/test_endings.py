"""The end of a daemon: in order, in time, and with the error that caused it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import zmq

from edged.bell import Bell
from edged.config import Endpoint, load_text
from edged.errors import ModelError, PublishError
from edged.pipeline.build import Camera, build
from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.capture.left_behind import LeftBehind
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.capture.supervisor import CaptureSupervisor
from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.inference.feed import Feed
from edged.pipeline.inference.stage import Inference, Opened
from edged.pipeline.publisher.settings import PublisherSettings
from edged.pipeline.publisher.stage import Publisher
from edged.pipeline.ring import FrameRing
from edged.references import References
from edged.regions import FULL
from edged.service.daemon import Daemon
from edged.service.running_stages import RunningStages
from edged.values import Format
from edged.vision.embedder import Embedder
from edged.vision.tflite.model_file import read_model
from tests.fakes import FakeSource, eventually
from tests.stopwatch import stopwatch

pytestmark = pytest.mark.timed


class Rig:
    """A daemon on a fake camera, with a small model that may be told to misbehave."""

    def __init__(self, cases: Path, address: str, script: Iterable[str | Format]) -> None:
        self.source = FakeSource(script)
        self.source.pace = 0.01
        self.fault: Exception | None = None
        self.stuck = threading.Event()
        self.unstick = threading.Event()
        model = read_model(cases / "small96_uint8_meta.tflite")
        rig = self

        class Faulty(Embedder):
            def invoke(self) -> None:
                if rig.stuck.is_set():
                    rig.unstick.wait()
                if rig.fault:
                    raise rig.fault
                super().invoke()

        frames, bell = threading.Condition(), Bell()
        self.stats = CameraStats("cam", bell.ring)
        ring, handover, demand = FrameRing(frames), Handover(8, bell), Demand()
        endpoint = Endpoint.parse(f"pub+bind:{address}", Path("/"))
        feed = Feed("cam", ring, self.stats, (("full", FULL),), 0, False)
        config = load_text("model: {name: efficientnet-lite0-int8}\ncameras: {cam: {source: 'pattern:'}}", "e.yaml")
        capture = CaptureSupervisor(lambda: self.source, ring, self.stats, CaptureSettings(), demand, LeftBehind())
        pipeline = replace(
            build(config),
            cameras={"cam": Camera(capture, feed, self.stats)},
            inference=Inference([feed], frames, lambda go_on: Opened(Faulty(model), References([])), handover, demand),
            publisher=Publisher(
                PublisherSettings("node", [endpoint], 30, "", 256), handover, bell, [self.stats], demand
            ),
        )
        self.daemon = Daemon(RunningStages(pipeline))
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.daemon.run()
        except (UnexpectedError, ModelError, PublishError) as error:
            self.error = error

    def start(self) -> None:
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


class UnexpectedError(Exception):
    """What nobody expected."""


def frames() -> Iterable[str]:
    yield "open"
    while True:
        yield "frame"


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"ipc://{tmp_path}/pub.sock"


def test_the_end_of_every_camera_is_the_end_of_the_daemon(cases: Path, address: str) -> None:
    rig = Rig(cases, address, ["open", *["frame"] * 20])
    rig.start()
    assert rig.wait(20)
    assert rig.error is None
    assert rig.stats.published > 0
    assert rig.daemon.late == []


def test_a_stop_ends_it_in_order(cases: Path, address: str) -> None:
    rig = Rig(cases, address, frames())
    rig.start()
    eventually(lambda: rig.stats.published > 5, "messages")
    with stopwatch() as watch:
        rig.daemon.stop("asked to")
        rig.daemon.stop("asked again")
        assert rig.wait(4)
    assert watch.seconds < 2.0
    assert rig.error is None


def test_a_subscriber_that_does_not_read_does_not_keep_the_daemon_from_stopping(cases: Path, address: str) -> None:
    rig = Rig(cases, address, frames())
    with zmq.Context() as context, context.socket(zmq.SUB) as stalled:
        stalled.set(zmq.RCVHWM, 1)
        stalled.subscribe(b"")
        stalled.connect(address)
        rig.start()
        eventually(lambda: rig.stats.published > 300, "more messages than fit in between")
        with stopwatch() as watch:
            rig.daemon.stop("asked to")
            assert rig.wait(4)
        assert watch.seconds < 2.0
    assert rig.daemon.late == []


def test_a_bug_in_a_stage_stops_the_others_and_is_raised(cases: Path, address: str) -> None:
    rig = Rig(cases, address, frames())
    rig.start()
    eventually(lambda: rig.stats.published > 0, "a message")
    rig.fault = UnexpectedError("a bug")
    assert rig.wait(5)
    assert rig.error is rig.fault
    assert rig.daemon.late == []


def test_a_capture_that_hangs_in_its_driver_does_not_keep_the_daemon_from_stopping(cases: Path, address: str) -> None:
    rig = Rig(cases, address, ["open", *["frame"] * 5, "hang"])
    rig.start()
    assert rig.source.hanging.wait(20)  # not a number of messages: a busy machine drops frames
    with stopwatch() as watch:
        rig.daemon.stop("asked to")
        assert rig.wait(4)
    assert 1.8 <= watch.seconds < 2.5  # it is called late only when its time is over
    assert rig.daemon.late == ["capture cam"]
    assert (rig.stats.condition.state, rig.stats.condition.reason) == ("stopped", "the daemon is stopping")
    rig.source.released.set()


def test_a_capture_that_needs_most_of_the_time_to_stop_is_not_late(cases: Path, address: str) -> None:
    rig = Rig(cases, address, ["open", *["frame"] * 5, "hang"])
    rig.start()
    assert rig.source.hanging.wait(20)
    threading.Timer(1.0, rig.source.released.set).start()
    rig.daemon.stop("asked to")
    assert rig.wait(4)
    assert rig.daemon.late == []


def test_an_inference_that_hangs_does_not_keep_the_daemon_from_stopping(cases: Path, address: str) -> None:
    rig = Rig(cases, address, frames())
    rig.start()
    eventually(lambda: rig.stats.published > 0, "a message")
    rig.stuck.set()
    published = -1
    while published != rig.stats.published:
        published = rig.stats.published
        rig.stuck.wait(0.1)
        threading.Event().wait(0.1)
    with stopwatch() as watch:
        rig.daemon.stop("asked to")
        assert rig.wait(4)
    assert watch.seconds < 2.5
    assert rig.daemon.late == ["inference"]
    rig.unstick.set()


def test_an_endpoint_that_cannot_be_bound_ends_the_start(cases: Path, tmp_path: Path) -> None:
    rig = Rig(cases, f"ipc://{tmp_path}/no/such/folder/pub.sock", frames())
    rig.start()
    assert rig.wait(10)
    assert isinstance(rig.error, PublishError)
    assert rig.source.events == []
