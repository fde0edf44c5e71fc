"""Previews and recent views while a reload takes their camera, region or model away: a clear end, and nothing left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from edged.client.control import ControlClient
from edged.errors import ControlError
from edged.pipeline.inference.stage import Inference
from edged.service.control import recent_views
from edged.wire.control_results import PreviewResult, RecentResult
from tests.fakes import eventually
from tests.service.control.test_try import Yard, refusal

SLOW = '  slow: {source: "pattern:120x80", fps: 0.1}\n'


class Yards(Yard):
    """A yard with one more camera, whose next frame is far away, and a configuration that can be edited."""

    def write(self, fps: int = 20) -> None:
        super().write(fps)
        self.edit("references:", f"{SLOW}references:")

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))

    @property
    def inference(self) -> Inference:
        return self.running_stages.pipeline.inference


@pytest.fixture
def yard(tmp_path: Path, demo: Path) -> Iterator[Yards]:
    yard = Yards(tmp_path, demo)
    with yard.running():
        yield yard


@pytest.fixture
def daemon(yard: Yards) -> Iterator[ControlClient]:
    with ControlClient(yard.address) as client:
        yield client


def observed(inference: Inference) -> set[tuple[str, str | None]]:
    return set(inference._demand._observed)


def begin_preview(yard: Yards, workers: ThreadPoolExecutor, region: str | None = None) -> Future[PreviewResult]:
    """Ask for the next frame of the slow camera, and return once the daemon waits for it."""

    def ask() -> PreviewResult:
        with ControlClient(yard.address) as client:
            return (client.preview_region("slow", region) if region else client.preview("slow"))[0]

    asked = workers.submit(ask)
    eventually(lambda: ("slow", None) in observed(yard.inference), "its frame is waited for")
    return asked


def views(daemon: ControlClient, region: str, holds: Callable[[RecentResult], bool]) -> RecentResult:
    found: list[RecentResult] = []

    def is_so() -> bool:
        found[:] = [daemon.recent("front", region)]
        return holds(found[0])

    eventually(is_so, "there are such views")
    return found[0]


@pytest.mark.parametrize("region", [None, "full"])
def test_a_preview_of_a_camera_that_a_reload_removes_is_refused_at_once(
    yard: Yards, daemon: ControlClient, region: str | None
) -> None:
    with ThreadPoolExecutor(1) as workers:
        asked = begin_preview(yard, workers, region)
        yard.edit(SLOW, "")
        assert daemon.reload()
        with pytest.raises(ControlError, match="there is no camera slow any more") as refused:
            asked.result(10)
        assert refused.value.code == "not-found"
    eventually(lambda: not observed(yard.inference), "nobody observes")
    assert not yard.inference._turns.frame_observers._observers
    eventually(lambda: not [each.name for each in threading.enumerate() if "slow" in each.name], "its threads ended")


def test_a_preview_goes_on_with_the_model_that_takes_over(yard: Yards, daemon: ControlClient) -> None:
    before = yard.inference
    with ThreadPoolExecutor(1) as workers:
        asked = begin_preview(yard, workers)
        yard.edit(".tflite}", ".tflite, quantize: true}")
        assert daemon.reload() == ("model: opened anew (quantize)",)
        assert yard.inference is not before
        assert asked.result(60).camera == "slow"
    eventually(lambda: not observed(yard.inference), "nobody observes")
    for inference in (before, yard.inference):
        assert not inference._turns.frame_observers._observers


def test_the_views_of_a_region_that_a_reload_removes_are_forgotten(
    yard: Yards, daemon: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_views, "EVERY_SECONDS", 0.1)
    kept = views(daemon, "path", lambda result: bool(result.entries)).entries[0].id
    yard.edit("path: {right: 0.5}, ", "")
    assert daemon.reload()
    code, text = refusal(lambda: daemon.recent_picture("front", "path", kept))
    assert (code, "path" in text) == ("not-found", True)
    monkeypatch.setattr(recent_views, "UNASKED_SECONDS", 0.05)
    eventually(lambda: not observed(yard.inference), "nobody observes")
    assert not yard.inference._turns.region_observers._observers


def test_the_views_of_another_model_begin_anew(
    yard: Yards, daemon: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_views, "EVERY_SECONDS", 0.1)
    monkeypatch.setattr(recent_views, "MOST_VIEWS", 10_000)  # so that none leaves for another reason
    before, kept = yard.inference, views(daemon, "path", lambda result: len(result.entries) > 1).entries[-1].id
    yard.edit(".tflite}", ".tflite, quantize: true}")
    assert daemon.reload()
    views(daemon, "path", lambda result: bool(result.entries) and kept not in {each.id for each in result.entries})
    assert not before._turns.region_observers._observers
    assert observed(yard.inference) == {("front", "path")}
    assert refusal(lambda: daemon.recent_picture("front", "path", kept))[0] == "not-found"
