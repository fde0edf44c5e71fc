"""A timeline without jumps, and the moments at which frames are due."""

from __future__ import annotations

import pytest

from edged.camera.video.timeline import Pace, Timeline


def places(times: list[float | None], interval: float = 0.04) -> list[float]:
    timeline = Timeline(interval)
    return [round(timeline.place(time), 3) for time in times]


def test_frames_are_as_far_apart_as_their_times() -> None:
    assert places([5.0, 5.1, 5.3, 5.4]) == [0.0, 0.1, 0.3, 0.4]


@pytest.mark.parametrize("jump", [36_000.0, -36_000.0, 11.0, -0.1, 0.0])
def test_a_jump_is_a_seam_and_no_pause(jump: float) -> None:
    assert places([100.0, 100.1, 100.2, 100.2 + jump, 100.3 + jump]) == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_a_pause_that_a_recorder_makes_is_one() -> None:
    assert places([0.0, 0.04, 8.0, 8.04]) == [0.0, 0.04, 8.0, 8.04]


def test_pictures_that_come_slowly_are_shown_for_as_long() -> None:
    assert places([0.0, 30.0, 60.0, 36_000.0], interval=30.0) == [0.0, 30.0, 60.0, 90.0]


def test_a_pause_does_not_make_the_seam_after_it_as_long() -> None:
    assert places([0.0, 0.04, 8.0, 36_000.0]) == [0.0, 0.04, 8.0, 8.04]


def test_a_rate_that_a_jump_has_spoiled_is_put_right_by_the_first_frames() -> None:
    """The rate of an .mp4 is its frames through its duration, ten hours of which may be a jump."""
    assert places([0.0, 0.1, 0.2, 36_000.0], interval=3_000.0) == [0.0, 0.1, 0.2, 0.3]


def test_frames_without_times_come_at_the_interval() -> None:
    assert places([None, None, None, 7.0, 7.04, None], interval=0.5) == [0.0, 0.5, 1.0, 1.5, 1.54, 1.58]


def test_after_a_cut_times_are_not_compared() -> None:
    timeline = Timeline(0.04)
    assert [timeline.place(1.0), round(timeline.place(1.1), 3)] == [0.0, 0.1]
    timeline.cut()
    assert round(timeline.place(1.2), 3) == 0.2
    assert round(timeline.place(1.25), 3) == 0.25


def test_a_late_reader_catches_up_a_little_but_does_not_rush() -> None:
    pace = Pace()
    assert pace.due(0.0, 100.0) == 100.0
    assert pace.due(0.1, 100.05) == pytest.approx(100.1)
    assert pace.due(0.2, 100.9) == pytest.approx(100.2)  # late by 0.7 s: due at once
    assert pace.due(0.3, 105.0) == pytest.approx(105.0)  # late by more: the clock is set anew
    assert pace.due(0.4, 105.0) == pytest.approx(105.1)
