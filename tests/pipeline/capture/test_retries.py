"""Pauses before a lost camera is opened again."""

from __future__ import annotations

import random

import pytest

from edged.errors import SourceError
from edged.pipeline.capture.retries import Retries
from edged.pipeline.capture.settings import CaptureSettings

SETTINGS = CaptureSettings(retry_seconds=0.5, retry_max_seconds=30.0)
LOST = SourceError("the cable was pulled")


def test_pauses_double_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    retries = Retries("street")
    assert [retries.next_pause(SETTINGS, LOST) for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_pause_is_up_to_a_fifth_shorter_and_never_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[tuple[float, float]] = []
    monkeypatch.setattr(random, "uniform", lambda *between: limits.append(between) or between[0])  # type: ignore[func-returns-value]  # for its effect
    assert Retries("street").next_pause(SETTINGS, LOST) == 0.4
    assert limits == [(0.8, 1.0)]


def test_a_camera_that_is_away_for_a_year_is_tried_again_after_the_longest_pause() -> None:
    retries = Retries("street")
    pauses = [retries.next_pause(SETTINGS, LOST) for _ in range(2000)]
    assert 24 <= pauses[-1] <= 30


def test_after_so_many_openings_in_vain_there_is_no_other_and_a_good_frame_begins_anew() -> None:
    settings = CaptureSettings(retry_seconds=0.5, retry_max_seconds=0.5, max_reopens=3)
    retries = Retries("street")
    for _ in range(2):
        for _ in range(3):
            assert retries.next_pause(settings, LOST) <= 0.5
        with pytest.raises(SourceError, match=r"^camera street: opened 3 times in vain: the cable was pulled$"):
            retries.next_pause(settings, LOST)
        retries.note_good()
