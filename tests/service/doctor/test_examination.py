"""Checks that hang, die or fail cost a line, and nothing more."""

from __future__ import annotations

import time

import pytest

from edged.service.doctor.child import findings_of
from edged.service.doctor.examination import Step, run_checks
from edged.service.doctor.finding import ok

HERE = "tests.service.doctor.misbehaving"


def test_findings_come_from_another_process() -> None:
    assert findings_of(f"{HERE}:well", "a.yaml", 30.0) == ([ok("topic", "looked at a.yaml")], None)


def test_output_of_libraries_does_not_disturb_findings() -> None:
    assert findings_of(f"{HERE}:chatter", None, 30.0) == ([ok("topic", "the point")], None)


@pytest.mark.parametrize(
    ("check", "end"), [("die", "died of SIGSEGV"), ("fail", "ended with status 1: ValueError: a bug")]
)
def test_a_check_that_dies_is_reported_with_its_findings_so_far(check: str, end: str) -> None:
    assert findings_of(f"{HERE}:{check}", None, 30.0) == ([ok("topic", "before")], end)


def test_a_check_that_hangs_is_ended() -> None:
    begin = time.monotonic()
    assert findings_of(f"{HERE}:hang", None, 1.0)[1] == "did not end within 1 s"
    assert time.monotonic() - begin < 20.0


def test_other_checks_are_reported_all_the_same_and_in_order() -> None:
    steps = [Step(name, f"{HERE}:{name}", 30.0) for name in ("die", "well")]
    texts = [(finding.level, finding.text) for finding in run_checks(steps, None)]
    assert texts == [("ok", "before"), ("warning", "the check die died of SIGSEGV"), ("ok", "looked at None")]
