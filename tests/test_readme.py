"""The README tells the truth: its programs run, its configuration loads, its links and commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from edged.cli import COMMANDS
from edged.config import load_text
from edged.wire import Match, SetState
from tests.publishing import Publisher, vec

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_library_example_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    [example] = [block for block in blocks("python") if "vision" in block]
    monkeypatch.chdir(ROOT)
    exec(compile(example, "README.md", "exec"), {})
    assert 0.3 < float(capsys.readouterr().out) < 0.9


def test_the_subscriber_has_ten_lines_at_most_and_prints_whether_the_path_is_empty(tmp_path: Path) -> None:
    [example] = [block for block in blocks("python") if "Subscriber" in block]
    assert len([line for line in example.splitlines() if line.strip()]) <= 10
    address = f"ipc://{tmp_path}/pub.sock"
    program = example.replace("tcp://127.0.0.1:5556", address)
    assert program != example
    with Publisher(address) as publisher:
        command = [sys.executable, "-u", "-c", program]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as subscriber:
            assert subscriber.stdout is not None
            try:
                publisher.wait_for_subscription()
                for seq, (score, state) in enumerate(((0.95, "empty"), (0.7, "people"))):
                    answer = SetState("path", state, {"empty": 0.9, "people": 0.9}, 0.5)
                    publisher.send(vec(seq, sims=(Match("path-empty", score),), refs=1, states=(answer,)))
                told = [subscriber.stdout.readline().strip() for _ in range(2)]
            finally:
                subscriber.kill()
    assert told == [
        "street path path empty (1280,) {'path-empty': 0.95}",
        "street path path people (1280,) {'path-empty': 0.7}",
    ]


def test_the_configuration_loads(demo: Path) -> None:
    [example] = blocks("yaml")
    config = load_text(example, demo / "edged.yaml").config
    assert list(config.cameras) == ["street"]


def test_every_command_is_listed() -> None:
    listed = set(re.findall(r"^\| `edged (\w+)", README, re.MULTILINE))
    assert listed == set(COMMANDS)


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []
