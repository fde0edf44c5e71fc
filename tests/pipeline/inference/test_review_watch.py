"""The watch over a set's answers: of each minute the least sure view, and little work for each frame."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from edged.bell import Bell
from edged.enrolled import ReviewStore
from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.inference.feed import Feed
from edged.pipeline.inference.observer import Observation
from edged.pipeline.inference.region_state import RegionState
from edged.pipeline.inference.review_watch import ReviewWatch
from edged.pipeline.inference.stage import Inference, Opened
from edged.pipeline.review_queues import ReviewQueues, UnsureView
from edged.pipeline.ring import FrameRing
from edged.references import ReferenceGroup, References
from edged.regions import FULL, Box
from edged.states import StateSet
from edged.values import Format, Stamp, StateAnswer
from edged.vision.embedder import Embedder
from edged.vision.tflite.model_file import read_model
from tests.fakes import eventually, running
from tests.pipeline.placing import placed

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
FORMAT = Format(width=120, height=80)
PIXELS = np.random.default_rng(1).integers(0, 256, (*FORMAT.shape,), np.uint8)


class Queues(ReviewQueues):
    """Queues that want what is less sure than *limits*, and keep what they are offered in a list."""

    def __init__(self, **limits: float) -> None:
        super().__init__(None)
        self.limits = limits
        self.offered: list[UnsureView] = []

    def below(self, name: str, guess: str) -> float:
        return self.limits.get(guess, 2.0)

    def offer(self, view: UnsureView) -> None:
        self.offered.append(view)


def answer(p: float, guess: str = "empty") -> StateAnswer:
    other = "truck" if guess == "empty" else "empty"
    return StateAnswer("bay", guess, ((guess, p), (other, 1 - p)))


def seen(t_ns: int, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] = PIXELS) -> Observation:
    return cast(
        Observation,
        SimpleNamespace(
            feed=SimpleNamespace(camera="dock", rotation=90),
            lease=SimpleNamespace(stamp=Stamp(t_ns, "driver"), pixels=pixels, format=FORMAT),
            region="bay",
            box=Box(10, 20, 30, 40),
            embedder=SimpleNamespace(options=SimpleNamespace(decode="reduced")),
        ),
    )


def test_the_least_sure_view_of_a_minute_is_handed_over_when_that_is_over() -> None:
    queues = Queues()
    watch = ReviewWatch("bay", queues)
    for second, p in ((0, 0.9), (10, 0.6), (20, 0.7), (59, 0.65)):
        watch.look(answer(p), seen(second * SECOND))
    assert queues.offered == []
    watch.look(answer(0.55), seen(MINUTE))
    [view] = queues.offered
    assert (dict(view.answer.p)["empty"], view.camera, view.region) == (0.6, "dock", "bay")
    assert (view.rotation, view.decode) == (90, "reduced")
    assert np.array_equal(view.picture, PIXELS[20:60, 10:40, ::-1])


def test_the_next_minute_begins_a_minute_after_the_view_that_was_handed_over() -> None:
    queues = Queues()
    watch = ReviewWatch("bay", queues)
    for second in range(300):
        watch.look(answer(0.9 - (second % 60 == 50) / 2), seen(second * SECOND))
    times = [view.t_wall_us / 1e6 for view in queues.offered]
    assert [round(after - before) for before, after in pairwise(times)] == [60, 60, 60]


def test_two_views_are_a_minute_apart_also_where_one_ends_a_minute_and_the_other_begins_one() -> None:
    queues = Queues()
    watch = ReviewWatch("bay", queues)
    for second in range(200):
        watch.look(answer(0.6 if second in (59, 61) else 0.9), seen(second * SECOND))
    first, second_view = queues.offered
    assert dict(first.answer.p)["empty"] == 0.6
    assert second_view.t_wall_us - first.t_wall_us >= 59_999_000


def test_a_view_is_copied_because_its_frame_is_only_lent() -> None:
    queues, pixels = Queues(), PIXELS.copy()
    watch = ReviewWatch("bay", queues)
    watch.look(answer(0.6), seen(0, pixels))
    pixels[:] = 0
    watch.look(answer(0.9), seen(2 * MINUTE))
    assert queues.offered[0].picture.any()


def test_what_the_queue_does_not_want_is_not_copied() -> None:
    queues = Queues(empty=0.6)
    watch = ReviewWatch("bay", queues)
    watch.look(answer(0.6), seen(0))
    watch.look(answer(0.9, "truck"), seen(SECOND))
    watch.look(answer(0.9), seen(2 * MINUTE))
    assert [view.answer.state for view in queues.offered] == ["truck"]


def test_a_view_that_is_too_large_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edged.pipeline.inference.review_watch.MOST_PIXELS", 1199)
    queues = Queues()
    watch = ReviewWatch("bay", queues)
    watch.look(answer(0.6), seen(0))
    watch.look(answer(0.9), seen(2 * MINUTE))
    assert queues.offered == []


def test_without_memory_for_a_copy_the_inference_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise MemoryError

    queues = Queues()
    watch = ReviewWatch("bay", queues)
    with monkeypatch.context() as patch:
        patch.setattr("edged.vision.pixels.view.RgbView.of", refuse)
        watch.look(answer(0.6), seen(0))
    watch.look(answer(0.7), seen(1))
    watch.look(answer(0.9), seen(2 * MINUTE))
    assert [dict(view.answer.p)["empty"] for view in queues.offered] == [0.7]


def test_a_frame_that_is_no_less_sure_makes_nothing() -> None:
    watch = ReviewWatch("bay", Queues())
    watch.look(answer(0.5), seen(0))
    frame, sure = seen(SECOND), answer(0.9)
    watch.look(sure, frame)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        for _ in range(1000):
            watch.look(sure, frame)
        assert tracemalloc.get_traced_memory()[1] - before < 4096
    finally:
        tracemalloc.stop()


def at_once(call: Callable[[], None]) -> Future[None]:
    future: Future[None] = Future()
    call()
    future.set_result(None)
    return future


def test_an_inference_has_the_views_of_reviewed_sets_kept_and_of_no_others(
    cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = read_model(cases / "small96_uint8_meta.tflite")
    frames, bell, demand = threading.Condition(), Bell(), Demand()
    handover = Handover(64, bell)
    feed = Feed("dock", FrameRing(frames), CameraStats("dock"), (("bay", FULL),), 0, False)
    feed.ring.allocate(FORMAT)
    queues = ReviewQueues(ReviewStore(tmp_path / "review"))
    queues.apart_ns = SECOND
    queues.open(["bay", "door"], at_once)
    with Embedder(model) as embedder:
        groups = [
            ReferenceGroup.single(f"r{number}", [np.roll(np.ones(embedder.dimension, np.float32), 1) + number])
            for number in range(2)
        ]
    sets = [
        replace(
            placed(StateSet(name=name, states=("a", "b"), references={"a": "r0", "b": "r1"}), ("dock",)),
            is_reviewed=name == "bay",
        )
        for name in ("bay", "door")
    ]

    def show(seconds: range) -> None:
        for second in seconds:
            feed.ring.slot()[...] = PIXELS
            feed.ring.commit(second, Stamp(second * SECOND, "driver"))
            eventually(lambda: handover.get() is not None, "a result")

    stage = Inference(
        [feed], frames, lambda _: Opened(Embedder(model), References(groups), sets), handover, demand, queues
    )
    with closing(bell), running(stage):
        show(range(6))
        eventually(lambda: len(queues.waiting("bay")) >= 2, "views are kept")
        assert queues.waiting("door") == []
        known = len(queues.waiting("bay"))
        with monkeypatch.context() as patch:
            patch.setattr(RegionState, "is_blind", True)
            show(range(10, 16))
        assert len(queues.waiting("bay")) == known, "a covered camera is not reviewed"
        show(range(20, 24))
        assert (known := len(queues.waiting("bay"))) > 2
        stage.use(sets=[replace(each, is_reviewed=False) for each in sets]).result(10)
        show(range(30, 36))
        assert len(queues.waiting("bay")) == known
    queues.close()
