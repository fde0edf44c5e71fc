"""``edged doctor`` for people and for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from edged.cli.doctor import _lines, _summary
from edged.service.doctor.finding import bad, ok, warning

TOPICS = {"python", "libraries", "engine", "delegate", "camera", "temperature", "memory", "clock", "state", "disk"}


def test_this_machine_with_a_configuration(tmp_path: Path, demo: Path) -> None:
    config = tmp_path / "edged.yaml"
    config.write_text(
        f"cameras: {{street: {{source: 'file:{demo}/street.mp4'}}}}\n"
        f"references: {{empty: {{images: ['{demo}/path-empty.jpg']}}}}\n"
        "publish: {endpoints: ['pub+bind:ipc://pub.sock']}\n"
    )
    command = [sys.executable, "-m", "edged", "doctor", "--json", "-c", str(config)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=100)
    assert done.stderr == ""
    printed = json.loads(done.stdout)
    findings = printed["findings"]
    assert {finding["topic"] for finding in findings} >= TOPICS
    assert [finding for finding in findings if finding["level"] == "bad" and not finding["cure"]] == []
    assert any("runs the bundled model" in finding["text"] for finding in findings)
    assert [finding["text"] for finding in findings if finding["topic"] == "configuration"] == [
        f"{config}: cameras: 1, references: 1, model: efficientnet-lite0: all of it can be used"
    ]
    assert [finding["level"] for finding in findings if finding["topic"] == "endpoint"] == ["ok"]
    assert (done.returncode, printed["ok"]) == (0, True), findings


def test_a_line_has_its_cure_below() -> None:
    assert list(_lines(ok("clock", "synchronised"))) == ["ok       clock          synchronised"]
    assert list(_lines(bad("state", "lost", "find it"))) == [
        "bad      state          lost",
        "                        cure: find it",
    ]


def test_the_last_line_is_a_summary() -> None:
    lines = [ok("a", "b"), warning("a", "b")]
    assert _summary(lines[:1]) == "edged would run here, and all is well"
    assert _summary(lines) == "edged would run here; warnings: 1"
    assert _summary([*lines, bad("a", "b", "c")]) == "edged would not work here: 1 of 3 lines are bad"
