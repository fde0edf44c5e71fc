"""The inference worker, with a real (small) model: its results, its turns, and its endings."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.bell import Bell
from edged.errors import ModelError, RingClosed
from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.inference.feed import Feed
from edged.pipeline.inference.observer import Observation
from edged.pipeline.inference.stage import Inference, Opened
from edged.pipeline.result import Result
from edged.pipeline.ring import FrameRing
from edged.references import ReferenceGroup, References
from edged.references.scorer import Scorer
from edged.regions import FULL, Box, Region
from edged.states import StateSet
from edged.values import Format, PixelFormat, Stamp
from edged.vision.embedder import Embedder, EmbedderOptions
from edged.vision.tflite.model_file import read_model
from tests.fakes import Clock, eventually, running
from tests.pipeline.placing import placed
from tests.stopwatch import stopwatch

FORMAT = Format(width=120, height=80)
LEFT, RIGHT = Region(right=0.5), Region(left=0.5)


def picture(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, FORMAT.shape, np.uint8)


class Rig:
    """A worker of two cameras; the test plays the captures and the publisher."""

    def __init__(self, cases: Path, *, block: bool = False, capacity: int = 64) -> None:
        self.model = read_model(cases / "small96_uint8_meta.tflite")
        self.bell = Bell()
        self.handover = Handover(capacity, self.bell)
        self.demand = Demand()
        self.frames = frames = threading.Condition()
        self.feeds = [
            Feed("one", FrameRing(frames), CameraStats("one"), (("left", LEFT), ("right", RIGHT)), 90, block),
            Feed("two", FrameRing(frames), CameraStats("two"), (("full", FULL),), 0, block),
        ]
        for feed in self.feeds:
            feed.ring.allocate(FORMAT)
        self.references: list[ReferenceGroup] = []
        self.stage = Inference(self.feeds, frames, self.open_model, self.handover, self.demand)

    def open_model(self, go_on: Callable[[], None]) -> Opened:
        return Opened(Embedder(self.model), References(self.references))

    def deliver(self, camera: int, seq: int, pixels: NDArray[np.uint8]) -> None:
        ring = self.feeds[camera].ring
        ring.slot()[...] = pixels
        ring.commit(seq, Stamp(time.monotonic_ns(), "driver"))

    def results(self, count: int) -> list[Result]:
        got: list[Result] = []

        def get() -> bool:
            result = self.handover.get()
            if result is not None:
                got.append(result)
            return len(got) >= count

        eventually(get, f"{count} results")
        return got


@contextmanager
def started(rig: Rig) -> Iterator[Rig]:
    with closing(rig.bell), running(rig.stage):
        yield rig


def test_each_region_of_a_frame_is_embedded_and_compared(cases: Path) -> None:
    rig = Rig(cases)
    pixels = picture(1)
    with Embedder(rig.model) as embedder:
        expected = {}
        for name, region in rig.feeds[0].regions:
            expected[name] = np.zeros(embedder.dimension, np.float32)
            embedder.embed(pixels, PixelFormat.BGR, region.to_box(120, 80), 90, expected[name])
    rig.references = [
        ReferenceGroup.single("like-left", [expected["left"]]),
        ReferenceGroup.single("only-right", [expected["right"]], ("one/right",)),
        ReferenceGroup.single("elsewhere", [expected["right"]], ("two",)),
    ]
    with started(rig):
        rig.deliver(0, 5, pixels)
        left, right = rig.results(2)
    assert [(result.region, result.roi, result.rotation) for result in (left, right)] == [
        ("left", LEFT, 90),
        ("right", RIGHT, 90),
    ]
    assert {result.frame_seq for result in (left, right)} == {5}
    for result in (left, right):
        assert np.array_equal(result.vector, expected[result.region])
    assert [match.reference for match in left.matches] == ["like-left"]
    assert left.matches[0].similarity == pytest.approx(1.0)
    assert [match.reference for match in right.matches] == ["only-right", "like-left"]
    assert (left.compared, right.compared) == (1, 2)


def test_sets_of_states_answer_for_their_places_from_the_next_frame_on(cases: Path) -> None:
    rig = Rig(cases)
    pixels = picture(1)
    with Embedder(rig.model) as embedder:
        vector = np.zeros(embedder.dimension, np.float32)
        embedder.embed(pixels, PixelFormat.BGR, RIGHT.to_box(120, 80), 90, vector)
    rig.references = [ReferenceGroup.single("like", [vector]), ReferenceGroup.single("unlike", [-vector])]
    grouped = StateSet(name="bay", states=("busy", "free"), references={"busy": "like", "free": "unlike"})
    there = placed(grouped, ("one/right",))
    with started(rig):
        rig.deliver(0, 1, pixels)
        assert [result.states for result in rig.results(2)] == [(), ()]
        rig.stage.use(top_k=1, sets=[there]).result(20)
        assert rig.stage.sets == (there,)
        assert rig.handover.sets == (there,)
        rig.deliver(0, 2, pixels)
        left, right = rig.results(2)
    assert left.states == ()
    (answer,) = right.states
    assert (answer.set, answer.state, answer.novelty) == ("bay", "busy", None)
    assert [match.reference for match in right.matches] == ["like", "unlike"]  # the second for the set only
    assert (right.top_k, [match.reference for match in left.matches]) == (1, ["like"])


def test_the_times_of_a_result_are_those_of_its_frame(cases: Path) -> None:
    rig = Rig(cases)
    with started(rig):
        rig.deliver(0, 0, picture(1))
        results = rig.results(2)
    for result in results:
        for nanoseconds in (result.wait_ns, result.preprocess_ns, result.infer_ns, result.compare_ns):
            assert 0 < nanoseconds < 20e9


def test_each_part_of_a_turn_has_its_own_time_and_the_decoding_that_of_the_frame(
    cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, rig = Clock(), Rig(cases)
    monkeypatch.setattr("edged.pipeline.inference.turns.time", clock)
    for owner, name, seconds in ((Embedder, "load", 2), (Embedder, "invoke", 30), (Scorer, "matches", 400)):
        call = getattr(owner, name)

        def passing(*arguments: Any, call: Any = call, seconds: int = seconds) -> Any:
            clock.advance(seconds)
            return call(*arguments)

        monkeypatch.setattr(owner, name, passing)
    rig.stage.open()
    rig.feeds[1].ring.slot()[...] = picture(1)
    rig.feeds[1].ring.commit(5, Stamp(clock.monotonic_ns(), "driver"), 7_000)
    clock.advance(0.5)
    rig.stage.step()
    result = rig.handover.get()
    rig.stage.close()
    rig.bell.close()
    assert result is not None
    assert (result.frame_seq, result.decode_ns, result.wait_ns) == (5, 7_000, 500_000_000)
    assert (result.preprocess_ns, result.infer_ns, result.compare_ns) == (2 * 10**9, 30 * 10**9, 400 * 10**9)


def test_a_frame_that_the_camera_has_cropped_is_embedded_whole_and_published_as_its_region(cases: Path) -> None:
    rig = Rig(cases)
    rig.feeds[0] = replace(rig.feeds[0], regions=(("left", LEFT),), is_cropped=True)
    rig.stage = Inference(rig.feeds, rig.frames, rig.open_model, rig.handover, rig.demand)
    pixels = picture(1)
    with Embedder(rig.model) as embedder:
        expected = np.zeros(embedder.dimension, np.float32)
        embedder.embed(pixels, PixelFormat.BGR, FULL.to_box(120, 80), 90, expected)
    with started(rig):
        rig.deliver(0, 1, pixels)
        (result,) = rig.results(1)
    assert (result.region, result.roi) == ("left", LEFT)
    assert np.array_equal(result.vector, expected)


def test_of_several_pictures_of_a_reference_the_best_counts(cases: Path) -> None:
    rig = Rig(cases)
    with Embedder(rig.model) as embedder:
        vectors = []
        for seed in (1, 2, 3):
            vectors.append(np.zeros(embedder.dimension, np.float32))
            embedder.embed(picture(seed), PixelFormat.BGR, FULL.to_box(120, 80), 0, vectors[-1])
    rig.references = [ReferenceGroup.single("many", vectors), ReferenceGroup.single("one", vectors[:1])]
    with started(rig):
        rig.deliver(1, 0, picture(3))
        [result] = rig.results(1)
    scores = {match.reference: match.similarity for match in result.matches}
    assert scores["many"] == pytest.approx(1.0)
    assert scores["one"] < 1.0


def test_results_that_cannot_be_handed_over_are_dropped_and_counted(cases: Path) -> None:
    with started(Rig(cases, capacity=2)) as rig:
        rig.deliver(0, 0, picture(0))
        eventually(lambda: len(rig.handover._results) == 2, "two results")
        rig.deliver(0, 1, picture(1))
        eventually(lambda: rig.feeds[0].stats.dropped_publish == 2, "two drops")


def test_under_the_policy_block_it_waits_for_the_publisher_instead(cases: Path) -> None:
    with started(Rig(cases, capacity=2, block=True)) as rig:
        rig.deliver(0, 0, picture(0))
        eventually(lambda: len(rig.handover._results) == 2, "two results")
        rig.deliver(0, 1, picture(1))
        seen = []
        for _ in range(4):
            [result] = rig.results(1)
            seen.append((result.frame_seq, result.region))
            rig.handover.give_back(result.vector)
    assert seen == [(0, "left"), (0, "right"), (1, "left"), (1, "right")]
    assert rig.feeds[0].stats.dropped_publish == 0


def test_when_every_camera_has_stopped_it_ends_after_the_last_frame(cases: Path) -> None:
    rig = Rig(cases)
    rig.deliver(1, 9, picture(0))
    for feed in rig.feeds:
        feed.ring.close()
    rig.stage.start(lambda: None)
    assert rig.stage.join(20)
    assert rig.stage.error is None
    assert rig.results(1)[0].frame_seq == 9
    with pytest.raises(RingClosed):
        rig.handover.get()


def test_one_camera_that_has_stopped_does_not_stop_the_other(cases: Path) -> None:
    with started(Rig(cases)) as rig:
        rig.feeds[0].ring.close()
        rig.deliver(1, 3, picture(0))
        assert rig.results(1)[0].camera == "two"


def test_it_is_stopped_while_it_waits_for_frames_and_while_it_waits_for_room(cases: Path) -> None:
    for block in (False, True):
        rig = Rig(cases, capacity=1, block=block)
        rig.stage.start(lambda: None)
        assert rig.stage.wait_open(20)
        if block:
            rig.deliver(0, 0, picture(0))
            eventually(lambda: len(rig.handover._results) == 1, "a result")  # noqa: B023 - called at once
        with stopwatch() as watch:
            rig.stage.stop()
            assert rig.stage.join(10)
        assert watch.seconds < 2


def test_a_model_that_cannot_be_opened_fails_the_start_and_closes_the_rings(cases: Path) -> None:
    rig = Rig(cases)

    def refuse(go_on: Callable[[], None]) -> Opened:
        raise ModelError("no good")

    rig.stage._open_model = refuse
    rig.stage.start(lambda: None)
    assert rig.stage.wait_open(10)
    assert rig.stage.join(10)
    assert isinstance(rig.stage.error, ModelError)
    with pytest.raises(RingClosed):
        rig.feeds[0].ring.slot()


def test_a_stop_ends_a_long_opening_between_two_of_its_parts(cases: Path) -> None:
    rig = Rig(cases)
    embedding = threading.Event()

    def open_for_ever(go_on: Callable[[], None]) -> Opened:
        while True:
            go_on()
            embedding.set()

    rig.stage._open_model = open_for_ever
    rig.stage.start(lambda: None)
    assert embedding.wait(10)
    rig.stage.stop()
    assert rig.stage.join(2)
    assert rig.stage.error is None


def test_it_makes_no_large_array_for_a_frame(cases: Path) -> None:
    import tracemalloc

    with started(Rig(cases)) as rig:
        for seq in range(5):
            rig.deliver(1, seq, picture(0))
            rig.handover.give_back(rig.results(1)[0].vector)
        pixels = picture(1)
        tracemalloc.start()
        try:
            for seq in range(50):
                rig.deliver(1, seq, pixels)
                rig.handover.give_back(rig.results(1)[0].vector)
            snapshot = tracemalloc.take_snapshot()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    own = [trace for trace in snapshot.traces if "/edged/" in trace.traceback[0].filename]
    assert max((trace.size for trace in own), default=0) < 4096
    assert peak < 200_000


def test_a_call_gets_the_embedder_between_two_frames(cases: Path) -> None:
    with started(Rig(cases)) as rig:
        answers = [rig.stage.submit(lambda embedder: embedder.dimension) for _ in range(3)]
        with stopwatch() as watch:
            assert {answer.result(10) for answer in answers} == {
                rig.stage.submit(lambda embedder: embedder.dimension).result(10)
            }
        assert watch.seconds < 2  # it need not wait for frames, of which there are none
    assert rig.stage.submit(lambda embedder: embedder.dimension).cancelled()


def test_a_hundred_pictures_are_embedded_while_frames_go_on(cases: Path) -> None:
    with started(Rig(cases)) as rig:
        held = threading.Event()
        rig.stage.submit(lambda _: held.wait(10))
        done: list[int] = []
        for number in range(100):
            rig.stage.submit(lambda _, number=number: done.append(number))  # type: ignore[misc]  # what a lambda is taken for
        rig.deliver(1, 7, picture(0))
        held.set()
        [result] = rig.results(1)
        assert result.frame_seq == 7
        eventually(lambda: len(done) == 100, "all work")


def test_references_are_changed_between_two_frames_by_where_they_come_from(cases: Path) -> None:
    with Embedder(read_model(cases / "small96_uint8_meta.tflite")) as embedder:
        vector = np.ones(embedder.dimension, np.float32)
    first, second, learnt = (ReferenceGroup.single(name, [vector]) for name in ("first", "second", "learnt"))
    rig = Rig(cases)
    rig.references = [first]
    with started(rig):
        seen = []
        for seq, change in enumerate(
            ({}, {"enrolled": [learnt]}, {"configured": [second]}, {"configured": [], "enrolled": []})
        ):
            rig.stage.use(**change).result(10)  # type: ignore[arg-type]  # each key has its own kind of value
            rig.deliver(1, seq, picture(seq))
            seen.append({match.reference for match in rig.results(1)[0].matches})
    assert seen == [{"first"}, {"first", "learnt"}, {"second", "learnt"}, set()]


def test_regions_and_rotation_are_changed_between_two_frames(cases: Path) -> None:
    with started(Rig(cases)) as rig:
        rig.deliver(0, 0, picture(0))
        before = [(result.region, result.roi, result.rotation) for result in rig.results(2)]
        rig.stage.use(feeds=[replace(rig.feeds[0], regions=(("new", RIGHT),), rotation=180), rig.feeds[1]]).result(10)
        rig.deliver(0, 1, picture(0))
        rig.deliver(1, 2, picture(0))
        after = {(result.camera, result.region, result.roi, result.rotation) for result in rig.results(2)}
    assert before == [("left", LEFT, 90), ("right", RIGHT, 90)]
    assert after == {("one", "new", RIGHT, 180), ("two", "full", FULL, 0)}


def test_another_model_takes_over_and_no_ring_is_closed(cases: Path) -> None:
    rig = Rig(cases)
    options = EmbedderOptions(quantize=True)
    other = Inference(
        [], rig.frames, lambda _: Opened(Embedder(rig.model, options), References()), rig.handover, rig.demand
    )
    with started(rig):
        rig.deliver(1, 1, picture(0))
        [last] = rig.results(1)
        other.start(lambda: None)
        assert other.wait_open(20)
        assert rig.handover.facts == last.facts  # it waits
        rig.stage.use(feeds=[]).result(10)
        other.use(feeds=rig.feeds).result(10)
        rig.stage.stop()
        assert rig.stage.join(10)
        rig.handover.give_back(last.vector)  # of the old model
        for seq in range(70):  # more than there is memory for at once
            rig.deliver(1, 2 + seq, picture(0))
            [result] = rig.results(1)
            assert result.vector.dtype == np.dtype(result.facts.dtype) != last.vector.dtype
            rig.handover.give_back(result.vector)
        other.stop()
        assert other.join(10)
    assert other.error is None


def test_an_observer_sees_each_embedded_region_until_it_has_seen_enough(cases: Path) -> None:
    rig = Rig(cases)
    seen: list[tuple[str, str, int, Box, NDArray[np.float32], NDArray[np.uint8]]] = []

    def look(observation: Observation) -> bool:
        vector = np.array(observation.vector, np.float32)
        seen.append(
            (
                observation.feed.camera,
                observation.region,
                observation.lease.seq,
                observation.box,
                vector,
                observation.lease.pixels.copy(),
            )
        )
        return len(seen) == 3

    with started(rig):
        rig.stage.add_observer(look).result(10)
        for seq in range(3):
            rig.deliver(0, seq, picture(seq))
            rig.results(2)
    assert [(camera, region, seq) for camera, region, seq, *_ in seen] == [
        ("one", "left", 0),
        ("one", "right", 0),
        ("one", "left", 1),
    ]
    assert seen[1][3] == RIGHT.to_box(120, 80)
    assert np.array_equal(seen[2][5], picture(1))
    with Embedder(rig.model) as embedder:
        expected = np.zeros(embedder.dimension, np.float32)
        embedder.embed(picture(0), PixelFormat.BGR, RIGHT.to_box(120, 80), 90, expected)
    assert np.array_equal(seen[1][4], expected)


def test_an_observer_that_is_removed_sees_nothing_more(cases: Path) -> None:
    rig = Rig(cases)
    seen: list[Observation] = []

    def look(observation: Observation) -> bool:
        seen.append(observation)
        return False

    with started(rig):
        rig.stage.add_observer(look).result(10)
        rig.stage.remove_observer(look).result(10)
        rig.stage.remove_observer(look).result(10)
        rig.deliver(1, 0, picture(0))
        rig.results(1)
    assert seen == []
