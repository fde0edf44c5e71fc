"""``edged review``: the list, the answers of scripts, and the questions in a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edged.cli import main
from edged.cli.states.review_answers import chosen_state
from edged.errors import ControlError
from edged.wire import control_requests as requests
from edged.wire import control_results as results
from tests.scripted_daemon import ScriptedDaemon, example, set_report

STATES = ("empty", "truck", "trailer")
IDS = tuple(f"{number:016x}" for number in range(4))


def entry(number: int, answer: str | None = None) -> results.ReviewInfo:
    return results.ReviewInfo(
        id=IDS[number],
        guess="truck",
        p=0.5 + number / 10,
        camera="dock",
        region="bay",
        t_wall_us=1_795_325_797_000_000,
        thumbnail=f"/var/lib/edged/review/bay.{IDS[number]}.png",
        answer=answer,
    )


ENTRIES = (entry(0), entry(1), entry(2, "empty"), entry(3))


def reply(request: requests.Request) -> results.Result | ControlError:
    """An answer of truck waits for one of empty, an answer of empty is learned, and the last picture is gone."""
    match request:
        case requests.ListReview(name="bay"):
            return results.ReviewResult(name="bay", states=STATES, entries=ENTRIES)
        case requests.ListReview():
            return ControlError("invalid", "door is not reviewed: write 'review: true' there (edged.yaml:9)")
        case requests.Answer() if request.picture == IDS[3]:
            return ControlError("not-found", f"there is no picture {IDS[3]} to review")
        case requests.Answer(state="truck"):
            return results.AnswerResult(
                name="bay", picture=request.picture, state="truck", waiting={"truck": 2}, waits_for=("empty", "trailer")
            )
        case requests.Answer(state=None):
            return results.AnswerResult(name="bay", picture=request.picture, state=None, waiting={})
        case requests.Answer():
            made = example(1, "truck"), example(2)
            known = set_report("bay", *made, advice="add 2 of empty")
            return results.AnswerResult(
                name="bay", picture=request.picture, state=request.state, waiting={}, changed=made, set=known
            )
    raise AssertionError(request)


Run = Callable[..., tuple[str, list[requests.Request]]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str, status: int = 0) -> tuple[str, list[requests.Request]]:
        with ScriptedDaemon(tmp_path / "control.sock", reply).running() as daemon:
            assert main(["review", *arguments, "--socket", str(daemon.path)]) == status
        told = capsys.readouterr()
        return told.err if status else told.out, daemon.requests

    return run


def test_the_pictures_are_listed_with_their_paths(run: Run) -> None:
    out, _ = run("bay")
    title, *rows = out.splitlines()
    assert title.split() == ["Picture", "Guess", "P", "From", "Answer", "File"]
    assert [row.split()[0] for row in rows] == list(IDS)
    assert rows[0].split()[1:4] == ["truck", "0.50", "dock/bay,"]
    assert "empty, waits" in rows[2]
    assert rows[3].rstrip().endswith(f"/var/lib/edged/review/bay.{IDS[3]}.png"), "in one line, without a terminal"


def test_programs_get_json(run: Run) -> None:
    found = json.loads(run("bay", "--json")[0])
    assert (found["name"], found["states"]) == ("bay", list(STATES))
    assert [each["answer"] for each in found["entries"]] == [None, None, "empty", None]
    out, _ = run("bay", "--json", "--answer", f"{IDS[0]}=truck", f"{IDS[1]}=empty")
    waits, learned = map(json.loads, out.splitlines())
    assert (waits["waiting"], waits["waits_for"]) == ({"truck": 2}, ["empty", "trailer"])
    assert learned["set"]["learned"]


def test_a_script_answers_and_discards(run: Run) -> None:
    out, sent = run("bay", "--answer", f"{IDS[0]}=truck", f"{IDS[1]}=empty", "--discard", IDS[2])
    assert out.splitlines() == [
        f"{IDS[0]} is kept as truck: 2 answers of truck so far",
        "learned with the next one of empty or trailer: answers of one state alone make a set worse",
        "1 example of truck and 1 example of empty of bay learned",
        "bay: 1 empty, 1 truck; and what this proves",
        "next: add 2 of empty",
        f"{IDS[2]} is discarded",
    ]
    assert sent[1:] == [
        requests.Answer(picture=IDS[0], state="truck"),
        requests.Answer(picture=IDS[1], state="empty"),
        requests.Answer(picture=IDS[2], discard=True),
    ]


def test_a_refusal_has_the_cure(run: Run) -> None:
    out, _ = run("door", status=1)
    assert out == "edged: door is not reviewed: write 'review: true' there (edged.yaml:9)\n"
    out, sent = run("door", "--answer", f"{IDS[0]}=open", status=1)
    assert "door is not reviewed" in out
    assert len(sent) == 1


def test_a_set_without_pictures_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = results.ReviewResult(name="bay", states=STATES, entries=())
    with ScriptedDaemon(tmp_path / "control.sock", lambda _: empty).running() as daemon:
        assert main(["review", "bay", "--socket", str(daemon.path)]) == 0
    assert capsys.readouterr().out.startswith("There is nothing to review of bay yet: ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--answer", IDS[0]], "--answer: must be ID=STATE, such as 5f0c2a9be41d7788=truck"),
        (["--answer", "7=truck"], "picture: must be 16 digits from 0-9a-f, as 'edged review' lists them"),
        (["--answer", f"{IDS[0]}=unknown"], "state: must not be unknown"),
        (["--answer", f"{IDS[0]}=Truck"], "state: must start with a letter a-z or a digit"),
        (["--discard", "all"], "picture: must be 16 digits from 0-9a-f"),
    ],
)
def test_wrong_arguments_are_refused_before_any_connection(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["review", "bay", *arguments]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        ("1", "empty"),
        ("3", "trailer"),
        ("e", "empty"),
        ("tru", "truck"),
        ("truck", "truck"),
        ("tr", None),
        ("0", None),
        ("4", None),
        ("9" * 5000, None),
        ("²", None),
        ("", None),
        ("x", None),
    ],
)
def test_a_state_is_chosen_by_its_number_or_its_first_letters(typed: str, chosen: str | None) -> None:
    assert chosen_state(typed, STATES) == chosen


def test_a_state_whose_name_begins_another_is_chosen_by_its_name() -> None:
    assert chosen_state("open", ("opened", "open")) == "open"
    assert chosen_state("ope", ("opened", "open")) is None


def in_terminal(daemon: ScriptedDaemon, typed: str) -> str:
    """What the command shows in a terminal in which that is typed."""
    master, slave = os.openpty()
    command = [sys.executable, "-m", "edged", "review", "bay", "--socket", str(daemon.path)]
    environment = {**os.environ, "TERM": "dumb", "COLUMNS": "120"}
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        os.write(master, typed.encode())
        shown = b""
        try:
            while chunk := os.read(master, 4096):
                shown += chunk
        except OSError:  # the terminal has no more writers
            pass
        assert process.wait(20) == 0, shown
    os.close(master)
    return shown.decode().replace("\r\n", "\n")


def test_a_terminal_asks_for_each_picture_that_has_no_answer(tmp_path: Path) -> None:
    with ScriptedDaemon(tmp_path / "control.sock", reply).running() as daemon:
        shown = in_terminal(daemon, "what\ntr\ntru\nd\n1\n")
    assert daemon.requests[1:] == [
        requests.Answer(picture=IDS[0], state="truck"),
        requests.Answer(picture=IDS[1], discard=True),
        requests.Answer(picture=IDS[3], state="empty"),
    ]
    assert shown.count("Type 1 or empty, 2 or truck, 3 or trailer, or the first letters of a state; s to skip, ") == 3
    assert f"1 of 3: dock/bay, truck 0.50?\n/var/lib/edged/review/bay.{IDS[0]}.png\n" in shown
    assert "learned with the next one of empty or trailer: answers of one state alone make a set worse\n" in shown
    assert f"{IDS[1]} is discarded\n" in shown
    assert f"there is no picture {IDS[3]} to review\n" in shown


@pytest.mark.parametrize("typed", ["s\nq\n", "s\n\x04"])
def test_skipping_and_quitting_answer_nothing(tmp_path: Path, typed: str) -> None:
    with ScriptedDaemon(tmp_path / "control.sock", reply).running() as daemon:
        shown = in_terminal(daemon, typed)
    assert len(daemon.requests) == 1
    assert "2 of 3: " in shown
    assert "3 of 3: " not in shown
