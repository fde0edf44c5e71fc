"""A daemon that is killed while pictures are answered, discarded and relabelled: is what it has promised there?

Three kills here; EDGED_ROUNDS=100 for more. The figures are printed with ``pytest -s``.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from edged.client.control import ControlClient
from edged.enrolled import ExampleStore, ReviewStore
from edged.errors import ControlError
from tests.service.control.reviewed_dock import ReviewedDock, daemon_process, waiting

pytestmark = pytest.mark.once

ROUNDS = int(os.environ.get("EDGED_ROUNDS", "3"))
MOST_CHANGES = 5  # before the one at which the daemon is killed
MOST = 20  # examples; then one is forgotten
GONE = "-"
STATES = ("empty", "truck")

Promised = dict[str, set[str]]
"""What each picture may be an example of, or an answer, by its id: one state, or two while a change is under way."""


def change_for_ever(
    daemon: ControlClient, promised: Promised, changed: list[str], timer: Callable[[float], None]
) -> None:
    """Answer, discard, relabel and forget pictures; *promised* is kept up with what the daemon replies.

    The id of each picture that was changed is added to *changed*. After some changes *timer* is called with the seconds
    that the slowest of them took.
    """
    longest, before_kill = 0.1, random.randrange(MOST_CHANGES)
    for number in count():
        if number == before_kill:
            timer(longest)
        begin = time.monotonic()
        examples = [each for info in daemon.states() if info.name == "bay" for each in info.examples]
        change = random.choice(("answer", "answer", "answer", "answer again", "discard", "relabel"))
        if len(examples) >= MOST:
            change = "forget"
        waits = [entry.id for entry in daemon.review("bay").entries if entry.answer is not None]
        if change in ("relabel", "forget") or (change == "answer again" and waits):
            ids = waits if change == "answer again" else [example.id for example in examples]
            if not ids:
                continue
            chosen = random.choice(ids)
        else:
            chosen = random.choice(waiting(daemon, 1)).id
        state = GONE if change in ("discard", "forget") else random.choice(STATES)
        before = promised.get(chosen)
        promised[chosen] = {*(before or {GONE}), state}
        try:
            if change == "forget":
                daemon.forget_examples("bay", example=chosen)
            elif change == "discard":
                daemon.discard(chosen)
            elif change == "relabel":
                daemon.relabel(chosen, state)
            else:
                daemon.answer(chosen, state)
        except ControlError as refusal:
            # The daemon still ends what the one before had begun; or a less sure picture has taken its place.
            is_gone = before is None and (refusal.code == "not-found" or "is gone" in str(refusal))
            if refusal.code != "busy" and not is_gone:
                raise
            promised |= {chosen: before or {GONE}}
        else:
            promised[chosen] = {state}
            changed.append(chosen)
            longest = max(longest, time.monotonic() - begin)


def change_until_killed(dock: ReviewedDock, process: subprocess.Popen[str], promised: Promised) -> int:
    """Return how many changes there were before *process* was killed."""
    changed: list[str] = []
    with ControlClient(dock.address) as daemon:
        waiting(daemon, 3)

        def kill_within(seconds: float) -> None:
            threading.Timer(random.uniform(0, 2 * seconds), process.kill).start()

        with pytest.raises(ControlError, match="no daemon answers"):
            change_for_ever(daemon, promised, changed, kill_within)
    assert process.wait(10) < 0, "it has died by itself"
    return len(changed)


def compare(folder: Path, promised: Promised) -> Promised:
    """Return what is there; fails if something that was promised is missing, or something is not whole."""
    review, examples = ReviewStore(folder / "review"), ExampleStore(folder / "examples")
    pictures = {each.id: each for each in review.load()}
    made = {each.id: each for each in examples.load()}
    for each in made.values():
        assert examples.picture_of(each).startswith(b"\x89PNG")
        assert examples.vectors_of(each, made_by_of(folder, each.stem)) is not None
    for picture in pictures.values():
        assert review.png_of(picture).startswith(b"\x89PNG")
    found = {key: picture.answer for key, picture in pictures.items() if picture.answer is not None}
    found |= {key: example.state for key, example in made.items()}
    for key in promised.keys() | found.keys():
        allowed = promised.get(key, {GONE})
        assert found.get(key, GONE) in allowed, (key, found.get(key), allowed)
    return {key: {state} for key, state in found.items()}


def made_by_of(folder: Path, stem: str) -> str:
    """Return what made the vectors of the example with files of that *stem*."""
    with (folder / "examples" / f"{stem}.vectors").open("rb") as file:
        return str(json.loads(file.readline())["made_by"])


@pytest.mark.timeout(60 + 30 * ROUNDS)
def test_whenever_a_daemon_is_killed_what_was_answered_is_there(tmp_path: Path) -> None:
    dock = ReviewedDock(tmp_path)
    promised: Promised = {}
    changes = 0
    for _ in range(ROUNDS):
        with daemon_process(dock) as process:
            changes += change_until_killed(dock, process, promised)
        promised = compare(tmp_path / "state", promised)
    print(f"{changes} changes, {ROUNDS} kills")
    assert changes > 0
    with daemon_process(dock), ControlClient(dock.address) as daemon:
        entries = {entry.id: entry.answer for entry in daemon.review("bay").entries if entry.answer}
        (info,) = (info for info in daemon.states() if info.name == "bay")
        now = {example.id: example.state for example in info.examples}
        assert {key: {state} for key, state in (entries | now).items()} == promised
        assert not entries.keys() & now.keys()
        assert len(set(entries.values())) < 2, "answers of two states are examples"
        assert info.learned
