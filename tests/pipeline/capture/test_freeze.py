"""How fast frames may pass, and when a picture counts as frozen."""

from __future__ import annotations

import random

import numpy as np
import pytest

from edged.pipeline.capture.freeze import FreezeWatch
from edged.pipeline.capture.rate_cap import RateCap
from edged.values import Stamp

DARK = np.zeros((8, 8, 3), np.uint8)
NOISE = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)


def at(seconds: float) -> Stamp:
    return Stamp(int(seconds * 1e9), "driver")


def test_a_cap_of_20_passes_20_of_30_frames_a_second() -> None:
    cap = RateCap(20)
    admitted = sum(cap.admits(Stamp(int(n * 1e9 / 30), "driver")) for n in range(300))
    assert admitted == pytest.approx(200, abs=2)


@pytest.mark.parametrize("first_ms", [-5, 0, 5])
def test_a_camera_that_delivers_just_the_rate_of_the_cap_loses_no_frame_to_jitter(first_ms: int) -> None:
    """Whether the frame from which the cap counts came early or late."""
    cap, jitter = RateCap(10), random.Random(1)
    times_ms = [1000 + first_ms, *(1000 + 100 * n + jitter.uniform(-5, 5) for n in range(1, 300))]
    assert all(cap.admits(Stamp(int(ms * 1e6), "driver")) for ms in times_ms)


@pytest.mark.parametrize("fps", [10.2, 11, 15, 29.97, 60])
def test_a_faster_camera_is_held_to_the_cap(fps: float) -> None:
    cap = RateCap(10)
    admitted = sum(cap.admits(Stamp(int((1 + n / fps) * 1e9), "driver")) for n in range(int(60 * fps)))
    assert admitted == pytest.approx(600, abs=2)


def test_a_frame_is_early_by_more_than_an_eighth_of_a_slot_where_a_cap_holds_it_back() -> None:
    for early_us, passes in ((12_500, True), (12_501, False)):
        cap = RateCap(10)
        assert cap.admits(Stamp(10**9, "driver"))
        assert cap.admits(Stamp(1_100_000_000 - early_us * 1000, "driver")) is passes


def test_after_a_whole_slot_without_a_frame_the_slots_begin_anew() -> None:
    cap = RateCap(10)
    assert [cap.admits(at(seconds)) for seconds in (1.0, 1.2, 1.25, 1.3)] == [True, True, False, True]


def test_after_a_gap_a_cap_does_not_pass_a_burst() -> None:
    cap = RateCap(10)
    assert cap.admits(Stamp(0, "driver"))
    hour = 3600 * 10**9
    assert [cap.admits(Stamp(hour + n * 10**7, "driver")) for n in range(5)] == [True, False, False, False, False]


def test_without_a_cap_every_frame_passes() -> None:
    cap = RateCap(None)
    assert all(cap.admits(Stamp(5, "driver")) for _ in range(5))


@pytest.mark.parametrize(
    ("max_fps", "halvings", "limit", "of_ten_seconds"),
    [(20, 0, 20, 200), (20, 1, 10, 100), (20, 3, 2.5, 25), (20, 5, 1, 10), (0.5, 3, 0.5, 5), (None, 1, 15, 150),
     (None, 0, None, 300)],
)  # fmt: skip
def test_a_halved_rate_ends_at_one_frame_a_second(
    max_fps: float | None, halvings: int, limit: float | None, of_ten_seconds: int
) -> None:
    cap = RateCap(max_fps)
    assert cap.halve(halvings) == (None if limit is None else pytest.approx(limit, abs=0.001))
    admitted = sum(cap.admits(Stamp(int((1 + n / 30) * 1e9), "driver")) for n in range(300))
    assert admitted == pytest.approx(of_ten_seconds, abs=1)
    cap.halve(0)
    assert cap.admits(at(20))


def test_the_same_picture_for_too_long_is_a_freeze() -> None:
    watch = FreezeWatch(3.0)
    assert [watch.is_frozen(DARK, at(second)) for second in range(6)] == [False, False, False, True, True, True]


def test_a_short_limit_counts_from_the_first_picture_where_no_camera_was_opened() -> None:
    watch = FreezeWatch(0.5)
    assert [watch.is_frozen(DARK, at(seconds)) for seconds in (9.0, 9.499, 9.5)] == [False, False, True]
    assert not watch.in_doubt


def test_a_single_different_pixel_ends_a_freeze() -> None:
    watch = FreezeWatch(3.0)
    for second in range(5):
        watch.is_frozen(DARK, at(second))
    speck = DARK.copy()
    speck[3, 3, 1] = 1
    assert not watch.is_frozen(speck, at(6))


def test_pictures_are_compared_twice_a_second_because_that_takes_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    monkeypatch.setattr("edged.pipeline.capture.freeze.zlib.crc32", lambda _: compared.append(1) or 0)  # type: ignore[func-returns-value]  # for its effect
    watch = FreezeWatch(60.0)
    for frame in range(100):
        watch.is_frozen(NOISE, at(frame / 10))
    assert len(compared) == 20


def test_the_first_picture_after_an_opening_is_compared_at_once() -> None:
    watch = FreezeWatch(2.0)
    assert [watch.is_frozen(DARK, at(second)) for second in (0, 2)] == [False, True]
    watch.expect_opening()
    assert not watch.is_frozen(NOISE, at(2.1))


def test_pictures_that_change_are_never_frozen() -> None:
    watch = FreezeWatch(1.0)
    assert not any(watch.is_frozen(DARK if n % 2 else NOISE, at(n * 0.6)) for n in range(20))


def test_a_lens_cap_is_not_a_freeze_where_that_is_switched_off() -> None:
    watch = FreezeWatch(0.0)
    assert not any(watch.is_frozen(DARK, at(hour * 3600.0)) or watch.in_doubt for hour in range(48))


def test_after_an_opening_a_camera_has_a_second_to_show_something_new() -> None:
    watch = FreezeWatch(2.0)
    for second in range(4):
        watch.is_frozen(DARK, at(second))
    watch.expect_opening()
    seen = [(watch.is_frozen(DARK, at(9 + tenth / 10)), watch.in_doubt) for tenth in (0, 1, 9, 10, 11)]
    assert seen == [(False, True), (False, True), (False, True), (True, False), (True, False)]


@pytest.mark.parametrize("late", [0.0, 0.033, 0.9, 5.0])
def test_after_an_opening_a_new_picture_is_seen_at_once(late: float) -> None:
    """The first may be one that the camera still had; also of a camera of one frame in five seconds."""
    watch = FreezeWatch(2.0)
    for second in range(4):
        watch.is_frozen(DARK, at(second))
    watch.expect_opening()
    if late:
        assert not watch.is_frozen(DARK, at(9))
    assert not watch.is_frozen(NOISE, at(9 + late))
    assert not watch.in_doubt


def test_a_picture_that_is_not_old_yet_is_in_no_doubt_after_an_opening() -> None:
    watch = FreezeWatch(20.0)
    watch.is_frozen(DARK, at(0))
    watch.expect_opening()
    assert not watch.is_frozen(DARK, at(3))
    assert not watch.in_doubt
