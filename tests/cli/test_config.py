"""``edged config set`` and ``unset``: the file, what is printed, and the exit status."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edged.cli import main
from edged.config import load
from edged.config.edit.file import ConfigFile, NotWritableError

TEXT = """\
# of the porch
cameras:
  street:
    source: "pattern:64x48"  # for now
    regions:
      path: {left: 0.1}   # drawn
log:
  level: info
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "edged.yaml"
    file.write_text(TEXT)
    return file


def answered(file: Path, capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, dict[str, Any]]:
    status = main(["config", "set", "-c", str(file), "--json", *args])
    return status, json.loads(capsys.readouterr().out)


def test_values_are_set_and_the_file_before_is_kept(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "set", "-c", str(file), "cameras.street.regions.path.left", "0.2", "node", "porch"]) == 0
    assert file.read_text() == TEXT.replace("0.1", "0.2") + "node: porch\n"
    assert file.with_name("edged.yaml.bak").read_text() == TEXT
    assert "'edged reload' applies it" in capsys.readouterr().out
    assert load(file).config.node == "porch"


def test_values_are_removed(file: Path) -> None:
    assert main(["config", "unset", "-c", str(file), "log", "cameras.street.regions"]) == 0
    assert file.read_text() == '# of the porch\ncameras:\n  street:\n    source: "pattern:64x48"  # for now\n'


def test_a_dry_run_prints_the_difference_and_changes_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "set", "-c", str(file), "--dry-run", "log.level", "debug"]) == 0
    out = capsys.readouterr().out
    assert "-  level: info\n+  level: debug\n" in out
    assert file.read_text() == TEXT
    assert [each.name for each in file.parent.iterdir()] == ["edged.yaml"]


def test_a_dry_run_prints_no_password(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["config", "set", "-c", str(file), "--dry-run", "cameras.street.source", "rtsp://me:s3cr3t@camera/"]
    assert main(args) == 0
    out = capsys.readouterr().out
    assert "rtsp://***@camera/" in out
    assert "s3cr3t" not in out


def test_a_program_gets_one_answer_as_json(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"set": {"cameras.street.rotation": 90}, "unset": ["log.level"]}
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(changes).encode())))
    status, answer = answered(file, capsys, "--changes", "-")
    backup = str(file.with_name("edged.yaml.bak"))
    expected = {"ok": True, "changed": True, "backup": backup, "file": str(file), "warnings": []}
    assert (status, answer) == (0, expected)
    assert answered(file, capsys, "cameras.street.rotation", "90")[1] == expected | {"changed": False, "backup": None}


def test_what_would_be_wrong_is_not_written(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, answer = answered(file, capsys, "cameras.street.rotation", "45")
    assert (status, answer["ok"], answer["code"]) == (78, False, "config")
    assert answer["text"] == f"{file}:7:15: cameras.street.rotation: must be one of 0, 90, 180, 270 (got 45)"
    assert answer["yaml"] == "cameras:\n  street:\n    rotation: 45\n"
    assert file.read_text() == TEXT


def test_a_clip_that_is_not_there_is_not_written(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, answer = answered(file, capsys, "cameras.street.source", "file:nowhere.mp4")
    assert (status, answer["code"]) == (78, "config")
    assert "nowhere.mp4" in answer["text"]
    assert file.read_text() == TEXT


def test_a_problem_that_was_there_before_is_only_a_warning(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(TEXT + "publish: {top_k: 0}\n")
    status, answer = answered(file, capsys, "cameras.street.rotation", "90")
    assert status == 0
    assert ["publish.top_k" in warning for warning in answer["warnings"]] == [True]
    assert answered(file, capsys, "publish.top_k", "-1")[0] == 78


def test_a_file_that_may_not_be_written_gives_the_lines_to_paste(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: ConfigFile, old: bytes, new: bytes) -> None:
        raise NotWritableError(f"{self.path}: Permission denied")

    monkeypatch.setattr(ConfigFile, "replace", refuse)
    region = ("cameras.street.regions.bay", "{left: 0.2, right: 0.5}")
    lines = "cameras:\n  street:\n    regions:\n      bay: {left: 0.2, right: 0.5}\n"
    status, answer = answered(file, capsys, *region)
    assert (status, answer["code"], answer["yaml"]) == (1, "not-writable", lines)
    assert main(["config", "set", "-c", str(file), *region]) == 1
    printed = capsys.readouterr()
    assert printed.out == lines
    assert "Permission denied" in printed.err
    assert main(["config", "unset", "-c", str(file), "log.level", "cameras.street.mask"]) == 1
    assert capsys.readouterr().out == "# remove log.level\n", "there is no mask"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["node"], "give PATH VALUE"),
        ([], "give PATH VALUE"),
        (["a..b", "1"], "must be a path such as"),
        (["node", "[1"], "is not YAML"),
        (["node", "&a 1"], "must not have tags, anchors or aliases"),
        (["node", "[" * 40 + "]" * 40], "nested more than"),
        (["--changes", "/nowhere"], "cannot be read"),
    ],
)
def test_wrong_arguments_are_refused_in_words(
    file: Path, capsys: pytest.CaptureFixture[str], args: list[str], said: str
) -> None:
    status, answer = answered(file, capsys, *args)
    assert status in (1, 78)
    assert said in answer["text"]
    assert file.read_text() == TEXT


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", '{"put": {}}', '{"set": [1]}', '{"unset": [1]}', '{"set": {"a": NaN}}', "[" * 9999,
        '{"set": {"node": ' + '{"a": ' * 900 + "1" + "}" * 902, '{"set": {"node": "\\ud800"}}',
    ],
)  # fmt: skip
def test_wrong_changes_are_refused_in_words(
    file: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str
) -> None:
    (tmp_path / "changes.json").write_text(text)
    status, answer = answered(file, capsys, "--changes", str(tmp_path / "changes.json"))
    assert (status, answer["code"]) == (78, "config")


def test_many_at_once_all_come_to_pass(file: Path) -> None:
    command = [sys.executable, "-m", "edged", "config", "set", "-c", str(file)]
    running = [subprocess.Popen([*command, f"cameras.street.regions.r{number}", "{}"]) for number in range(4)]
    assert [process.wait(90) for process in running] == [0] * 4
    assert set(load(file).config.cameras["street"].regions) == {"path", "r0", "r1", "r2", "r3"}
