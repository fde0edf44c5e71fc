"""A stage: opened, used and closed in one thread, and every ending."""

from __future__ import annotations

import math
import threading
import time
from pathlib import Path

import pytest

from edged.errors import EndOfStream, RingClosed
from edged.pipeline.stage import Stage
from tests.fakes import eventually


class Recorder(Stage):
    """Records its calls and their threads; fails or waits if the test asks for it."""

    def __init__(self, fails_in: str = "", error: Exception | None = None) -> None:
        super().__init__("recorder")
        self.calls: list[str] = []
        self.threads: set[int] = set()
        self.stepped = threading.Event()
        self.ended = threading.Event()
        self._fails_in, self._error = fails_in, error or KeyError("a bug")

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self.threads.add(threading.get_ident())
        if call == self._fails_in:
            raise self._error

    def open(self) -> None:
        self._note("open")

    def step(self) -> None:
        self.stepped.set()
        if "step" not in self.calls or self._fails_in == "step":
            self._note("step")
        self.pause(60)

    def wake(self) -> None:
        """Nothing: the pause ends by itself."""

    def close(self) -> None:
        self._note("close")


def test_the_kernel_knows_a_stage_by_its_name() -> None:
    stage = Recorder()
    stage.start(stage.ended.set)
    assert stage.stepped.wait(10)
    names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    stage.stop()
    assert stage.join(10)
    assert "recorder" in names


def test_a_stage_opens_steps_and_closes_in_one_thread_of_its_own() -> None:
    stage = Recorder()
    stage.start(stage.ended.set)
    assert stage.wait_open(10)
    assert stage.stepped.wait(10)
    stage.stop()
    assert stage.join(10)
    assert stage.calls == ["open", "step", "close"]
    assert len(stage.threads) == 1
    assert threading.get_ident() not in stage.threads
    assert stage.error is None
    assert stage.ended.is_set()


def test_stopping_while_it_waits_ends_it_at_once() -> None:
    stage = Recorder()
    stage.start(stage.ended.set)
    assert stage.stepped.wait(10)
    stage.stop()
    assert stage.ended.wait(1.0)
    assert stage.join(10)


@pytest.mark.parametrize("call", ["open", "step", "close"])
def test_an_exception_is_kept_and_the_stage_is_closed(call: str) -> None:
    stage = Recorder(fails_in=call)
    stage.start(stage.ended.set)
    assert stage.wait_open(10)
    if call == "close":
        stage.stop()
    assert stage.join(10)
    assert isinstance(stage.error, KeyError)
    assert stage.calls[-1] == "close"
    assert stage.ended.is_set()


@pytest.mark.parametrize("error", [RingClosed("over"), EndOfStream("over")])
def test_the_natural_end_is_not_an_error(error: Exception) -> None:
    stage = Recorder(fails_in="step", error=error)
    stage.start(stage.ended.set)
    assert stage.join(10)
    assert stage.error is None
    assert stage.calls == ["open", "step", "close"]


def test_a_stage_that_was_never_started_can_be_stopped_and_joined() -> None:
    stage = Recorder()
    stage.stop()
    assert stage.join(0.0)
    assert stage.calls == []


def test_stopping_twice_is_harmless() -> None:
    stage = Recorder()
    stage.start(stage.ended.set)
    stage.stop()
    stage.stop()
    assert stage.join(10)
    stage.stop()


def test_when_the_end_is_reported_the_stage_has_ended() -> None:
    stage = Recorder(fails_in="step", error=RingClosed("over"))
    seen: list[bool] = []
    stage.start(lambda: seen.append(stage.running))
    assert stage.join(10)
    assert seen == [False]
    assert not Recorder().running


def test_a_stage_sets_when_its_step_must_have_ended_and_a_pause_counts_in() -> None:
    stage = Recorder()
    assert stage.due == math.inf  # opening may take long, and the start has a limit of its own
    begin = time.monotonic()
    stage.start(stage.ended.set)
    assert stage.stepped.wait(10)
    eventually(lambda: stage.due > begin + 60, "the step pauses for 60 s")
    assert stage.due <= time.monotonic() + 60 + stage.step_seconds
    stage.stop()
    assert stage.join(10)
    assert stage.due <= time.monotonic() + stage.step_seconds
