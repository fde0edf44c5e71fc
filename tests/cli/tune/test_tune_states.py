"""``edged tune`` on a set of states: what it answered in a recording, and what other settings would have decided."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from edged.cli import main
from edged.cli.tune.states import collect_answers
from edged.recording import Recorder
from edged.wire import Match, Message, SetState, encode
from tests.allocated import allocated
from tests.publishing import vec

pytestmark = pytest.mark.once

Run = Callable[..., tuple[int, str, str]]


def shown(p_of_truck: Sequence[float], **other: Any) -> list[Message]:
    """Ten frames a second of a bay, with these probabilities."""
    return [
        vec(
            number,
            t_cap_us=number * 100_000,
            t_wall_us=1_700_000_000_000_000 + number * 100_000,
            states=(SetState("bay", "unknown", {"empty": 1 - p, "truck": p}, 0.4),),
            **other,
        )
        for number, p in enumerate(p_of_truck)
    ]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Record the messages, and run ``edged tune bay`` on them: exit status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def record_and_run(messages: Sequence[Message], *arguments: str, name: str = "bay") -> tuple[int, str, str]:
        with Recorder("day.edged", overwrite=True) as recorder:
            for number, message in enumerate(messages):
                recorder.record(encode(message), number)
        status = main(["tune", name, "day.edged", *arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return record_and_run


COMES_AND_GOES = [0.05] * 100 + [0.98] * 3 + [0.05] * 50 + [0.97] * 100 + [0.05] * 50


def test_it_prints_how_often_other_settings_would_change(run: Run) -> None:
    status, out, err = run(shown(COMES_AND_GOES))
    assert (status, err) == (0, "")
    assert out.startswith("bay in porch/street/path: 303 answers in 30.2 s\n  empty             66.0%\n")
    rows = {line.split()[0]: line.split()[1] for line in out.split("\n\n")[1].splitlines()}
    assert rows["0"] == "5"  # the three frames in between count
    assert rows["0.5"] == rows["2"] == "3"
    assert rows["10"] == "0"  # nothing lasts that long
    assert "0.5         3  (the default)" in out
    assert out.endswith("Raise min_seconds if the state changes more often than the scene does.\n")


def test_many_unknown_answers_are_to_be_taught(run: Run) -> None:
    _, out, _ = run(shown([0.05] * 100 + [0.6] * 30 + [0.95] * 100))
    assert "  unknown           13.0%\n" in out
    assert "Many answers are unknown, the longest at" in out
    assert "for 3.0 s. Teach the set what it shows then:\n" in out
    assert out.endswith("  edged enroll bay --state STATE --camera street --region path\n")


def test_a_state_that_the_recording_never_shows_is_named(run: Run) -> None:
    _, out, _ = run(shown([0.05] * 100))
    assert out.endswith("The recording hardly shows truck: record until each state was there several times.\n")


def test_it_is_one_json_object_for_programs(run: Run) -> None:
    status, out, _ = run(shown(COMES_AND_GOES), "--json")
    found = json.loads(out)
    assert status == 0
    assert found["changes_by_min_seconds"] == {"0": 5, "0.5": 3, "1": 3, "2": 3, "5": 2, "10": 0}
    assert [change["state"] for change in found["changes"]] == ["empty", "truck", "empty"]
    assert found["changes"][1]["t_wall_us"] == 1_700_000_000_000_000 + 158 * 100_000


def test_several_places_are_a_choice_and_thresholds_are_refused(run: Run) -> None:
    both = [*shown([0.1] * 5), *shown([0.1] * 5, region="road")]
    status, _, err = run(both)
    assert status == 2
    assert "bay has answers in porch/street/path, porch/street/road: choose one" in err
    assert run(both, "--region", "road")[0] == 0
    status, _, err = run(shown([0.1] * 5), "--enter", "0.9")
    assert (status, err) == (2, "edged tune: bay is a set of states, which has no --enter\n")


def test_the_sets_of_a_recording_are_named_to_who_misspells_one(run: Run) -> None:
    status, out, err = run(shown([0.1] * 5, sims=(), refs=0), name="bya")
    assert (status, out, err) == (1, "", "edged tune: day.edged: has no scores of bya, only of bay\n")


def test_a_set_without_an_answer_in_the_chosen_region_is_reported(run: Run) -> None:
    status, _, err = run(shown([0.1] * 5), "--region", "door")
    expected = "edged tune: day.edged: bay has no answer in what --node, --camera and --region choose\n"
    assert (status, err) == (1, expected)


def test_a_daemon_that_starts_again_begins_anew() -> None:
    messages = [*shown([0.05] * 20), *shown([0.95] * 20, run="a" * 16)]
    (series,) = collect_answers(messages, "bay").series
    assert [(change.was, change.state) for change in series.changes(0.5)] == [
        ("unknown", "empty"),
        ("unknown", "truck"),
    ]


def test_an_answer_without_probabilities_is_passed_over() -> None:
    nothing = vec(0, states=(SetState("bay", "unknown", {}, None),))
    assert not collect_answers([nothing], "bay").series


def test_millions_of_answers_take_little_memory() -> None:
    def peak(hundreds: int) -> int:
        def collect() -> None:
            messages = (message for _ in range(hundreds) for message in shown([0.05, 0.95] * 50))
            (series,) = collect_answers(messages, "bay").series
            assert len(series) == hundreds * 100

        return allocated(collect).peak

    assert peak(150) - peak(50) < 60 * 10_000  # 24 bytes each, and as many again while an array grows


def test_one_group_of_scores_leads_to_states(run: Run) -> None:
    scores = [
        vec(n, t_cap_us=n * 100_000, t_wall_us=10**15 + n * 100_000, sims=(Match("cat", 0.9),)) for n in range(200)
    ]
    status, out, _ = run(scores, "--no-png", name="cat")
    assert status == 1
    joined = " ".join(out.split())
    assert "the scores form one group" in joined
    assert (
        "Enroll some of this state, and some of the other one when it is there: edged enroll SET --state cat" in joined
    )
