"""Review over the real control socket: what a set is least sure of is kept, answered, and learned."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edged.client import Subscriber
from edged.client.control import ControlClient
from edged.enrolled import EnrolledExample, ExampleStore, ReviewStore
from edged.errors import ControlError
from edged.service.control.trainer import Trainer
from edged.wire import Vec
from tests.fakes import eventually
from tests.service.control.reviewed_dock import ReviewedDock, often, waiting

__all__ = ["often"]

NO_ID = "0" * 16


@pytest.fixture
def dock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, often: None) -> ReviewedDock:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    return ReviewedDock(tmp_path)


@pytest.fixture
def daemon(dock: ReviewedDock) -> Iterator[ControlClient]:
    with dock.running() as client:
        yield client


def counts(daemon: ControlClient) -> dict[str, int]:
    return dict(next(info for info in daemon.states() if info.name == "bay").counts)


def test_the_pictures_are_those_that_the_frames_showed_and_the_least_sure_comes_first(
    dock: ReviewedDock, daemon: ControlClient
) -> None:
    entries = waiting(daemon, 5)
    assert [entry.p for entry in entries] == sorted(entry.p for entry in entries)
    assert {(entry.camera, entry.region, entry.answer) for entry in entries} == {("dock", "bay", None)}
    assert {entry.guess for entry in entries} <= {"empty", "truck"}
    shown = [cv2.imread(str(path)) for path in sorted((dock.folder / "view").iterdir())]
    for entry in entries:
        picture = cv2.imread(entry.thumbnail)
        assert any(np.array_equal(picture, view) for view in shown)
        png = daemon.review_picture("bay", entry.id)
        assert png == Path(entry.thumbnail).read_bytes()
    times = sorted(entry.t_wall_us for entry in entries)
    assert min(np.diff(times)) >= 0.99 * dock.pipeline.wiring.review.apart_ns / 1000


def test_the_probability_is_the_one_that_was_published(dock: ReviewedDock, daemon: ControlClient) -> None:
    published: dict[int, float] = {}
    with Subscriber(f"ipc://{dock.folder}/pub.sock", camera="dock", region="bay") as subscriber:

        def published_and_kept() -> list[tuple[float, float]]:
            vec = subscriber.receive(10)
            assert isinstance(vec, Vec)
            published[vec.t_wall_us] = max(vec.states[0].p.values())
            if len(published) % 20:
                return []
            nearest = [
                (min(published, key=lambda t_us: abs(t_us - entry.t_wall_us)), entry)
                for entry in daemon.review("bay").entries
            ]
            return [(published[t_us], entry.p) for t_us, entry in nearest if abs(t_us - entry.t_wall_us) < 2000]

        pairs: list[tuple[float, float]] = []

        def are_some() -> bool:
            pairs[:] = published_and_kept()
            return len(pairs) > 2

        eventually(are_some, "several frames are kept that were published")
    for shown, kept in pairs:
        assert kept == pytest.approx(shown, abs=1e-4)


def test_answers_of_one_state_wait_and_are_learned_with_those_of_another(daemon: ControlClient) -> None:
    first, second, third, *_ = waiting(daemon, 3)
    result = daemon.answer(first.id, "truck")
    assert (result.name, result.state, result.waiting, result.waits_for) == ("bay", "truck", {"truck": 1}, ("empty",))
    assert (result.changed, result.set) == ((), None)
    assert daemon.answer(second.id, "truck").waiting == {"truck": 2}
    assert counts(daemon) == {"empty": 1, "truck": 1}
    answered = {entry.id: entry.answer for entry in daemon.review("bay").entries if entry.answer}
    assert answered == {first.id: "truck", second.id: "truck"}

    result = daemon.answer(third.id, "empty")
    assert (result.waiting, result.waits_for) == ({}, ())
    assert {example.id: example.state for example in result.changed} == {
        first.id: "truck",
        second.id: "truck",
        third.id: "empty",
    }
    assert result.set is not None
    assert result.set.counts == counts(daemon) == {"empty": 2, "truck": 3}
    left = {entry.id for entry in daemon.review("bay").entries}
    assert not left & {first.id, second.id, third.id}
    assert not any(Path(each.thumbnail).exists() for each in (first, second, third))
    assert all(Path(example.thumbnail).exists() for example in result.changed)
    fourth = waiting(daemon, 1)[0]
    assert daemon.answer(fourth.id, "truck").waits_for == ("empty",)


def test_an_answer_can_be_changed_while_it_waits(daemon: ControlClient) -> None:
    first, second, *_ = waiting(daemon, 2)
    daemon.answer(first.id, "truck")
    assert daemon.answer(first.id, "empty").waiting == {"empty": 1}
    assert daemon.discard(first.id).waiting == {}
    with pytest.raises(ControlError, match=f"there is no picture {first.id} to review") as refused:
        daemon.answer(first.id, "truck")
    assert refused.value.code == "not-found"
    result = daemon.discard(second.id)
    assert (result.state, result.changed) == (None, ())
    assert not Path(second.thumbnail).exists()
    assert counts(daemon) == {"empty": 1, "truck": 1}


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("yard", "not-found", "there is no set of states yard; there are bay, door"),
        ("door", "invalid", r"door is not reviewed: write 'review: true' there \(.*edged.yaml:11.*\), then 'edged rel"),
    ],
)
def test_the_pictures_of_a_set_without_review_are_refused_with_the_cure(
    daemon: ControlClient, name: str, code: str, told: str
) -> None:
    with pytest.raises(ControlError, match=told) as refused:
        daemon.review(name)
    assert refused.value.code == code


def test_an_enrolled_set_is_refused_with_what_to_write(daemon: ControlClient) -> None:
    daemon.enroll_state("lamp", "lit", "dock", "bay", frames=1)
    with pytest.raises(ControlError, match=re.escape("'states: {lamp: {of: [lit], review: true}}' in ")) as refused:
        daemon.review("lamp")
    assert refused.value.code == "invalid"


def test_what_cannot_be_answered_is_refused(daemon: ControlClient) -> None:
    entry = waiting(daemon, 1)[0]
    for ask, code in (
        (lambda: daemon.answer(entry.id, "blocked"), "not-found"),
        (lambda: daemon.answer(NO_ID, "truck"), "not-found"),
        (lambda: daemon.discard(NO_ID), "not-found"),
        (lambda: daemon.review_picture("bay", NO_ID), "not-found"),
    ):
        with pytest.raises(ControlError) as refused:
            ask()
        assert refused.value.code == code
    assert entry.id in {each.id for each in daemon.review("bay").entries}


def test_what_waits_is_there_after_a_restart(dock: ReviewedDock) -> None:
    with dock.running() as daemon:
        first, second, *_ = waiting(daemon, 3)
        daemon.answer(first.id, "truck")
        daemon.discard(second.id)
    with dock.running() as daemon:
        entries = {entry.id: entry for entry in daemon.review("bay").entries}
        assert entries[first.id].answer == "truck"
        assert second.id not in entries
        assert counts(daemon) == {"empty": 1, "truck": 1}
        other = next(entry for entry in entries.values() if entry.answer is None)
        assert len(daemon.answer(other.id, "empty").changed) == 2


@pytest.mark.parametrize(("taken", "removed"), [(0, 0), (1, 0), (2, 0), (2, 1)])
def test_a_daemon_that_was_killed_while_it_took_answers_ends_that_at_its_next_start(
    dock: ReviewedDock, taken: int, removed: int
) -> None:
    with dock.running() as daemon:
        first, second, *_ = waiting(daemon, 2)
        daemon.answer(first.id, "truck")
    folder = dock.folder / "state"
    review, examples = ReviewStore(folder / "review"), ExampleStore(folder / "examples")
    pictures = {each.id: each for each in review.load()}
    before = {file: file.read_bytes() for file in review.folder.iterdir()}
    review.answer(pictures[second.id], "empty")
    noted = {file: file.read_bytes() for file in review.folder.iterdir() if second.id in file.name}
    review.close()
    with dock.running():
        eventually(lambda: len(examples.load()) == 2, "the answers are taken")
        eventually(lambda: not {first.id, second.id} & {each.id for each in review.load()}, "and the pictures removed")
    made = examples.load()
    examples.remove([each.id for each in made[taken:]])
    examples.close()
    for file, content in {**before, **noted}.items():
        if removed and first.id in file.name:
            continue
        file.write_bytes(content)
    with dock.running() as daemon:
        eventually(lambda: counts(daemon) == {"empty": 2, "truck": 2}, "both are examples")
        eventually(
            lambda: not {first.id, second.id} & {each.id for each in ReviewStore(folder / "review").load()}, "removed"
        )
    assert {(each.id, each.state) for each in examples.load()} == {(first.id, "truck"), (second.id, "empty")}


def test_an_answer_that_cannot_become_an_example_is_kept_and_taken_with_the_next_one(
    daemon: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, taken = Trainer.keep_picture, list[str]()

    def keep_one(trainer: Trainer, example: EnrolledExample, *rest: Any) -> EnrolledExample:
        if taken:
            raise ControlError("failed", "nothing can be learned from this picture")
        taken.append(example.id)
        return keep(trainer, example, *rest)

    first, second, third, *_ = waiting(daemon, 3)
    daemon.answer(first.id, "truck")
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "keep_picture", keep_one)
        with pytest.raises(ControlError, match=r"is on the disk, but no example yet: picture \w+: nothing") as refused:
            daemon.answer(second.id, "empty")
    assert refused.value.code == "not-learned"
    known = {entry.id: entry.answer for entry in daemon.review("bay").entries if entry.answer}
    (other,) = {first.id, second.id} - set(taken)
    assert known == {other: "truck" if other == first.id else "empty"}
    changed = daemon.answer(third.id, "empty").changed
    assert {example.id for example in changed} == {first.id, second.id, third.id}
    assert not {first.id, second.id, third.id} & {entry.id for entry in daemon.review("bay").entries}


def test_the_pictures_are_removed_when_the_set_is_not_reviewed_any_more(
    dock: ReviewedDock, daemon: ControlClient
) -> None:
    waiting(daemon, 1)
    dock.write_config(review=False)
    daemon.reload()
    folder = dock.folder / "state" / "review"
    eventually(lambda: not list(folder.glob("*.json")) and not list(folder.glob("*.png")), "nothing is left")
    with pytest.raises(ControlError, match="bay is not reviewed"):
        daemon.review("bay")
    dock.write_config(review=True)
    daemon.reload()
    waiting(daemon, 1)


def test_a_disk_that_refuses_is_logged_once_and_the_daemon_goes_on(
    dock: ReviewedDock, daemon: ControlClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        refused.append(1)
        raise OSError(28, "No space left on device")

    waiting(daemon, 1)
    refused: list[int] = []
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr("edged.enrolled.record_folder.write_file", refuse)
        eventually(lambda: len(refused) > 2, "several pictures are refused")
    lines = [record.getMessage() for record in caplog.records if "to review is not kept" in record.getMessage()]
    assert len(lines) == 1
    assert "No space left on device" in lines[0]
    known = len(daemon.review("bay").entries)
    waiting(daemon, known + 1)
