"""Recent views: kept while somebody asks, listed with what was decided, enrolled, and forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from edged.client.control import ControlClient
from edged.errors import ControlError
from edged.service.control import recent_views
from edged.wire.control_results import RecentResult
from tests.fakes import eventually
from tests.service.control.test_state_enrollment import Dock

EVERY_SECONDS = 0.1


@pytest.fixture(scope="module")
def dock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dock]:
    dock = Dock(tmp_path_factory.mktemp("dock"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STATE_DIRECTORY", str(dock.folder / "state"))
        patch.setattr(recent_views, "EVERY_SECONDS", EVERY_SECONDS)
        with dock.running():
            yield dock


@pytest.fixture
def daemon(dock: Dock) -> Iterator[ControlClient]:
    with ControlClient(dock.address) as client:
        yield client


def when(daemon: ControlClient, holds: Callable[[RecentResult], bool], what: str, region: str = "bay") -> RecentResult:
    """The recent views of the region once that *holds* for them."""
    found: list[RecentResult] = []

    def is_so() -> bool:
        found[:] = [daemon.recent("dock", region)]
        return holds(found[0])

    eventually(is_so, what)
    return found[0]


def refusal(work: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ControlError) as refused:
        work()
    return refused.value.code, str(refused.value)


def test_views_are_kept_from_the_first_request_on_the_newest_first(daemon: ControlClient, dock: Dock) -> None:
    began = time.time()
    result = when(daemon, lambda result: len(result.entries) >= 4, "there are four views")
    times = [entry.t_wall_us for entry in result.entries]
    assert times == sorted(times, reverse=True)
    assert times[-1] / 1e6 > began - 2, "none is from before"
    assert all(later - earlier >= EVERY_SECONDS * 1e6 - 2000 for later, earlier in pairwise(times))
    decided = when(daemon, lambda result: bool(result.entries), "there is one of another region", "gate")
    assert decided.entries[0].set_states.keys() == {"lamp"}
    png = cv2.imdecode(
        np.frombuffer(daemon.recent_picture("dock", "bay", result.entries[0].id), np.uint8), cv2.IMREAD_COLOR
    )
    assert np.array_equal(png, dock.shown)
    assert refusal(lambda: daemon.recent_picture("dock", "bay", "0" * 16))[0] == "not-found"
    assert refusal(lambda: daemon.recent("dock", "gates"))[0] == "not-found"


def test_no_more_than_so_many_are_kept(daemon: ControlClient, dock: Dock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_views, "MOST_VIEWS", 3)
    first = when(daemon, lambda result: len(result.entries) == 3, "it is full")
    later = when(daemon, lambda result: result.entries[-1].t_wall_us > first.entries[0].t_wall_us, "others came")
    assert len(later.entries) == 3
    monkeypatch.setattr(recent_views, "MOST_BYTES", 2 * 120 * 90 * 3)
    when(daemon, lambda result: len(result.entries) == 2, "only two fit")


def test_a_view_becomes_an_example_though_the_scene_has_changed_since(daemon: ControlClient, dock: Dock) -> None:
    dock.teach(daemon, "truck")
    dock.show("empty", 5)
    shown = dock.shown
    eventually(lambda: np.array_equal(newest(daemon), shown), "a view of it")
    view = daemon.recent("dock", "bay").entries[0]
    dock.show("blocked")
    eventually(lambda: np.array_equal(newest(daemon), dock.shown), "the scene has changed")
    result = daemon.enroll_state("bay", "empty", "dock", "bay", picture=view.id)
    (example,) = result.changed
    assert (example.state, example.t_wall_us) == ("empty", view.t_wall_us)
    assert np.array_equal(cv2.imread(example.thumbnail), shown)
    assert (result.similarities, result.outliers) == ((1.0,), ())
    assert result.set is not None
    assert result.set.learned
    when(daemon, lambda result: "bay" in result.entries[0].set_states, "the new set answers")
    assert refusal(lambda: daemon.enroll_state("bay", "empty", "dock", "gate", picture=view.id))[0] == "not-found"
    daemon.forget("bay")


def newest(daemon: ControlClient) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The picture of the newest view of the bay."""
    entries = daemon.recent("dock", "bay").entries
    if not entries:
        return np.zeros((1, 1, 3), np.uint8)
    try:
        png = daemon.recent_picture("dock", "bay", entries[0].id)
    except ControlError:  # it has gone meanwhile
        return np.zeros((1, 1, 3), np.uint8)
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, np.uint8)


def test_they_are_forgotten_when_nobody_asks_any_more(
    daemon: ControlClient, dock: Dock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_views, "MOST_VIEWS", 1000)  # so that none leaves for another reason
    before = when(daemon, lambda result: bool(result.entries), "there is one", "gate").entries[-1].id
    observers = dock.pipeline.inference._turns.region_observers
    assert ("dock", "gate") in observers
    with monkeypatch.context() as patch:
        patch.setattr(recent_views, "UNASKED_SECONDS", 0.05)
        eventually(lambda: ("dock", "gate") not in observers, "it is watched no longer")
    assert refusal(lambda: daemon.recent_picture("dock", "gate", before))[0] == "not-found"
    when(daemon, lambda result: bool(result.entries), "they begin anew", "gate")


def test_the_region_that_was_asked_for_longest_ago_makes_room(
    daemon: ControlClient, dock: Dock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_views, "MOST_REGIONS", 1)
    observers = dock.pipeline.inference._turns.region_observers
    for region, other in (("bay", "gate"), ("gate", "bay"), ("bay", "gate")):
        daemon.recent("dock", region)
        eventually(lambda region=region: ("dock", region) in observers, "it is watched")  # type: ignore[misc]  # mypy has no type for a default
        eventually(lambda other=other: ("dock", other) not in observers, "the other is not")  # type: ignore[misc]  # mypy has no type for a default


def test_nothing_is_written(dock: Dock, daemon: ControlClient) -> None:
    files = set(Path(dock.folder / "state").rglob("*.png"))
    when(daemon, lambda result: len(result.entries) >= 3, "there are some")
    assert set(Path(dock.folder / "state").rglob("*.png")) == files
