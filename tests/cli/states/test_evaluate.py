"""``edged states --evaluate`` measures a set on labelled pictures, with the daemon's own model and examples."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edged.cli import main
from edged.cli.states.evaluation_text import Evaluation, as_text
from edged.states.evaluation import Judged
from edged.values import StateAnswer

CONFIG = """\
model: {name: efficientnet-lite0-int8}
cameras: {street: {source: "pattern:"}}
states: {path: {for: [street], of: [empty, people], images: {empty: [empty.png], people: [people.png]}}}
"""


def scene(people: int, light: float = 1.0) -> NDArray[np.uint8]:
    """A path of stones, with dark figures on it."""
    stones = np.random.default_rng(5).integers(90, 190, (12, 16, 3)).astype(np.uint8)
    picture = cv2.resize(stones, (160, 120), interpolation=cv2.INTER_CUBIC)
    for number in range(people):
        cv2.ellipse(picture, (45 + 60 * number, 60), (14, 45), 0, 0, 360, (20, 20, 160), -1)
    return np.clip(picture * light, 0, 255).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with an example of each state, and labelled pictures."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    (tmp_path / "edged.yaml").write_text(CONFIG)
    for name, people in (("empty", 0), ("people", 2)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), scene(people))
        (tmp_path / "labelled" / name).mkdir(parents=True)
        for number in range(3):
            cv2.imwrite(str(tmp_path / f"labelled/{name}/{number}.png"), scene(people, 0.9 + number / 10))
    return tmp_path


def evaluate(folder: Path, *more: str) -> int:
    return main(["states", "--evaluate", str(folder / "labelled"), "-c", str(folder / "edged.yaml"), *more])


def test_it_prints_what_pictures_are_taken_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(folder) == 0
    out = capsys.readouterr().out
    assert out.startswith("path: 6 labelled pictures, 6 answered, 0 of them wrong: expect at most about 1 in ")
    assert "0 %" not in out
    assert out.split("\n\n")[1].splitlines() == [
        "labelled       empty    people   unknown",
        "empty              3         0         0",
        "people             0         3         0",
    ]


def test_a_picture_in_the_wrong_folder_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(folder / "labelled/people/1.png", folder / "labelled/empty/oops.png")
    assert evaluate(folder, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["answered"], found["wrong"]) == (7, 1)
    assert found["suspects"] == ["empty/oops.png"]


def test_it_writes_nothing_and_needs_no_daemon(folder: Path) -> None:
    before, level = sorted(folder.rglob("*")), logging.getLogger("edged").level
    assert evaluate(folder) == 0
    assert sorted(folder.rglob("*")) == before
    assert logging.getLogger("edged").level == level


def test_a_picture_that_cannot_be_read_is_reported_and_the_others_count(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "labelled/empty/x.png").write_bytes(b"junk")
    assert evaluate(folder) == 1
    shown = capsys.readouterr()
    assert shown.out.startswith("path: 6 labelled pictures")
    assert "edged states: " in shown.err
    assert "x.png" in shown.err


def test_wrong_folders_and_names_are_refused_with_what_is_right(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(folder, "bay") == 1
    assert "name one of the sets: path (got bay)" in capsys.readouterr().err
    (folder / "labelled/lorry").mkdir()
    assert evaluate(folder) == 1
    assert "a folder of pictures for each state: empty, people (got lorry)" in capsys.readouterr().err
    assert main(["states", "--evaluate", str(folder)]) == 2
    assert "needs -c FILE" in capsys.readouterr().err


def test_examples_are_asked_for_in_a_light_that_has_none() -> None:
    answer = StateAnswer("path", "empty", (("empty", 0.9), ("people", 0.1)), 0.2)
    judged = [Judged.of(f"{light}.png", "empty", answer, light) for light in ("daylight", "infrared", "dark")]
    text = as_text(Evaluation("path", ("empty", "people"), judged, {"daylight": 4, "dark": 1}, []))
    assert "next: add examples in this light, of which there is none: infrared\n" in text
