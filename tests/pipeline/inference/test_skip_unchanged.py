"""Regions in which nothing moves: they are not embedded, and a change is, on its first frame."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edged.bell import Bell
from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.inference.feed import Feed
from edged.pipeline.inference.observer import Observation
from edged.pipeline.inference.skip_unchanged import UnchangedSettings
from edged.pipeline.inference.stage import Inference, Opened
from edged.pipeline.result import Result
from edged.pipeline.ring import FrameRing
from edged.references import ReferenceGroup, References
from edged.regions import FULL, Region
from edged.states import StateSet
from edged.values import Format, Rotation, Stamp
from edged.vision.embedder import Embedder
from edged.vision.tflite.model_file import read_model
from tests.fakes import eventually, running
from tests.pipeline.placing import placed

FORMAT = Format(width=120, height=80)
LEFT, RIGHT = Region(right=0.5), Region(left=0.5)
SKIPPING = UnchangedSettings(levels=6, refresh_seconds=30.0)
SECOND = 1_000_000_000


class Rig:
    """A worker of one camera that skips; the test plays the capture and the publisher, and says when a frame was."""

    def __init__(self, cases: Path, skipping: UnchangedSettings = SKIPPING, frame_format: Format = FORMAT) -> None:
        self.model = read_model(cases / "small96_uint8_meta.tflite")
        self.bell = Bell()
        self.handover = Handover(16, self.bell)
        self.frames = threading.Condition()
        self.format = frame_format
        self.skipping = skipping
        self.ring = FrameRing(self.frames)
        self.ring.allocate(frame_format)
        self.references: list[ReferenceGroup] = []
        self.stage = Inference([self.feed()], self.frames, self._open_model, self.handover, Demand())
        self.seq = 0

    def feed(self, rotation: Rotation = 0, regions: tuple[tuple[str, Region], ...] = (("full", FULL),)) -> Feed:
        return Feed("cam", self.ring, CameraStats("cam"), regions, rotation, True, skipping=self.skipping)

    def _open_model(self, go_on: object) -> Opened:
        return Opened(Embedder(self.model), References(self.references))

    def see(self, pixels: NDArray[np.uint8] | int, at_ns: int | None = None, regions: int = 1) -> list[Result]:
        """The result of a frame."""
        self.ring.slot()[...] = pixels
        self.seq += 1
        self.ring.commit(self.seq, Stamp(time.monotonic_ns() if at_ns is None else at_ns, "driver"))
        got: list[Result] = []

        def get() -> bool:
            if (result := self.handover.get()) is not None:
                got.append(replace(result, vector=result.vector.copy()))
                self.handover.give_back(result.vector)
            return len(got) == regions

        eventually(get, "its results")
        assert all(result.frame_seq == self.seq for result in got)
        return got

    def embeds(self, pixels: NDArray[np.uint8] | int, at_ns: int | None = None) -> bool:
        """Whether that frame is embedded."""
        return not self.see(pixels, at_ns)[0].unchanged


@contextmanager
def started(rig: Rig) -> Iterator[Rig]:
    with closing(rig.bell), running(rig.stage):
        yield rig


def picture(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 200, FORMAT.shape, np.uint8)


def test_an_unchanged_region_is_published_again_with_the_times_of_its_own_frame(cases: Path) -> None:
    rig = Rig(cases)
    rig.references = [ReferenceGroup.single("like", [np.ones(rig.model.heads[0].size, np.float32)])]
    with started(rig):
        now = time.monotonic_ns()
        (first,), (again,) = rig.see(picture(1), now - SECOND), rig.see(picture(1), now)
    assert (first.unchanged, again.unchanged) == (False, True)
    assert np.array_equal(first.vector, again.vector)
    assert first.matches == again.matches
    assert first.matches[0].reference == "like"
    assert (again.frame_seq, again.stamp.t_cap_ns, again.compared) == (2, now, 1)
    assert (again.infer_ns, again.compare_ns) == (0, 0)
    assert again.preprocess_ns > 0  # it was compared; `edged bench` measures the time of that


def test_the_states_of_an_unchanged_region_are_published_again(cases: Path) -> None:
    rig = Rig(cases)
    vector = np.ones(rig.model.heads[0].size, np.float32)
    rig.references = [ReferenceGroup.single("open", [vector]), ReferenceGroup.single("shut", [-vector])]
    door = StateSet(name="door", states=("open", "shut"), references={"open": "open", "shut": "shut"})
    with started(rig):
        rig.stage.use(sets=[placed(door, ("cam",))]).result(20)
        now = time.monotonic_ns()
        (first,), (again,) = rig.see(picture(1), now - SECOND), rig.see(picture(1), now)
    assert (first.unchanged, again.unchanged) == (False, True)
    assert [answer.set for answer in first.states] == ["door"]
    assert again.states == first.states


def test_a_change_is_embedded_on_its_first_frame_and_only_where_it_is(cases: Path) -> None:
    rig = Rig(cases)
    with started(rig):
        rig.stage.use(feeds=[rig.feed(regions=(("left", LEFT), ("right", RIGHT)))]).result(20)
        rig.see(100, regions=2)
        moved = np.full(FORMAT.shape, 100, np.uint8)
        moved[30:44, 80:90] = 130  # 3 % of the right half
        found = {result.region: result.unchanged for result in rig.see(moved, regions=2)}
        assert found == {"left": True, "right": False}
        assert all(result.unchanged for result in rig.see(moved, regions=2))


def test_light_that_changes_slowly_is_seen_when_it_has_come_to_the_limit(cases: Path) -> None:
    with started(Rig(cases)) as rig:
        embedded = [level for level in range(50, 80) if rig.embeds(level)]
    assert embedded == [50, 56, 62, 68, 74]


def test_it_is_embedded_now_and_then_even_if_nothing_moves(cases: Path) -> None:
    begin = time.monotonic_ns() - 1000 * SECOND
    with started(Rig(cases)) as rig:
        embedded = [second for second in range(0, 100, 10) if rig.embeds(50, begin + second * SECOND)]
    assert embedded == [0, 30, 60, 90]
    with started(Rig(cases, UnchangedSettings(6, 0.0))) as rig:
        assert [second for second in range(0, 100, 10) if rig.embeds(50, begin + second * SECOND)] == [0]


def test_the_vector_is_that_of_the_frame_that_was_embedded_last(cases: Path) -> None:
    with started(Rig(cases)) as rig:
        for seed in (1, 2, 1):
            (fresh,), (again,) = rig.see(picture(seed)), rig.see(picture(seed))
            assert (fresh.unchanged, again.unchanged) == (False, True)
            assert np.array_equal(fresh.vector, again.vector)


def test_another_region_or_other_references_are_never_answered_from_before(cases: Path) -> None:
    with started(Rig(cases)) as rig:
        assert rig.embeds(picture(1))
        rig.stage.use(feeds=[rig.feed(rotation=90)]).result(20)
        assert rig.embeds(picture(1))
        assert not rig.embeds(picture(1))
        vector = np.ones(rig.model.heads[0].size, np.float32)
        rig.stage.use(enrolled=[ReferenceGroup.single("new", [vector])]).result(20)
        (result,) = rig.see(picture(1))
        assert not result.unchanged
        assert [match.reference for match in result.matches] == ["new"]


def test_frames_of_another_size_are_not_compared_with_those_of_before(cases: Path) -> None:
    with started(Rig(cases)) as rig:
        assert rig.embeds(50)
        rig.ring.allocate(Format(width=60, height=40))
        assert rig.embeds(50)
        assert not rig.embeds(50)


def test_an_observer_gets_a_vector_of_each_frame(cases: Path) -> None:
    """As when a reference is enrolled of several frames."""
    seen: list[int] = []

    def observer(observation: Observation) -> bool:
        seen.append(observation.lease.seq)
        return len(seen) == 3

    with started(Rig(cases)) as rig:
        assert [rig.embeds(50) for _ in range(2)] == [True, False]
        rig.stage.add_observer(observer).result(10)
        assert [rig.embeds(50) for _ in range(5)] == [True, True, True, False, False]
    assert seen == [3, 4, 5]


def test_people_on_the_clip_are_embedded_on_their_first_frame(cases: Path, demo: Path) -> None:
    """Real noise, and real people: a frame that is skipped is like the last embedded one to the model, too."""
    frames = list(clip(demo / "street.mp4"))[::2]
    path = Region(0.05, 0.32, 0.42, 0.56)
    height, width = frames[0].shape[:2]
    box = path.to_box(width, height)
    rig = Rig(cases, frame_format=Format(width=width, height=height))
    skipped, least = 0, 1.0
    with started(rig), Embedder(rig.model) as embedder:
        rig.stage.use(feeds=[rig.feed(regions=(("path", path),))]).result(20)
        own = np.zeros(embedder.dimension, np.float32)
        for frame in frames:
            (result,) = rig.see(frame)
            if result.unchanged:
                skipped += 1
                embedder.embed(frame, rig.format.pixels, box, 0, own)
                least = min(least, cosine(own, result.vector))
    assert skipped > len(frames) // 5  # the path is empty for some time, or somebody stands still
    assert least > 0.97


def clip(file: Path) -> Iterator[NDArray[np.uint8]]:
    capture = cv2.VideoCapture(str(file))
    while (read := capture.read())[0]:
        yield np.asarray(read[1], np.uint8)
    capture.release()


def cosine(u: NDArray[np.float32], v: NDArray[np.float32] | NDArray[np.int8]) -> float:
    return float(np.dot(u, v) / (np.linalg.norm(u) * np.linalg.norm(v)))


@pytest.mark.parametrize("levels", [1, 255])
def test_the_limit_is_what_was_asked_for(cases: Path, levels: int) -> None:
    with started(Rig(cases, UnchangedSettings(levels, 0.0))) as rig:
        assert rig.embeds(0)
        assert not rig.embeds(levels - 1)
        assert rig.embeds(levels)
