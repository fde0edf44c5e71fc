"""The stages as they are now: a started stage counts until it has ended, in the pipeline or not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from edged.pipeline.stage import Stage
from edged.service.running_stages import RunningStages

if TYPE_CHECKING:
    from edged.pipeline.build import Pipeline

NO_PIPELINE = cast("Pipeline", None)


class Waiting(Stage):
    """Waits until it is stopped, and ends when it may."""

    def __init__(self, name: str, *, ends: bool = True) -> None:
        super().__init__(name)
        self.woken, self.may_end = threading.Event(), threading.Event()
        if ends:
            self.may_end.set()

    def open(self) -> None:
        """Nothing to open."""

    def step(self) -> None:
        self.woken.wait(20)

    def wake(self) -> None:
        self.woken.set()

    def close(self) -> None:
        self.may_end.wait(20)


def test_a_stage_runs_from_its_start_until_it_has_ended() -> None:
    running, stage, ended = RunningStages(NO_PIPELINE), Waiting("capture", ends=False), threading.Event()
    assert running.stages == []
    running.start(stage, ended.set)
    assert running.stages == [stage]
    stage.stop()
    assert stage.woken.wait(10)
    assert running.stages == [stage], "it was stopped, and is closing its resource"
    stage.may_end.set()
    assert stage.join(10)
    assert running.stages == []
    assert ended.is_set()


def test_a_stage_that_leaves_the_pipeline_counts_until_it_has_ended() -> None:
    running, before, after = RunningStages(NO_PIPELINE), Waiting("inference"), Waiting("inference")
    running.start(before, lambda: None)
    running.start(after, lambda: None)
    running.pipeline = cast("Pipeline", object())
    assert running.stages == [before, after]
    before.stop()
    assert before.join(10)
    assert running.stages == [after]
    after.stop()
    assert after.join(10)


def test_a_stage_is_watched_before_its_first_line_runs() -> None:
    seen: list[bool] = []

    class Looking(Waiting):
        def open(self) -> None:
            seen.append(self in running.stages)

        def start(self, on_end: Callable[[], None]) -> None:
            super().start(on_end)
            assert self.wait_open(10)

    running, stage = RunningStages(NO_PIPELINE), Looking("capture")
    running.start(stage, lambda: None)
    stage.stop()
    assert stage.join(10)
    assert seen == [True]
