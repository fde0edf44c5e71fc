"""How fast frames may pass, and when a picture counts as frozen."""

from __future__ import annotations

import numpy as np
import pytest

from edged.pipeline.watch import FreezeWatch, RateCap
from edged.values import Stamp

DARK = np.zeros((8, 8, 3), np.uint8)
NOISE = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)


def at(seconds: float) -> Stamp:
    return Stamp(int(seconds * 1e9), "driver")


def test_a_cap_of_20_lets_20_of_30_frames_a_second_pass() -> None:
    cap = RateCap(20)
    admitted = sum(cap.admits(Stamp(int(n * 1e9 / 30), "driver")) for n in range(300))
    assert admitted == pytest.approx(200, abs=2)


def test_after_a_gap_a_cap_does_not_let_a_burst_pass() -> None:
    cap = RateCap(10)
    assert cap.admits(Stamp(0, "driver"))
    hour = 3600 * 10**9
    assert [cap.admits(Stamp(hour + n * 10**7, "driver")) for n in range(5)] == [True, False, False, False, False]


def test_no_cap_lets_everything_pass() -> None:
    cap = RateCap(None)
    assert all(cap.admits(Stamp(5, "driver")) for _ in range(5))


def test_the_same_picture_for_too_long_is_a_freeze() -> None:
    watch = FreezeWatch(3.0)
    assert [watch.sees_frozen(DARK, at(second)) for second in range(6)] == [False, False, False, True, True, True]


def test_a_single_different_pixel_ends_a_freeze() -> None:
    watch = FreezeWatch(3.0)
    for second in range(5):
        watch.sees_frozen(DARK, at(second))
    speck = DARK.copy()
    speck[3, 3, 1] = 1
    assert not watch.sees_frozen(speck, at(6))


def test_pictures_that_change_are_never_frozen() -> None:
    watch = FreezeWatch(1.0)
    assert not any(watch.sees_frozen(DARK if n % 2 else NOISE, at(n * 0.6)) for n in range(20))


def test_a_lens_cap_is_no_freeze_where_that_is_switched_off() -> None:
    watch = FreezeWatch(0.0)
    assert not any(watch.sees_frozen(DARK, at(hour * 3600.0)) for hour in range(48))


def test_after_a_new_start_the_same_picture_is_still_a_freeze_and_another_is_not() -> None:
    for picture, frozen in ((DARK, True), (NOISE, False)):
        watch = FreezeWatch(2.0)
        for second in range(4):
            watch.sees_frozen(DARK, at(second))
        watch.look_at_once()
        assert watch.sees_frozen(picture, at(3.1)) is frozen
