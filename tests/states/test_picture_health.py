"""The state of a camera's picture: covered, blurred, dazzled, moved or changed, and only after minutes of it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edged.states import EnrolledLooks, PictureHealth, PictureState
from edged.states.picture_health import CHECK_SECONDS, PATIENCE_SECONDS

Picture = npt.NDArray[np.uint8]
SECOND = 1_000_000


def frame(number: int, left: int = 0, top: int = 0) -> Picture:
    """A scene of bricks and clutter, 240 × 320, with noise, and something small that moves through it."""
    random = np.random.default_rng(5)
    scene = np.full((400, 500, 3), 110, np.uint8)
    for _ in range(260):
        x, y, width, height = random.integers(0, 480), random.integers(0, 380), *random.integers(6, 50, 2)
        colour = [int(level) for level in random.integers(20, 220, 3)]
        cv2.rectangle(scene, (int(x), int(y)), (int(x + width), int(y + height)), colour, -1)
    cv2.circle(scene, (90 + 9 * number, 200), 14, (230, 60, 60), -1)
    noise = np.random.default_rng(number).normal(0, 3, (240, 320, 3))
    return np.clip(scene[60 + top : 300 + top, 60 + left : 380 + left] + noise, 0, 255).astype(np.uint8)


def darker(picture: Picture) -> Picture:
    return (picture * 0.5).astype(np.uint8)


def noisy(picture: Picture) -> Picture:
    return np.clip(picture + np.random.default_rng(1).normal(0, 14, picture.shape), 0, 255).astype(np.uint8)


def covered(picture: Picture) -> Picture:
    light = np.linspace(0, 1, picture.shape[1])[:, np.newaxis] * np.array([42, 20, 12])
    return np.broadcast_to(light + 8, picture.shape).astype(np.uint8)


def blurred(picture: Picture) -> Picture:
    return cv2.GaussianBlur(picture, (0, 0), 9).astype(np.uint8)


def dazzled(picture: Picture) -> Picture:
    glaring = picture.copy()
    cv2.circle(glaring, (130, 100), 80, (255, 255, 255), -1)
    return glaring


def moved(_picture: Picture) -> Picture:
    return frame(3, left=20, top=-10)


def in_grey(picture: Picture) -> Picture:
    return np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)


@pytest.fixture(scope="module")
def enrolled() -> EnrolledLooks:
    return EnrolledLooks([frame(number) for number in range(0, 20, 2)])


@pytest.mark.parametrize("change", [darker, noisy, in_grey, np.array])
def test_other_light_and_more_noise_are_no_harm(enrolled: EnrolledLooks, change: Callable[[Picture], Picture]) -> None:
    assert {enrolled.judge(change(frame(number)), 0.8) for number in range(1, 20, 4)} == {"ok"}


@pytest.mark.parametrize(
    ("state", "change"), [("covered", covered), ("blurred", blurred), ("dazzled", dazzled), ("moved", moved)]
)
def test_a_change_that_blinds_or_moves_a_camera_is_named(
    enrolled: EnrolledLooks, state: str, change: Callable[[Picture], Picture]
) -> None:
    assert enrolled.judge(change(frame(3)), 2.5) == state
    assert enrolled.judge(change(frame(3)), None) == state


def test_a_picture_that_is_novel_and_nothing_else_has_changed(enrolled: EnrolledLooks) -> None:
    assert enrolled.judge(frame(5), 5.0) == "changed"
    assert enrolled.judge(frame(5), None) == "ok"
    assert enrolled.judge(covered(frame(5)), 5.0) == "covered"


def test_a_picture_that_is_like_an_example_does_not_blind(enrolled: EnrolledLooks) -> None:
    assert {enrolled.judge(change(frame(3)), 0.8) for change in (covered, blurred, dazzled)} <= {"ok", "moved"}


def test_a_small_push_is_no_move(enrolled: EnrolledLooks) -> None:
    assert enrolled.judge(frame(3, left=2, top=1), 0.8) == "ok"


def test_another_size_of_the_same_region_is_no_change(enrolled: EnrolledLooks) -> None:
    assert enrolled.judge(cv2.resize(frame(3), (480, 360)).astype(np.uint8), 0.8) == "ok"


def test_one_flat_picture_is_enough_to_compare_with() -> None:
    flat = EnrolledLooks([np.full((20, 20, 3), 90, np.uint8)])
    assert flat.judge(np.full((20, 20, 3), 90, np.uint8), 0.0) == "ok"


class Watched:
    """Checks of pictures, in seconds."""

    def __init__(self, enrolled: EnrolledLooks) -> None:
        self.health = PictureHealth(enrolled)

    def changes(
        self, picture: Picture, start: float, stop: float, novelty: float | None = None
    ) -> list[tuple[float, PictureState]]:
        found = []
        for at in np.arange(start, stop, CHECK_SECONDS).tolist():
            assert self.health.is_due(round(at * SECOND))
            if self.health.check(picture, novelty, round(at * SECOND)):
                found.append((at, self.health.state))
        return found


def test_a_covered_camera_is_reported_after_minutes_and_a_hand_before_it_is_not(enrolled: EnrolledLooks) -> None:
    watched = Watched(enrolled)
    assert watched.changes(frame(1), 0, 300) == []
    assert watched.changes(covered(frame(1)), 300, 350) == []
    assert watched.changes(frame(2), 350, 600) == []
    assert not watched.health.is_blind
    ((at, state),) = watched.changes(covered(frame(1)), 600, 900)
    assert state == "covered"
    assert 0.6 * PATIENCE_SECONDS <= at - 600 <= PATIENCE_SECONDS
    assert watched.health.is_blind


def test_a_camera_that_sees_again_is_ok_again(enrolled: EnrolledLooks) -> None:
    watched = Watched(enrolled)
    watched.changes(covered(frame(1)), 0, 300)
    ((at, state),) = watched.changes(frame(1), 300, 600)
    assert state == "ok"
    assert at - 300 <= PATIENCE_SECONDS


def test_nothing_is_reported_before_the_camera_has_run_for_so_long(enrolled: EnrolledLooks) -> None:
    watched = Watched(enrolled)
    assert watched.changes(covered(frame(1)), 0, PATIENCE_SECONDS - CHECK_SECONDS) == []


def test_a_moved_camera_is_not_blind(enrolled: EnrolledLooks) -> None:
    watched = Watched(enrolled)
    assert [state for _, state in watched.changes(moved(frame(3)), 0, 300)] == ["moved"]
    assert not watched.health.is_blind


def test_pictures_are_checked_every_few_seconds_only(enrolled: EnrolledLooks) -> None:
    health = PictureHealth(enrolled)
    assert health.is_due(0)
    health.check(frame(1), 0.8, 100 * SECOND)
    assert not health.is_due(round((100 + CHECK_SECONDS) * SECOND) - 1)
    assert health.is_due(round((100 + CHECK_SECONDS) * SECOND))
    assert health.is_due(99 * SECOND)


def test_a_time_before_the_last_one_begins_another_stretch(enrolled: EnrolledLooks) -> None:
    watched = Watched(enrolled)
    assert watched.changes(covered(frame(1)), 1000, 1100) == []
    assert watched.changes(covered(frame(1)), 0, 100) == []
    assert [state for _, state in watched.changes(covered(frame(1)), 100, 150)] == ["covered"]
