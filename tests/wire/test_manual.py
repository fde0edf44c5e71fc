"""The manual of the wire format: complete, and its examples run."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from edged.wire import (
    MAX_HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    Drops,
    FrameFormat,
    Latency,
    Match,
    Message,
    SetInfo,
    SetState,
)
from tests.publishing import Publisher, vec

MANUAL = (Path(__file__).parent.parent.parent / "docs" / "wire.md").read_text()


def keys_of_table(kind: str) -> set[str]:
    """The keys in the first column of the table under the heading of *kind*."""
    section = MANUAL.partition(f"\n## `{kind}`")[2].partition("\n## ")[0]
    first_cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return {key for cell in first_cells for key in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize("cls", get_args(Message))
def test_the_manual_has_every_key_and_no_others(cls: type[Message]) -> None:
    keys = {member.name for member in dataclasses.fields(cls)} - {"payload"}
    assert keys_of_table(cls.kind) == keys | {"v", "kind"}


def test_the_manual_names_the_parts_of_the_objects_and_the_limits() -> None:
    for cls in (Latency, Drops, FrameFormat):
        assert all(f"`{member.name}`" in MANUAL for member in dataclasses.fields(cls))
    sims = next(line for line in MANUAL.splitlines() if line.startswith("| `sims` |"))
    assert {member.name for member in dataclasses.fields(Match)} <= set(re.findall(r"\w+", sims))
    for key, part in (("states", SetState), ("sets", SetInfo)):
        row = next(line for line in MANUAL.splitlines() if line.startswith(f"| `{key}` |"))
        assert {member.name for member in dataclasses.fields(part)} <= set(re.findall(r"\w+", row))
    assert (MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES) == (1 << 20, 4 << 20)
    assert "at most 1 MiB" in MANUAL
    assert "at most 4 MiB" in MANUAL


def test_the_manual_names_every_literal_value() -> None:
    annotations = " ".join(str(words) for cls in get_args(Message) for words in cls.__annotations__.values())
    words = re.findall(r"['\"]([a-z][a-z0-9-]+)['\"]", annotations)
    assert {"running", "camera-lost", "l2"} <= set(words)
    assert [word for word in words if not re.search(rf"`\"?{word}\"?`", MANUAL)] == []


@pytest.mark.parametrize("number", [0, 1])
def test_the_programs_in_the_manual_run(number: int) -> None:
    program = re.findall(r"```python\n(.*?)```", MANUAL, re.DOTALL)[number]
    with Publisher("tcp://127.0.0.1:*") as publisher:
        assert program.count("tcp://127.0.0.1:5556") == 1
        program = program.replace("tcp://127.0.0.1:5556", publisher.address)
        with subprocess.Popen([sys.executable, "-u", "-c", program], stdout=subprocess.PIPE, text=True) as process:
            try:
                publisher.wait_for_subscription()
                publisher.send(vec(0))
                assert process.stdout is not None
                line = process.stdout.readline()
            finally:
                process.kill()
    assert line.startswith("street path ")
    assert "path-empty" in line
