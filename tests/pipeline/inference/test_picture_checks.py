"""Checks of pictures beside those that were enrolled: what a camera no longer shows, and what follows from it."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.inference.feed import Feed
from edged.pipeline.inference.picture_checks import PictureChecks
from edged.pipeline.placed_set import PlacedSet
from edged.pipeline.ring import FrameRing
from edged.references import ReferenceGroup
from edged.regions import FULL
from edged.states import EnrolledLooks, PictureState, StateSet
from edged.values import UNKNOWN
from tests.pipeline.inference.test_skip_unchanged import SECOND, Rig, started

STATES = ("open", "shut")


def scene(seed: int = 1) -> NDArray[np.uint8]:
    """Clutter with hard edges."""
    random = np.random.default_rng(seed)
    drawn = np.full((80, 120, 3), 110, np.uint8)
    for _ in range(60):
        x, y, width, height = random.integers(0, 110), random.integers(0, 70), *random.integers(4, 20, 2)
        colour = [int(level) for level in random.integers(20, 220, 3)]
        cv2.rectangle(drawn, (int(x), int(y)), (int(x + width), int(y + height)), colour, -1)
    return drawn


COVERED = np.broadcast_to(np.linspace(8, 40, 120)[:, np.newaxis], (80, 120, 3)).astype(np.uint8)


def placed_set(name: str = "door", **looks: EnrolledLooks) -> PlacedSet:
    """A set that groups two references, with examples that were enrolled in these regions of the camera."""
    state_set = StateSet(name=name, states=STATES, references={"open": "open", "shut": "shut"})
    by_place = {f"cam/{region}": each for region, each in looks.items()}
    return PlacedSet(name=name, states=STATES, places=("cam",), state_set=state_set, looks=by_place)


def checked_rig(cases: Path) -> tuple[Rig, CameraStats]:
    """An inference of one camera, and its stats: it skips unchanged frames, and its picture is checked."""
    rig = Rig(cases)
    vector = np.ones(rig.model.heads[0].size, np.float32)
    rig.references = [ReferenceGroup.single("open", [vector]), ReferenceGroup.single("shut", [-vector])]
    return rig, CameraStats("cam")


def test_a_covered_camera_is_reported_once_and_nothing_is_decided_until_it_is_uncovered(
    cases: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "edged.pipeline.inference.picture_checks")
    rig, stats = checked_rig(cases)
    feed = Feed("cam", rig.ring, stats, (("full", FULL),), 0, True, skipping=rig.skipping)
    now = time.monotonic_ns() - 2000 * SECOND

    def see(shown: NDArray[np.uint8], seconds: int) -> list[tuple[str | None, str]]:
        """The picture and the answer after each of so many frames, 3 s apart."""
        nonlocal now
        found: list[tuple[str | None, str]] = []
        for _ in range(seconds // 3):
            now += 3 * SECOND
            (result,) = rig.see(shown, now)
            found.append((stats.picture, result.states[0].state))
        return found

    with started(rig):
        rig.stage.use(feeds=[feed], sets=[placed_set(full=EnrolledLooks([scene()]))]).result(20)
        (known,) = {state for _, state in see(scene(), 150)}
        assert known != UNKNOWN
        assert stats.picture == "ok"
        found = see(COVERED, 240)
        begin = [shown for shown, _ in found].index("covered")
        assert 60 <= 3 * begin <= 150, "there is patience"
        assert set(found[begin + 1 :]) == {("covered", UNKNOWN)}
        found = see(scene(), 240)
        assert found[0] == ("covered", UNKNOWN)
        assert found[-1] == ("ok", known)
    assert caplog.messages == [
        "the picture of cam/full is covered; it was ok",
        "the picture of cam/full is ok; it was covered",
    ]


def test_the_picture_of_a_camera_is_the_worst_of_its_regions_and_none_without_examples() -> None:
    checks, looks = PictureChecks(), EnrolledLooks([scene()])
    regions = tuple((name, FULL) for name in ("left", "right", "other"))
    feed = Feed("cam", FrameRing(threading.Condition()), CameraStats("cam"), regions, 0, False)
    checks.use([feed], [placed_set()])
    pictures = [feed.stats.picture]
    checks.use([feed], [placed_set(left=looks, right=looks)])
    pictures.append(feed.stats.picture)
    assert checks.at("cam", "other") is None
    states: tuple[tuple[str, PictureState], ...] = (("right", "moved"), ("left", "covered"))
    for region, state in states:
        check = checks.at("cam", region)
        assert check is not None
        check.health.state = state
        checks.report(feed)
        pictures.append(feed.stats.picture)
    assert pictures == [None, "ok", "moved", "covered"]


def test_a_place_keeps_its_state_until_its_examples_are_others() -> None:
    checks, looks = PictureChecks(), EnrolledLooks([scene()])
    feed = Feed("cam", FrameRing(threading.Condition()), CameraStats("cam"), (("full", FULL),), 0, False)
    checks.use([feed], [placed_set(full=looks)])
    check = checks.at("cam", "full")
    assert check is not None
    check.health.state = "moved"
    checks.use([feed], [placed_set(), placed_set("other", full=looks)])
    assert checks.at("cam", "full") is check
    checks.use([feed], [placed_set(full=EnrolledLooks([scene(2)]))])
    assert feed.stats.picture == "ok"
    checks.use([], [])
    assert checks.at("cam", "full") is None


def test_most_frames_cost_two_times_that_are_compared(cases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig, stats = checked_rig(cases)
    feed = Feed("cam", rig.ring, stats, (("full", FULL),), 0, True)
    judged: list[float | None] = []

    def judge(_: EnrolledLooks, picture: NDArray[np.uint8], novelty: float | None) -> PictureState:
        assert picture.shape == (80, 120, 3)
        judged.append(novelty)
        return "ok"

    monkeypatch.setattr(EnrolledLooks, "judge", judge)
    begin = time.monotonic_ns() - 100 * SECOND
    with started(rig):
        rig.stage.use(feeds=[feed], sets=[placed_set(full=EnrolledLooks([scene()]))]).result(20)
        for number in range(100):
            rig.see(scene(), begin + number * SECOND // 5)
    assert len(judged) == 4, "20 s, and one every 5 s"
