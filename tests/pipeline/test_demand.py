"""Demand: one stage writes it, another follows it, and each reads it without waiting."""

from __future__ import annotations

import itertools
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from edged.bell import Bell
from edged.pipeline.camera_stats import CameraState, CameraStats
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.capture.stage import Capture
from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.inference.feed import Feed
from edged.pipeline.inference.observer import Observation
from edged.pipeline.inference.stage import Inference, Opened
from edged.pipeline.ring import FrameRing
from edged.references import References
from edged.regions import FULL
from edged.vision.embedder import Embedder
from edged.vision.tflite.model_file import read_model
from tests.fakes import FakeSource, eventually, running

FRAMES = itertools.repeat("frame")


def test_a_camera_that_is_not_on_demand_is_always_wanted_whole() -> None:
    demand = Demand()
    assert demand.is_watched("street")
    assert demand.is_wanted("street", "path")


def test_of_a_camera_on_demand_only_wanted_regions_are_embedded() -> None:
    demand = Demand()
    demand.serve({"street": ["path", "door"]})
    assert not demand.is_watched("street")
    demand.set_wanted(frozenset({("street", "door"), ("yard", "path")}))
    assert demand.is_watched("street")
    assert [demand.is_wanted("street", region) for region in ("path", "door")] == [False, True]
    demand.set_wanted(frozenset())
    assert not demand.is_watched("street")


def test_while_there_is_an_observer_every_region_is_wanted() -> None:
    demand = Demand()
    demand.serve({"street": ["path"]})
    demand.count_observers(1)
    demand.count_observers(1)
    demand.count_observers(-1)
    assert demand.is_watched("street")
    assert demand.is_wanted("street", "path")
    demand.count_observers(-1)
    assert not demand.is_watched("street")


def test_an_observed_region_is_wanted_alone_and_observed_frames_are_only_decoded() -> None:
    demand = Demand()
    demand.serve({"street": ["path", "door"], "yard": ["full"]})
    demand.observe("street", "door", 1)
    demand.observe("yard", None, 1)
    assert (demand.is_watched("street"), demand.is_watched("yard")) == (True, True)
    wanted = [demand.is_wanted(*place) for place in (("street", "path"), ("street", "door"), ("yard", "full"))]
    assert wanted == [False, True, False]
    demand.observe("street", "door", -1)
    demand.observe("yard", None, -1)
    assert (demand.is_watched("street"), demand.is_watched("yard")) == (False, False)


def test_the_next_frame_of_each_camera_is_due_by_the_requests_for_its_own_frames() -> None:
    demand = Demand()
    assert demand.due_ns("street") == 0
    for camera, turn in (("street", 100), ("yard", 7)):
        for number in range(3):
            demand.note_request(camera, turn * number, in_vain=False)
    assert (demand.due_ns("street"), demand.due_ns("yard")) == (300, 21)
    demand.note_request("yard", 30, in_vain=True)
    assert (demand.due_ns("street"), demand.due_ns("yard")) == (300, 0)
    demand.serve({})
    assert demand.due_ns("street") == 0


def inference_on_demand(cases: Path, demand: Demand, ring: FrameRing, frames_came: threading.Condition) -> Inference:
    model = read_model(cases / "small96_uint8_meta.tflite")
    feed = Feed("cam", ring, CameraStats("cam"), (("full", FULL),), 0, False, on_demand=True)
    return Inference([feed], frames_came, lambda _: Opened(Embedder(model), References()), Handover(4, Bell()), demand)


def test_an_inference_that_ends_leaves_no_demand_of_its_observers(cases: Path) -> None:
    demand, frames_came = Demand(), threading.Condition()
    stage = inference_on_demand(cases, demand, FrameRing(frames_came), frames_came)

    def never_enough(_: Observation) -> bool:
        return False

    with running(stage):
        stage.add_observer(never_enough).result(10)
        assert demand.is_watched("cam")
    stage.remove_observer(never_enough)
    assert not demand.is_watched("cam")


def test_an_inference_without_feeds_changes_nothing_for_the_one_that_works(cases: Path) -> None:
    demand, frames_came = Demand(), threading.Condition()
    model = read_model(cases / "small96_uint8_meta.tflite")
    working = inference_on_demand(cases, demand, FrameRing(frames_came), frames_came)
    waiting = Inference([], frames_came, lambda _: Opened(Embedder(model), References()), Handover(4, Bell()), demand)
    with running(working), running(waiting):
        assert not demand.is_watched("cam")


def test_a_capture_decodes_nothing_while_no_region_is_wanted_and_goes_on_at_once() -> None:
    source, stats, demand = FakeSource(FRAMES), CameraStats("cam"), Demand()
    source.pace = 0.001
    ring = FrameRing(threading.Condition())
    with ExitStack() as stack:
        stack.enter_context(running(Capture(source, ring, stats, CaptureSettings(), demand)))
        eventually(lambda: stats.condition.state is CameraState.RUNNING, "it runs")
        demand.serve({"cam": ["full"]})
        captured = stats.captured
        eventually(lambda: stats.captured > captured + 2, "the frame that was being decoded is through")
        decoded, captured = source.decoded, stats.captured
        eventually(lambda: stats.captured > captured + 20, "frames come")
        assert source.decoded == decoded
        demand.set_wanted(frozenset({("cam", "full")}))
        eventually(lambda: source.decoded > decoded, "a frame is decoded")
        source.released.set()


def test_a_capture_replaces_a_frame_that_lies_ready_though_none_is_due() -> None:
    source, demand = FakeSource(["open", *["frame"] * 30]), Demand()
    ring, stats = FrameRing(threading.Condition()), CameraStats("cam")
    hour = 3_600_000_000_000
    for number in range(2):  # the next frame is due in an hour
        demand.note_request("cam", time.monotonic_ns() + (number - 1) * hour, in_vain=False)
    stage = Capture(source, ring, stats, CaptureSettings(), demand)
    stage.open()
    for _ in range(31):
        stage.step()
    assert source.decoded == 30
    lease = ring.take_frame()
    assert lease is not None
    assert lease.seq == 29
    stage.close()
