"""The times of the watchdog's checks and signs of life, on a clock of its own."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import cast

import pytest

from edged.pipeline.stage import Stage
from edged.service.systemd_notify import Notifier
from edged.service.watchdog import Watchdog, hanging


@dataclass
class Clock:
    """Seconds that pass when a test lets them."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


class Signs:
    """Counts signs of life."""

    def __init__(self) -> None:
        self.count = 0

    def alive(self) -> None:
        self.count += 1


@dataclass
class Step:
    """A stage in a step that may take until ``due``."""

    due: float
    running: bool = True
    name: str = "inference"
    step_seconds: float = 2.5


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("edged.service.watchdog.time", clock)
    return clock


def watchdog(seconds: float | None) -> tuple[Watchdog, Signs]:
    signs = Signs()
    return Watchdog(cast(Notifier, signs), seconds), signs


def stages(*steps: Step) -> list[Stage]:
    return cast("list[Stage]", list(steps))


@pytest.mark.parametrize(("seconds", "look"), [(None, 1.0), (2.0, 0.25), (4.0, 0.5), (30.0, 1.0)])
def test_it_looks_eight_times_in_the_time_that_the_manager_waits_and_once_a_second(
    seconds: float | None, look: float
) -> None:
    assert watchdog(seconds)[0].check_seconds == look


def test_a_sign_of_life_comes_at_once_and_three_times_in_the_time_that_the_manager_waits(clock: Clock) -> None:
    dog, signs = watchdog(30.0)
    counts = []
    for _ in range(22):
        dog.check([])
        counts.append(signs.count)
        clock.now += 1.0
    assert counts == [1] * 10 + [2] * 10 + [3] * 2


def test_a_manager_that_does_not_wait_gets_no_sign(clock: Clock) -> None:
    dog, signs = watchdog(None)
    dog.check([])
    clock.now += 1e9
    dog.check([])
    assert signs.count == 0


def test_a_stage_hangs_after_its_time_and_only_while_it_runs(clock: Clock) -> None:
    in_time, late, ended = Step(clock.now), Step(clock.now - 0.1), Step(0.0, running=False)
    assert hanging(stages(in_time, late, ended)) == stages(late)


def test_a_stage_that_hangs_is_logged_once_and_so_is_its_return(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    dog, _ = watchdog(None)
    step, other = Step(clock.now - 1), Step(clock.now - 1, name="capture")
    for _ in range(3):
        dog.check(stages(step, other))
    step.due = clock.now
    for _ in range(2):
        dog.check(stages(step, other))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "capture hangs: a step takes more than 2.5 s"),
        ("ERROR", "inference hangs: a step takes more than 2.5 s"),
        ("WARNING", "inference goes on"),
    ]


def test_while_one_stage_hangs_there_is_no_sign_and_one_comes_at_once_when_it_goes_on(clock: Clock) -> None:
    dog, signs = watchdog(3.0)
    step = Step(clock.now - 1)
    for _ in range(10):
        dog.check(stages(step, Step(clock.now + 99)))
        clock.now += 1.0
    assert signs.count == 0
    step.due = clock.now + 1
    dog.check(stages(step))
    assert signs.count == 1
