"""``edged bench``, with the daemon that it starts."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from edged.bench.record import STAGES


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edged", "bench", "--model", "efficientnet-lite0-int8", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=90)


def test_a_record_tells_where_the_time_of_a_frame_goes() -> None:
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


def test_a_person_gets_a_page() -> None:
    done = bench("--seconds", "0.5", "--source", "pattern:320x240")
    assert done.returncode == 0, done.stderr
    assert "efficientnet-lite0-int8 on " in done.stdout
    assert "times the bare invoke()" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["--source", "junk"], 78, "cameras.bench1.source: must begin with file:"),
        (["--source", "file:/absent.mp4"], 1, "cameras.bench1.source: /absent.mp4: no such file"),
        (["--source", "usb:/dev/video77"], 1, "the camera is lost: /dev/video77: there is no such device"),
        (["--model", "nope"], 78, "model.name: there is no bundled model 'nope'"),
        (["--fps", "0"], 2, "--fps: must be a number greater than 0"),
        (["--threads", "65"], 2, "--threads: must be a whole number in 1…64"),
    ],
)
def test_what_cannot_be_measured_is_told_in_the_words_of_the_command(
    arguments: list[str], status: int, sentence: str
) -> None:
    done = bench(*arguments)
    assert done.returncode == status
    assert sentence in done.stderr
    assert "bench.yaml" not in done.stderr
    assert done.stdout == ""
