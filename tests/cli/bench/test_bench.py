"""``edged bench``, with the daemon that it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from edged import __version__
from edged.bench.record import STAGES
from edged.vision.runtime.engine import installed_engines
from tests.fakes import eventually

pytestmark = pytest.mark.once

COMMAND = [sys.executable, "-m", "edged", "bench", "--model", "efficientnet-lite0-int8"]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=90)


def test_a_record_has_the_time_of_each_stage() -> None:
    done = bench("--seconds", "1", "--fps", "20", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["model"] == "efficientnet-lite0-int8"
    assert set(record["stages"]) == set(STAGES)
    for spread in record["stages"].values():
        assert 0 <= spread["p50"] <= spread["p95"] <= spread["p99"]
    stages = {name: spread["p50"] for name, spread in record["stages"].items()}
    assert stages["infer"] <= stages["total"] <= stages["delivered"]
    assert stages["decode"] <= stages["wait"]
    assert 0 < record["frames_per_second"] < 25
    assert record["floor"]["wall_ms"] > 0
    assert record["processor_ms_without_decoding"] > 0.5 * record["floor"]["processor_ms"]
    assert "inference" in record["usage"]["processor_ms"]  # the kernel counts in hundredths: others may have used none
    assert 50 < record["usage"]["memory_mib"] < 300
    assert (record["plan"]["fps"], record["edged"]) == (20, __version__)
    assert record["engine"].split()[0] in installed_engines()
    assert record["delegate"] in {"none", "xnnpack"}
    assert record["threads"] >= 1
    assert 0 < record["start_seconds"] < 60
    assert {"board", "cores", "governor", "temp_c", "throttled"} <= record["machine"].keys()


def test_without_json_it_prints_a_table() -> None:
    done = bench("--seconds", "0.5", "--source", "pattern:320x240")
    assert done.returncode == 0, done.stderr
    assert "efficientnet-lite0-int8 on " in done.stdout
    assert "times the bare invoke()" in done.stdout


def test_one_of_the_compared_records_is_chosen() -> None:
    engine = installed_engines()[0]
    done = bench("--compare", "--engine", engine, "--threads", "1", "--workers", "1", "--seconds", "0.3", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)  # of what was asked for there is only this one
    assert (record["model"], record["threads"], record["chosen"]) == ("efficientnet-lite0-int8", 1, True)
    assert record["engine"].startswith(f"{engine} ")


def test_sigterm_ends_the_daemon_too(tmp_path: Path) -> None:
    with subprocess.Popen([*COMMAND, "--seconds", "60"], env={**os.environ, "TMPDIR": str(tmp_path)}) as process:
        try:
            eventually(lambda: bool(list(tmp_path.glob("*/pub.sock"))), "the daemon publishes", 60)
        finally:
            process.terminate()
        assert process.wait(20) == 130
    assert list(tmp_path.iterdir()) == []
    assert [words for words in commands() if str(tmp_path) in words] == []


def commands() -> Iterator[str]:
    """The command line of each process."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended just now
            yield path.read_text(errors="replace")


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["--source", "junk"], 78, "cameras.bench1.source: must begin with file:"),
        (["--compare", "--source", "junk"], 78, "edged bench: cameras.bench1.source: must begin with file:"),
        (["--compare", "--delegate", "teapot"], 78, "edged bench: model.delegate: must be"),
        (["--source", "file:/absent.mp4"], 1, "cameras.bench1.source: /absent.mp4: no such file"),
        (["--source", "usb:/dev/video77"], 1, "the camera is lost: /dev/video77: there is no such device"),
        (["--model", "nope"], 78, "model.name: there is no bundled model 'nope'"),
        (["--fps", "0"], 2, "--fps: must be a number greater than 0"),
        (["--threads", "65"], 2, "--threads: must be a whole number in 1…64"),
    ],
)
def test_a_plan_that_cannot_run_is_reported_by_its_options(arguments: list[str], status: int, sentence: str) -> None:
    done = bench(*arguments)
    assert done.returncode == status
    assert "bench.yaml" not in done.stderr
    assert done.stderr.count(sentence) == 1
    assert done.stdout == ""
