"""Whether key frames are enough."""

from __future__ import annotations

import pytest

from edged.camera.key_frames import DecodeFrames, KeyFrames


def after(*positions: float, max_fps: float | None = 0.5, decode_frames: DecodeFrames = "auto") -> KeyFrames:
    keys = KeyFrames(decode_frames)
    keys.max_fps = max_fps
    for position in positions:
        keys.note(position)
    return keys


def test_they_are_enough_once_their_distance_is_known() -> None:
    assert not after().are_enough
    assert not after(0.0, 2.0).are_enough
    assert after(0.0, 2.0, 4.0).are_enough


@pytest.mark.parametrize(
    ("max_fps", "are_enough"), [(None, False), (25.0, False), (0.6, False), (0.5, True), (0.1, True)]
)
def test_they_are_enough_for_a_rate_that_is_no_higher_than_theirs(max_fps: float | None, are_enough: bool) -> None:
    assert after(0.0, 2.0, 4.0, 6.0, max_fps=max_fps).are_enough is are_enough


def test_one_that_comes_a_frame_late_is_in_time() -> None:
    assert after(0.0, 2.0, 4.04, 6.0).are_enough


def test_they_are_not_enough_any_more_when_they_become_rarer_and_again_when_all_is_as_before() -> None:
    keys, judged = after(0.0, 2.0, 4.0), []
    for position in (14.0, 16.0, 18.0, 20.0, 22.0):
        keys.note(position)
        judged.append(keys.are_enough)
    assert judged == [False, False, False, False, True]
    assert (keys.shortest, keys.longest) == (2.0, 2.0)


def test_a_rate_that_changes_counts_at_once() -> None:
    keys = after(0.0, 2.0, 4.0)
    for max_fps, are_enough in ((5.0, False), (0.2, True)):
        keys.max_fps = max_fps
        assert keys.are_enough is are_enough


def test_a_clock_that_is_set_back_means_nothing() -> None:
    keys = after(1000.0, 1002.0, 1004.0)
    keys.note(3.0)
    assert not keys.are_enough
    keys.note(5.0)
    keys.note(7.0)
    assert keys.are_enough


@pytest.mark.parametrize(("decode_frames", "are_enough"), [("all", False), ("key", True)])
def test_what_is_configured_is_the_answer(decode_frames: DecodeFrames, are_enough: bool) -> None:
    assert after(decode_frames=decode_frames).are_enough is are_enough
    assert after(0.0, 2.0, 4.0, max_fps=None, decode_frames=decode_frames).are_enough is are_enough
    assert after(0.0, 2.0, 4.0, max_fps=0.1, decode_frames=decode_frames).are_enough is are_enough
