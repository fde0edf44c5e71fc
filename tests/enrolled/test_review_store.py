"""Pictures to review on the disk: whole or not at all, with what was answered about them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edged.enrolled import ReviewPicture, ReviewStore
from edged.errors import StateError
from tests.enrolling_examples import picture
from tests.enrolling_reviews import unsure

KILLS = os.environ.get("EDGED_KILLS", "40")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ReviewStore]:
    store = ReviewStore(tmp_path / "state" / "review")
    yield store
    store.close()


def add(store: ReviewStore, number: int = 1) -> ReviewPicture:
    return store.add(unsure(number), picture(number))


def test_what_was_kept_is_there_after_a_restart_in_the_order_of_capture(store: ReviewStore) -> None:
    kept = [add(store, number) for number in (3, 1, 2)]
    assert ReviewStore(store.folder).load() == sorted(kept, key=lambda each: each.t_wall_us)
    assert len({each.id for each in kept}) == 3
    assert [store.png_of(each) for each in kept] == [picture(number) for number in (3, 1, 2)]


def test_an_answer_is_kept_and_changes_nothing_else(store: ReviewStore) -> None:
    kept, other = add(store, 1), add(store, 2)
    answered = store.answer(kept, "truck")
    assert answered == replace(kept, answer="truck")
    assert ReviewStore(store.folder).load() == [answered, other]
    assert store.answer(answered, "empty").answer == "empty"
    assert store.png_of(answered) == picture(1)


def test_a_picture_that_is_removed_is_gone_with_its_files_and_cannot_be_answered(store: ReviewStore) -> None:
    gone, stays = add(store, 1), add(store, 2)
    store.remove([gone])
    store.remove([gone])
    assert store.load() == [stays]
    assert len(list(store.folder.iterdir())) == 3
    with pytest.raises(StateError, match=f"picture {gone.id} is gone"):
        store.answer(gone, "truck")
    with pytest.raises(StateError, match="No such file"):
        store.png_of(gone)


def test_a_sweep_removes_what_a_killed_process_has_left(store: ReviewStore) -> None:
    store.sweep()
    assert not store.folder.exists(), "nothing is made for nothing"
    kept = add(store)
    (store.folder / f"bay.{'0' * 16}.png").write_bytes(b"half")
    (store.folder / f"{kept.stem}.{'0' * 16}.new").write_bytes(b"half")
    store.sweep()
    assert store.load() == [kept]
    assert len(list(store.folder.iterdir())) == 3


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda record: record | {"v": 2}, "it is of version 2"),
        (lambda record: record | {"id": "0" * 16}, f"it is named bay.{'0' * 16}"),
        (lambda record: record | {"guess": "unknown"}, "its state cannot be unknown"),
        (lambda record: record | {"answer": "unknown"}, "its state cannot be unknown"),
        (lambda record: record | {"answer": "../truck"}, "must start with a letter"),
        (lambda record: record | {"region": "a/b"}, "must start with a letter"),
        (lambda record: record | {"p": 1.5}, "its p must be in 0…1"),
        (lambda record: record | {"picture_bytes": 1}, "is not whole"),
        (lambda record: {}, "is not a picture to review, or is incomplete"),
    ],
)
def test_a_record_that_cannot_be_right_is_left_alone_and_logged(
    store: ReviewStore,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[dict[str, Any]], dict[str, Any]],
    told: str,
) -> None:
    kept = add(store)
    file = store.folder / f"{kept.stem}.json"
    file.write_text(json.dumps(spoil(json.loads(file.read_text()))))
    assert store.load() == []
    assert told in caplog.text
    assert file.exists()


def test_another_picture_in_its_place_is_not_read(store: ReviewStore) -> None:
    kept = add(store)
    kept.picture.write_bytes(picture(1)[::-1])
    with pytest.raises(StateError, match="is not the picture that was kept"):
        store.png_of(kept)


def test_whenever_a_process_is_killed_every_promise_is_kept(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.enrolling_reviews", str(tmp_path / "review"), KILLS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 0
