"""The review queues on the disk: bounded, apart, balanced, and only of the sets that are reviewed."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import cv2
import numpy as np
import pytest

from edged.enrolled import ReviewStore
from edged.pipeline import review_queues
from edged.pipeline.review_queues import MOST_BYTES, MOST_ON_THE_WAY, ReviewQueues, UnsureView
from edged.values import StateAnswer

MINUTE = 60_000_000


def view(p: float, minute: float, guess: str = "empty", name: str = "bay", side: int = 8) -> UnsureView:
    other = "truck" if guess == "empty" else "empty"
    answer = StateAnswer(name, guess, ((guess, p), (other, 1 - p)))
    picture = np.random.default_rng(round(minute)).integers(0, 256, (side, side + 1, 3), np.uint8)
    return UnsureView(answer, "dock", "bay", picture, 90, "full", round(minute * MINUTE))


class Later:
    """Runs what was submitted when a test says so."""

    def __init__(self) -> None:
        self.calls: list[tuple[Callable[[], None], Future[None]]] = []

    def submit(self, call: Callable[[], None]) -> Future[None]:
        future: Future[None] = Future()
        self.calls.append((call, future))
        return future

    def run(self) -> None:
        while self.calls:
            call, future = self.calls.pop(0)
            call()
            future.set_result(None)


@pytest.fixture
def later() -> Later:
    return Later()


@pytest.fixture
def queues(tmp_path: Path, later: Later) -> Iterator[ReviewQueues]:
    queues = ReviewQueues(ReviewStore(tmp_path / "review"))
    queues.open(["bay", "door"], later.submit)
    yield queues
    queues.close()


def test_a_view_is_kept_as_it_was_captured(queues: ReviewQueues, later: Later) -> None:
    offered = view(0.6, 1)
    queues.offer(offered)
    assert queues.waiting("bay") == [], "not in the thread of the inference"
    later.run()
    [kept] = queues.waiting("bay")
    assert (kept.guess, kept.p, kept.camera, kept.region, kept.answer) == ("empty", 0.6, "dock", "bay", None)
    assert (kept.rotation, kept.decode, kept.t_wall_us) == (90, "full", MINUTE)
    assert (kept.width, kept.height) == (9, 8)
    assert np.array_equal(cv2.imread(str(kept.picture))[:, :, ::-1], offered.picture)
    assert queues.waiting("door") == []


def test_the_least_sure_comes_first_and_those_of_examples_are_left_out(queues: ReviewQueues, later: Later) -> None:
    for minute, p in ((1, 0.8), (2, 0.6), (3, 0.7)):
        queues.offer(view(p, minute))
    later.run()
    pictures = queues.waiting("bay")
    assert [picture.p for picture in pictures] == [0.6, 0.7, 0.8]
    assert queues.waiting("bay", {pictures[0].id}) == pictures[1:]


def test_views_are_a_minute_apart_after_a_restart_too(queues: ReviewQueues, later: Later, tmp_path: Path) -> None:
    queues.offer(view(0.6, 1))
    later.run()
    queues.close()
    again = ReviewQueues(ReviewStore(tmp_path / "review"))
    again.open(["bay"], later.submit)
    again.offer(view(0.7, 1.5))
    again.offer(view(0.7, 2))
    later.run()
    assert [picture.t_wall_us for picture in again.waiting("bay")] == [MINUTE, 2 * MINUTE]
    again.close()


def test_a_full_queue_takes_only_what_is_less_sure_and_balances_the_guesses(queues: ReviewQueues, later: Later) -> None:
    assert queues.below("bay", "empty") == math.inf
    for minute in range(50):
        queues.offer(view(0.5 + minute / 1000, minute))
        later.run()
    assert len(queues.waiting("bay")) == 50
    assert queues.below("bay", "empty") == pytest.approx(0.549)
    assert queues.below("bay", "truck") == math.inf
    queues.offer(view(0.6, 60))
    queues.offer(view(0.51, 61))
    queues.offer(view(0.99, 62, "truck"))
    later.run()
    guesses = [(picture.guess, picture.p) for picture in queues.waiting("bay")]
    assert len(guesses) == 50
    assert guesses[-1] == ("truck", 0.99)
    assert ("empty", 0.51) in guesses
    assert ("empty", 0.6) not in guesses
    assert queues.below("bay", "empty") == pytest.approx(0.547)


def test_an_answered_picture_makes_room_and_goes_for_no_other(queues: ReviewQueues, later: Later) -> None:
    for minute in range(50):
        queues.offer(view(0.6, minute))
        later.run()
    first = queues.waiting("bay")[0]
    queues.answer(first, "truck")
    assert queues.below("bay", "empty") == math.inf
    for minute in range(60, 70):
        queues.offer(view(0.5, minute))
        later.run()
    pictures = queues.waiting("bay")
    assert len(pictures) == 51
    assert [picture.id for picture in pictures if picture.answer] == [first.id]
    queues.remove(pictures)
    assert queues.waiting("bay") == []
    assert queues.below("bay", "empty") == math.inf


def test_the_bytes_on_the_disk_are_bounded(
    queues: ReviewQueues, later: Later, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert MOST_BYTES == 256 << 20
    monkeypatch.setattr(review_queues, "MOST_BYTES", 100_000)
    for minute in range(20):
        queues.offer(view(0.6 + minute / 100, minute, side=60))  # some 11 kB of noise
        later.run()
    pictures = queues.waiting("bay")
    assert 5 < len(pictures) < 10
    assert sum(picture.picture.stat().st_size for picture in pictures) <= 100_000
    assert pictures[-1].p < 0.7, "the surest have gone"
    for minute in (30, 31):
        queues.offer(view(0.5, minute, side=70))
        later.run()
    assert [record.getMessage() for record in caplog.records] == [
        "pictures of dock/bay are too large to be kept for review"
    ]


def test_only_so_many_are_on_the_way(queues: ReviewQueues, later: Later) -> None:
    for minute in range(9):
        queues.offer(view(0.6, minute))
    assert len(later.calls) == MOST_ON_THE_WAY
    later.run()
    queues.offer(view(0.6, 20))
    assert len(later.calls) == 1


def test_pictures_of_sets_that_are_not_reviewed_any_more_are_removed(queues: ReviewQueues, later: Later) -> None:
    for name in ("bay", "door"):
        queues.offer(view(0.6, 1, name=name))
    later.run()
    queues.offer(view(0.6, 5, name="bay"))
    queues.open(["door"], later.submit)
    later.run()
    assert (len(queues.waiting("bay")), len(queues.waiting("door"))) == (0, 1)
    assert queues.below("bay", "empty") == 0
    assert queues.below("door", "empty") == math.inf


def test_nothing_is_kept_before_the_opening_after_the_end_or_without_a_folder(tmp_path: Path, later: Later) -> None:
    queues = ReviewQueues(ReviewStore(tmp_path / "review"))
    without = ReviewQueues(None)
    without.open(["bay"], later.submit)
    for each in (queues, without):
        assert each.below("bay", "empty") == 0
        each.offer(view(0.6, 1))
        assert each.waiting("bay") == []
    queues.open(["bay"], later.submit)
    queues.close()
    queues.offer(view(0.6, 1))
    assert later.calls == []
    assert not (tmp_path / "review").exists()


def test_a_disk_that_refuses_is_logged_once(
    queues: ReviewQueues, later: Later, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr("edged.enrolled.record_folder.write_file", refuse)
        for minute in range(3):
            queues.offer(view(0.6, minute))
            later.run()
    assert len(caplog.records) == 1
    assert "a picture to review is not kept: " in caplog.text
    queues.offer(view(0.6, 9))
    later.run()
    assert len(queues.waiting("bay")) == 1
