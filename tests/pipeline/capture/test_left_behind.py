"""Threads that hang are counted until they end, and their number has two bounds."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from edged.pipeline.capture.left_behind import IN_ALL, PER_CAMERA, LeftBehind
from edged.pipeline.capture.stage import Capture
from edged.pipeline.stage import Stage


class Hanging(Stage):
    """A thread that hangs for as long as *running* is set; it is never started."""

    running = True

    def __init__(self) -> None:
        super().__init__("capture")

    def open(self) -> None: ...

    def step(self) -> None: ...

    def wake(self) -> None: ...

    def close(self) -> None: ...


def test_threads_are_counted_for_each_camera_and_in_all() -> None:
    left_behind = LeftBehind()
    for camera in ("street", "street", "yard"):
        left_behind.add(camera, Hanging())
    assert (left_behind.count("street"), left_behind.count("yard"), left_behind.count()) == (2, 1, 3)
    assert left_behind.cameras() == ["street", "street", "yard"]


def test_a_thread_that_ends_is_counted_no_more_and_its_end_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    left_behind, ending = LeftBehind(), Hanging()
    left_behind.add("street", Hanging())
    left_behind.add("yard", ending)
    ending.running = False
    with caplog.at_level(logging.WARNING):
        caplog.clear()
        assert left_behind.cameras() == ["street"]
        assert left_behind.cameras() == ["street"]
    assert caplog.messages == ["camera yard: a thread that was left behind has ended"]


def test_a_camera_with_too_many_threads_gets_no_other_and_the_rest_do() -> None:
    left_behind = LeftBehind()
    for _ in range(PER_CAMERA):
        assert left_behind.refusal("street") is None
        left_behind.add("street", Hanging())
    assert left_behind.refusal("street") == (
        f"its driver hangs: {PER_CAMERA} threads are left behind in it; only a restart of edged can free it"
    )
    assert left_behind.refusal("yard") is None


def test_no_camera_gets_a_thread_where_all_together_have_too_many() -> None:
    left_behind = LeftBehind()
    for number in range(IN_ALL):
        assert left_behind.refusal("yard") is None
        left_behind.add(f"camera-{number}", Hanging())
    assert left_behind.refusal("yard") == (
        f"{IN_ALL} threads are left behind in drivers that hang; only a restart of edged can free them"
    )


def test_the_manual_has_the_bounds() -> None:
    manual = Path(__file__).parents[3] / "docs/security.md"
    assert f"{PER_CAMERA} threads are left behind for a camera and {IN_ALL} in all" in manual.read_text()
    assert f"a step takes {Capture.step_seconds:g} s at most" in manual.read_text()
