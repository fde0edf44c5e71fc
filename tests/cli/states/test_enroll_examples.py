"""``edged enroll --state``: one example after the other, and its end by Ctrl-C or a refusal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import cast

import pytest

from edged.cli.console import EXIT_INTERRUPTED
from edged.cli.states.enroll_examples import enroll_examples
from edged.client.control import ControlClient
from edged.errors import ControlError
from edged.wire.control_requests import Enroll
from edged.wire.control_results import ExampleInfo, SetReport, SetResult

REQUEST = Enroll(name="bay", state="empty", camera="dock", region="bay", frames=2)


class Daemon:
    """A daemon that enrolls examples until it comes to one of *ends*."""

    def __init__(self, ends: Sequence[BaseException | None] = ()) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.times: list[float] = []
        self._ends = ends

    def enroll_state(self, *request: object, frames: int) -> SetResult:
        number = len(self.asked)
        if number < len(self._ends) and (end := self._ends[number]) is not None:
            raise end
        self.asked.append((*request, frames))
        self.times.append(time.monotonic())
        example = ExampleInfo(
            id=f"{number:016x}", state="empty", camera="dock", region="bay", t_wall_us=0, thumbnail=""
        )
        known = SetReport(
            name="bay",
            origin="enrolled",
            places=("dock/bay",),
            states=("empty", "truck"),
            counts={"empty": number + 1, "truck": 3},
            learned=True,
            objection="it errs",
            summary=f"{number + 1} empty, 3 truck",
            advice="add two",
            examples=(example,),
        )
        return SetResult(name="bay", changed=(example,), set=known, similarities=(1.0, 0.5), outliers=(1,))


def enroll(daemon: Daemon, count: int, every: float) -> int:
    return enroll_examples(cast(ControlClient, daemon), REQUEST, count, every)


def test_so_many_examples_are_enrolled_with_time_in_between(capsys: pytest.CaptureFixture[str]) -> None:
    daemon = Daemon()
    assert enroll(daemon, 3, 0.2) == 0
    assert daemon.asked == [("bay", "empty", "dock", "bay", 2)] * 3
    assert daemon.times[2] - daemon.times[0] >= 0.35
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 of 3: empty, dock/bay at ")
    assert lines[0].endswith(", 1 frame showed something else; the next one in 0.2 s")
    assert "next one" not in lines[2]
    assert lines[3:] == ["bay: 3 empty, 3 truck", "bay decides by what it learned before: it errs", "next: add two"]


def test_ctrl_c_keeps_what_was_enrolled_and_reports_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert enroll(Daemon([None, None, KeyboardInterrupt()]), 5, 0) == EXIT_INTERRUPTED
    printed = capsys.readouterr()
    assert printed.err == "edged enroll: 2 of 5 are enrolled; one that was being taken may be kept as well\n"
    assert printed.out.splitlines()[2] == "bay: 2 empty, 3 truck"


def test_ctrl_c_before_the_first_one_reports_that_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert enroll(Daemon([KeyboardInterrupt()]), 5, 0) == EXIT_INTERRUPTED
    printed = capsys.readouterr()
    assert printed.err.startswith("edged enroll: 0 of 5 are enrolled; ")
    assert not printed.out


def test_a_refusal_ends_it_after_what_was_enrolled_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ControlError, match="camera dock is lost"):
        enroll(Daemon([None, ControlError("no-frames", "camera dock is lost")]), 5, 0)
    printed = capsys.readouterr()
    assert printed.err == "edged enroll: 1 of 5 are enrolled\n"
    assert printed.out.splitlines()[1] == "bay: 1 empty, 3 truck"


def test_one_that_is_kept_counts_also_where_nothing_was_learned_from_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ControlError, match="on the disk"):
        enroll(Daemon([None, ControlError("not-learned", "the change is on the disk")]), 5, 0)
    assert capsys.readouterr().err == "edged enroll: 2 of 5 are enrolled\n"
