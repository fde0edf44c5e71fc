"""``edged tune`` as people use it, on recordings made for these tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from edged.cli import main
from edged.recording import Recorder
from edged.wire import Match, Message, encode
from tests.publishing import status, vec

pytestmark = pytest.mark.once

Run = Callable[..., tuple[int, str, str]]

NOISE = np.random.default_rng(1).normal(0, 0.003, 100_000)


def shown(count: int, *, there: float = 0.9, away: float = 0.5, start: int = 0, **other: Any) -> list[Message]:
    """A reference that is away and there for ten seconds each, ten scores a second."""
    return [
        vec(
            number,
            t_cap_us=number * 100_000,
            t_wall_us=1_700_000_000_000_000 + number * 100_000,
            sims=(Match("cat", float((there if number // 100 % 2 else away) + NOISE[number])), Match("dog", 0.1)),
            **other,
        )
        for number in range(start, start + count)
    ]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Record the messages, and run ``edged tune cat`` on them: exit status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def record_and_run(
        messages: Iterable[Message], *arguments: str, reference: str = "cat", draws: bool = False
    ) -> tuple[int, str, str]:
        with Recorder("day.edged", overwrite=True) as recorder:
            for number, message in enumerate(messages):
                recorder.record(encode(message), number)
        picture = [] if draws else ["--no-png"]  # each costs a second
        status = main(["tune", reference, "day.edged", *arguments, *picture])
        out, err = capsys.readouterr()
        return status, out, err

    return record_and_run


def test_it_prints_a_proposal_the_reason_the_events_and_lines_to_paste(run: Run) -> None:
    status, out, err = run(shown(600), draws=True)
    assert (status, err) == (0, "")
    assert out.startswith("cat in porch/street/path: 600 scores in 59.9 s\n\nProposed: enter 0.7")
    assert "  there  0.9" in out
    assert "  away   0.5" in out
    assert "would have made 3 events:" in out
    assert "10.0 s to 20.0 s        10.0 s, peak 0.91: left\n" in out
    assert "50.0 s to 59.9 s         9.9 s, peak 0.91: still open at the end\n" in out
    snippet = yaml.safe_load(out[out.index("references:") : out.index("Drawn in")])
    assert 0.5 < snippet["references"]["cat"]["leave"] < 0.7 < snippet["references"]["cat"]["enter"] < 0.9
    picture = cv2.imread("tune-cat.png")
    assert picture is not None
    assert picture.shape[0] > 300 < picture.shape[1]


def test_json_is_one_object(run: Run) -> None:
    status, out, _ = run(shown(600), "--json", "--png", "other.png", draws=True)
    printed = json.loads(out)
    assert (status, printed["reference"], printed["region"], printed["png"]) == (0, "cat", "path", "other.png")
    assert printed["proposal"]["there"]["median"] == pytest.approx(0.9, abs=0.01)
    assert [(event["begin"], event["end"]) for event in printed["events"]] == [(10, 20), (30, 40), (50, 59.9)]
    assert [event["reason"] for event in printed["events"]] == ["left", "left", None]
    assert printed["events"][0]["begin_wall_us"] == 1_700_000_010_000_000
    assert printed["reason"] is None


def test_scores_of_one_group_are_drawn_without_a_proposal(run: Run) -> None:
    status, out, _ = run(shown(300, away=0.9), draws=True)
    assert status == 1
    assert "No thresholds can be proposed: the scores form one group, around 0.9" in out
    assert "references:" not in out
    assert Path("tune-cat.png").exists()


def test_thresholds_of_the_user_are_tried(run: Run) -> None:
    status, out, _ = run(shown(300, away=0.9), "--enter", "0.8", "--min-seconds", "12", "--cooldown-seconds", "3")
    assert status == 0
    assert "enter 0.8 and leave 0.77 would have made 1 event:" in out
    assert "    enter: 0.8\n    leave: 0.77\n    min_seconds: 12\n    cooldown_seconds: 3\n" in out
    assert "would have made 0 events.\n" in run(shown(300), "--enter", "0.8", "--min-seconds", "12")[1]


def test_a_lost_camera_and_a_restart_end_an_event_as_in_the_daemon(run: Run) -> None:
    messages = shown(150)
    messages += [status(state="lost"), *shown(20, start=160), *shown(20, start=190, run="another")]
    _, out, _ = run(messages, "--enter", "0.8", "--json")
    printed = json.loads(out)
    assert [(event["begin"], event["end"], event["reason"]) for event in printed["events"]] == [
        (10.0, 14.9, "camera-lost"),
        (16.0, 17.9, "stopped"),
        (19.0, 20.0, "left"),
    ]


def test_one_of_several_places_must_be_chosen(run: Run) -> None:
    messages = shown(300) + shown(300, region="door") + shown(300, camera="yard", node="shed")
    status, _, err = run(messages)
    assert status == 2
    assert "porch/street/door, porch/street/path, shed/yard/path: choose one with --node, --camera and --reg" in err
    assert run(messages, "--region", "door")[0] == 0
    assert "cat in shed/yard/path: 300 scores" in run(messages, "--node", "shed")[1]
    assert "has no score in what" in run(messages, "--camera", "yard", "--region", "door")[2]


def test_of_very_many_places_only_some_are_listed(run: Run) -> None:
    _, _, err = run([message for n in range(30) for message in shown(2, region=f"r{n:02}")])
    assert "porch/street/r08, porch/street/r09 and 20 more: choose one with" in err


def test_missing_scores_are_reported(run: Run) -> None:
    assert run(shown(10), reference="bird")[::2] == (
        1,
        "edged tune: day.edged: has no scores of bird, only of cat, dog\n",
    )
    assert "has no scores; record vec messages" in run([status()])[2]
    assert "there are only 10 scores" in run(shown(10))[1]


def test_scores_of_another_model_are_left_out(run: Run) -> None:
    _, out, err = run(shown(100, there=0.2, away=0.2) + shown(600, start=100, space_id="other"))
    assert "cat in porch/street/path: 600 scores" in out
    assert err == "edged tune: 100 scores of another model come before; they are left out\n"


def test_the_messages_before_a_cut_are_used(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(shown(600))
    recording = tmp_path / "day.edged"
    recording.write_bytes(recording.read_bytes()[:-1000])
    assert main(["tune", "cat", "day.edged", "--no-png"]) == 0
    out, err = capsys.readouterr()
    assert "599 scores" in out
    assert "is cut off after 599 whole messages" in err
    recording.write_bytes(b"no recording")
    assert main(["tune", "cat", "day.edged"]) == 1
    assert capsys.readouterr().err == "edged: day.edged: is not a recording of edged\n"


def test_absurd_numbers_in_a_recording_do_no_harm(run: Run) -> None:
    messages = shown(300)
    far = (1 << 63) - 1
    messages += [vec(1, t_cap_us=far, t_wall_us=far, sims=(Match("cat", 1e300),)), *shown(300, start=300)]
    messages += [vec(1, t_cap_us=-far, t_wall_us=-far, sims=(Match("cat", -1e300),)), *shown(100, start=600)]
    status, out, err = run(messages, draws=True)
    assert (status, err) == (0, "")
    assert "702 scores" in out


def test_a_picture_that_cannot_be_written_costs_only_the_picture(run: Run) -> None:
    status, out, err = run(shown(600), "--png", "no/folder.png", draws=True)
    assert status == 0
    assert err == "edged tune: no/folder.png: cannot be written: No such file or directory\n"
    assert "Proposed" in out
    assert "Drawn" not in out


def test_without_matplotlib_it_proposes_and_prints_how_to_install_it(run: Run, tmp_path: Path) -> None:
    run(shown(600))
    (tmp_path / "matplotlib.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'matplotlib'\", name=__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-m", "edged", "tune", "cat", "day.edged"], capture_output=True, text=True, check=True
    )
    assert "Proposed: enter" in done.stdout
    assert done.stderr.startswith("edged tune: nothing is drawn, because matplotlib is not installed: pip install")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--enter", "2"], "must be a number from -1 to 1 (got '2')"),
        (["--enter", "nan"], "must be a number from -1 to 1 (got 'nan')"),
        (["--min-seconds", "-1"], "must be a number from 0 on (got '-1')"),
        (["--camera", "Street"], "must start with a letter"),
        (["--leave", "0.5"], "--leave goes with --enter"),
        (["--enter", "0.5", "--leave", "0.6"], "--leave must be at most --enter (got 0.6 and 0.5)"),
    ],
)
def test_wrong_arguments_are_reported_with_status_2(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(["tune", "cat", "day.edged", *arguments])
    except SystemExit as ended:
        status = int(ended.code or 0)
    assert status == 2
    assert why in capsys.readouterr().err
