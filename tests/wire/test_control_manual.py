"""The manual of the control socket: complete."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from edged.enrolled import MOST
from edged.service.control.server import MOST_JOBS, MOST_PREVIEWS
from edged.transport.zmtp.router_end import MAX_MESSAGE_BYTES
from edged.wire import control as wire
from edged.wire import control_requests as requests
from edged.wire import control_results as results
from edged.wire.control_schema import RESULTS

MANUAL = (Path(__file__).parent.parent.parent / "docs" / "control.md").read_text()


def section(op: str) -> str:
    return MANUAL.partition(f"\n### `{op}`\n")[2].partition("\n### ")[0].partition("\n## ")[0]


@pytest.mark.parametrize("op", requests.REQUESTS)
def test_the_manual_has_every_key_of_a_request_and_of_its_result(op: str) -> None:
    told = set(re.findall(r"`(\w+)`", section(op)))
    for cls in (requests.REQUESTS[op], *RESULTS[op]):
        assert {member.name for member in dataclasses.fields(cls)} <= told


def test_the_manual_has_every_key_of_the_parts_of_a_result() -> None:
    for cls, op in (
        (results.ReferenceInfo, "references"),
        (results.PictureInfo, "snapshot"),
        (results.CameraReport, "status"),
        (results.SetReport, "states"),
        (results.ReviewInfo, "review"),
        (results.RecentInfo, "recent"),
        (results.ExampleInfo, "states"),
    ):
        assert {member.name for member in dataclasses.fields(cls)} <= set(re.findall(r"`(\w+)`", section(op)))


def test_the_manual_has_every_code_and_the_limits() -> None:
    table = MANUAL.partition("why a request is refused")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z-]+)`", table, re.MULTILINE)) == set(wire.CODES)
    assert f"at most {wire.MAX_REQUEST_BYTES} bytes" in MANUAL
    assert f"may have {wire.MAX_TRIAL_BYTES} bytes" in MANUAL
    assert f"more\nthan {MAX_MESSAGE_BYTES >> 10} KiB in a message" in MANUAL
    shortest, longest = requests.TRIAL_SECONDS
    assert f"{shortest}…{longest}, default {requests.DEFAULT_TRIAL_SECONDS}" in MANUAL
    assert f"of at most {wire.MAX_REPLY_BYTES >> 20} MiB" in MANUAL
    assert f"at most {wire.MAX_ID_LENGTH} characters" in MANUAL
    assert f"1…{requests.MOST_FRAMES}, default {requests.DEFAULT_FRAMES}" in MANUAL
    assert f"0…{requests.LONGEST_SECONDS}" in MANUAL
    assert f"({MOST_JOBS} requests, or {MOST_PREVIEWS} previews)" in MANUAL
    assert f"{requests.WIDTHS[0]}…{requests.WIDTHS[1]}, default {requests.DEFAULT_WIDTH}" in MANUAL
    assert f"{requests.QUALITIES[0]}…{requests.QUALITIES[1]}, default {requests.DEFAULT_QUALITY}" in MANUAL
    assert f"Up to {MOST} can be enrolled" in MANUAL
