"""Several workers beside each other: the order of results, what is changed meanwhile, and their endings."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edged.bell import Bell
from edged.errors import ControlError, InferenceError, RingClosed
from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.inference.feed import Feed
from edged.pipeline.inference.observer import Observation
from edged.pipeline.inference.skip_unchanged import UnchangedSettings
from edged.pipeline.inference.stage import Inference, Opened
from edged.pipeline.inference.turns import WAIT_SECONDS, RegionWork, Turns
from edged.pipeline.inference.worker import Worker
from edged.pipeline.result import Result
from edged.pipeline.ring import FrameRing
from edged.references import ReferenceGroup, References
from edged.regions import Region
from edged.values import Format, Stamp
from edged.vision.embedder import Embedder
from edged.vision.tflite.model_file import read_model
from tests.fakes import eventually, running
from tests.stopwatch import stopwatch

FORMAT = Format(width=16, height=16)
REGIONS = (("left", Region(right=0.5)), ("right", Region(left=0.5)))


class PausingEmbedder(Embedder):
    """Pauses at random in each run, and can be held."""

    longest = 0.0
    held: threading.Event | None = None
    is_held = False
    error: Exception | None = None

    def invoke(self) -> None:
        if self.held is not None:
            self.is_held = True
            self.held.wait(20)
            self.is_held = False
        if self.error is not None:
            raise self.error
        time.sleep(random.uniform(0, self.longest))
        super().invoke()


@dataclass
class Rig:
    """An inference of so many workers; the test plays the captures and the publisher."""

    cases: Path
    cameras: int = 1
    workers: int = 2
    longest: float = 0.0
    skipping: UnchangedSettings | None = None
    references: list[ReferenceGroup] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bell, self.demand, self.frames = Bell(), Demand(), threading.Condition()
        self.handover = Handover(4096, self.bell)
        self.embedders: list[PausingEmbedder] = []
        self.feeds = [self._feed(f"camera{number}") for number in range(self.cameras)]
        self.stage = Inference(self.feeds, self.frames, self._open, self.handover, self.demand)

    def deliver(self, camera: int, seq: int, brightness: int = 0) -> None:
        ring = self.feeds[camera].ring
        ring.slot()[...] = brightness
        ring.commit(seq, Stamp(time.monotonic_ns(), "driver"))

    def results(self, count: int) -> list[Result]:
        got: list[Result] = []

        def get() -> bool:
            while (result := self.handover.get()) is not None:
                got.append(result)
            return len(got) >= count

        eventually(get, f"{count} results")
        return got

    def _feed(self, name: str) -> Feed:
        ring = FrameRing(self.frames, leases=self.workers)
        ring.allocate(FORMAT)
        return Feed(name, ring, CameraStats(name), REGIONS, 0, wait_for_publisher=False, skipping=self.skipping)

    def _open(self, go_on: object) -> Opened:
        model = read_model(self.cases / "small96_uint8_meta.tflite")
        self.embedders = [PausingEmbedder(model) for _ in range(self.workers)]
        for embedder in self.embedders:
            embedder.longest = self.longest
        first, *others = self.embedders
        return Opened(first, References(self.references), (), others)


@contextmanager
def started(rig: Rig) -> Iterator[Rig]:
    with closing(rig.bell), running(rig.stage):
        yield rig


def numbers(results: list[Result]) -> dict[tuple[str, str], list[int]]:
    """The numbers of the frames of each topic, in the order of the results."""
    by_topic = defaultdict(list)
    for result in results:
        by_topic[result.camera, result.region].append(result.frame_seq)
    return by_topic


def hold_both(rig: Rig) -> tuple[threading.Event, threading.Event]:
    """Have each of two workers begin a region of a frame; what ends the wait of each."""
    first, second = (threading.Event() for _ in rig.embedders)
    rig.embedders[0].held, rig.embedders[1].held = first, second
    rig.deliver(0, 1)
    eventually(lambda: all(embedder.is_held for embedder in rig.embedders), "both are held")
    return first, second


def raise_error(error: Exception, *_: object) -> None:
    raise error


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), longest=st.sampled_from([0.0, 0.002, 0.02]))
def test_the_results_of_each_topic_are_in_order_with_ten_cameras_and_four_workers(
    cases: Path, seed: int, longest: float
) -> None:
    choice, frames = random.Random(seed), 20
    rig = Rig(cases, cameras=10, workers=4, longest=longest)
    with started(rig):
        for seq in range(frames):
            for camera in choice.sample(range(10), 10):
                rig.deliver(camera, seq)
                if not choice.randrange(4):
                    time.sleep(choice.uniform(0, 0.002))
        dropped = sum(feed.ring.dropped for feed in rig.feeds)
        results = rig.results(2 * (10 * frames - dropped))
    assert len(results) == 2 * (10 * frames - sum(feed.ring.dropped for feed in rig.feeds))
    for topic, seen in numbers(results).items():
        assert seen == sorted(set(seen)), topic
    assert sum(feed.stats.dropped_publish for feed in rig.feeds) == 0


def test_the_regions_of_a_frame_are_embedded_side_by_side(cases: Path) -> None:
    with started(Rig(cases)) as rig:
        held = threading.Barrier(3)
        for embedder in rig.embedders:
            embedder.held = threading.Event()
            embedder.held.wait = lambda *_: bool(held.wait(20) + 1)  # type: ignore[method-assign]  # both have to come
        rig.deliver(0, 7)
        held.wait(20)
        assert {result.region for result in rig.results(2)} == {"left", "right"}


def test_two_frames_of_one_region_are_embedded_side_by_side_and_the_later_one_waits_for_the_first(
    cases: Path,
) -> None:
    rig = Rig(cases)
    rig.feeds[0] = Feed("one", rig.feeds[0].ring, CameraStats("one"), REGIONS[:1], 0, wait_for_publisher=False)
    rig.stage = Inference(rig.feeds, rig.frames, rig._open, rig.handover, rig.demand)
    under_way = partial(getattr, rig.stage._turns.share, "under_way")
    with started(rig):
        for embedder in rig.embedders:
            embedder.held = threading.Event()
        rig.deliver(0, 1)
        eventually(lambda: any(embedder.is_held for embedder in rig.embedders), "the first is held")
        first = next(embedder for embedder in rig.embedders if embedder.is_held)
        (second,) = {*rig.embedders} - {first}
        rig.deliver(0, 2)
        eventually(lambda: second.is_held, "the second is held")
        assert second.held is not None
        assert first.held is not None
        second.held.set()
        eventually(lambda: not second.is_held, "the second has ended")
        rig.deliver(0, 3)
        assert under_way() == 2  # so that no frame is taken that would wait for its place for ever
        assert rig.handover.get() is None
        first.held.set()
        assert [result.frame_seq for result in rig.results(3)] == [1, 2, 3]


def test_what_is_compared_changes_for_all_workers_between_two_frames(cases: Path) -> None:
    rig = Rig(cases, cameras=3, workers=3, longest=0.003)
    with Embedder(read_model(cases / "small96_uint8_meta.tflite")) as embedder:
        vector = np.ones(embedder.dimension, np.float32)
    with started(rig):
        compared: list[set[int]] = []
        for count in range(6):
            groups = [ReferenceGroup.single(f"number{number}", [vector]) for number in range(count)]
            changed = rig.stage.use(configured=groups)
            for seq in range(5):
                for camera in range(3):
                    rig.deliver(camera, 10 * count + seq)
            changed.result(20)
            eventually(lambda: not rig.stage._turns.share.under_way, "all is done")
            while rig.handover.get() is not None:
                pass
            rig.deliver(0, 10 * count + 9)
            compared.append({result.compared for result in rig.results(2)})
    assert compared == [{count} for count in range(6)]


def test_calls_of_embedders_are_made_while_the_other_workers_go_on(cases: Path) -> None:
    with started(Rig(cases)) as rig:
        going_on, released = threading.Event(), threading.Event()

        def call(embedder: Embedder) -> int:
            going_on.set()
            assert released.wait(20)
            return embedder.dimension

        answer = rig.stage.submit(call)
        assert going_on.wait(20)
        rig.deliver(0, 1)
        assert {result.frame_seq for result in rig.results(2)} == {1}
        released.set()
        assert answer.result(20) > 0


def test_an_observer_sees_the_frames_of_a_region_in_order(cases: Path) -> None:
    seen: list[tuple[str, int]] = []

    def look(observation: Observation) -> bool:
        seen.append((observation.region, observation.lease.seq))
        return False

    with started(Rig(cases, workers=4, longest=0.005)) as rig:
        rig.stage.add_observer(look).result(20)
        for seq in range(30):
            rig.deliver(0, seq)
            eventually(lambda: not rig.feeds[0].ring.waiting, "it is taken")
        rig.results(60)
        rig.stage.remove_observer(look).result(20)
    for region, _ in REGIONS:
        assert [seq for name, seq in seen if name == region] == list(range(30))


def test_a_camera_that_skips_what_has_not_changed_has_one_frame_under_way(cases: Path) -> None:
    rig = Rig(cases, workers=4, longest=0.003, skipping=UnchangedSettings(levels=2, refresh_seconds=0))
    with started(rig):
        for seq in range(20):
            rig.deliver(0, seq, brightness=200 * (seq // 10))
            eventually(lambda: not rig.feeds[0].ring.waiting, "it is taken")
            assert rig.stage._turns.share.under_way <= 1
        results = rig.results(40)
    embedded = {(result.region, result.frame_seq) for result in results if not result.unchanged}
    assert embedded == {(region, seq) for region, _ in REGIONS for seq in (0, 10)}


def change_that_waits(rig: Rig, hold: threading.Event) -> Future[None]:
    """Start *rig*, and submit a change while its second worker is held until *hold* is set."""
    rig.stage.start(lambda: None)
    assert rig.stage.wait_open(20)
    rig.embedders[1].held = hold

    def is_held_after_a_frame() -> bool:
        rig.deliver(0, 1)
        return rig.embedders[1].is_held

    eventually(is_held_after_a_frame, "the worker is held")
    changed = rig.stage.use(top_k=1)
    eventually(changed.running, "it waits")
    return changed


def test_a_stop_ends_a_change_that_waits_for_a_worker(cases: Path) -> None:
    rig, hold = Rig(cases), threading.Event()
    changed = change_that_waits(rig, hold)
    rig.stage.stop()
    with pytest.raises(ControlError, match="stopping"):
        changed.result(20)
    hold.set()
    assert rig.stage.join(20)
    assert rig.stage.error is None
    rig.bell.close()


class EndedTurns(Turns):
    """All cameras have stopped, and the inference has not noticed yet."""

    def __init__(self, bell: Bell) -> None:
        super().__init__(threading.Condition(), Handover(1, bell), Demand(), None)
        self.asked = 0

    def take(self, seconds: float, interrupted: Callable[[], bool]) -> RegionWork | None:
        self.asked += 1
        raise RingClosed("every camera has stopped")


def test_a_worker_waits_where_all_cameras_have_stopped_until_the_inference_ends_it(cases: Path) -> None:
    bell = Bell()
    turns = EndedTurns(bell)
    with closing(bell), Embedder(read_model(cases / "small96_uint8_meta.tflite")) as embedder:
        worker = Worker(2, turns, embedder)
        worker.start(lambda: None)
        eventually(lambda: turns.asked >= 2, "it asks again, because other cameras may come")
        with stopwatch() as watch:
            worker.stop()
            assert worker.join(20)
    assert worker.error is None
    assert watch.seconds < WAIT_SECONDS


def test_the_error_of_a_worker_is_that_of_the_inference(cases: Path) -> None:
    rig = Rig(cases, workers=3)
    rig.stage.start(lambda: None)
    assert rig.stage.wait_open(20)
    eventually(lambda: len(rig.stage.workers) == 2, "all have started")
    rig.embedders[2].error = InferenceError("the model failed")

    def has_ended_after_a_frame() -> bool:
        with suppress(RingClosed):
            rig.deliver(0, 1)
        return not rig.stage.running

    eventually(has_ended_after_a_frame, "it has ended")
    assert rig.stage.join(20)
    assert isinstance(rig.stage.error, InferenceError)
    assert not any(worker.running for worker in rig.stage.workers)
    rig.bell.close()


def test_the_error_of_a_worker_ends_a_change_that_waits_for_it(cases: Path) -> None:
    rig, hold = Rig(cases), threading.Event()
    changed = change_that_waits(rig, hold)
    rig.embedders[1].error = InferenceError("the model failed")
    hold.set()
    with pytest.raises(InferenceError, match="the model failed"):
        changed.result(20)
    assert rig.stage.join(20)
    assert isinstance(rig.stage.error, InferenceError)
    rig.bell.close()


def test_the_last_frames_of_cameras_that_have_stopped_are_waited_for(
    cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.pipeline.inference.stage.WORKERS_SECONDS", 0.0)
    rig = Rig(cases)
    rig.stage.start(lambda: None)
    assert rig.stage.wait_open(20)
    first, second = hold_both(rig)
    rig.feeds[0].ring.close()
    first.set()
    rig.results(1)
    assert not rig.stage.join(0.3)
    second.set()
    assert rig.stage.join(20)
    assert rig.stage.error is None
    assert rig.handover.get() is not None
    rig.bell.close()


def test_all_is_closed_where_an_open_model_cannot_be_used(cases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig, closed = Rig(cases), list[str]()
    monkeypatch.setattr(rig.handover, "open", partial(raise_error, MemoryError()))
    monkeypatch.setattr(PausingEmbedder, "close", lambda _: closed.append("embedder"))
    rig.stage.start(lambda: None)
    assert rig.stage.join(20)
    assert isinstance(rig.stage.error, MemoryError)
    assert closed == ["embedder"] * 2
    assert rig.feeds[0].ring.ended
    rig.bell.close()


def test_a_worker_that_hangs_is_left_behind_with_its_embedder(
    cases: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.pipeline.inference.stage.WORKERS_SECONDS", 0.1)
    rig = Rig(cases)
    closed: list[int] = []
    rig.stage.start(lambda: None)
    assert rig.stage.wait_open(20)
    for number, embedder in enumerate(rig.embedders):
        monkeypatch.setattr(embedder, "close", lambda number=number: closed.append(number))
    first, hold = hold_both(rig)
    first.set()
    rig.results(1)
    with stopwatch() as watch:
        rig.stage.stop()
        assert rig.stage.join(20)
    hold.set()
    for worker in rig.stage.workers:
        assert worker.join(20)
    rig.bell.close()
    assert watch.seconds < 5
    assert closed == [0]
    assert "inference 2 has not ended within 0.1 s and is left behind" in caplog.text
