"""Series that ``scripts/soak`` calls flat, and series that it does not."""

from __future__ import annotations

import math
import os
from collections.abc import Callable

import pytest

from scripts.soaking.verdict import HOSTILE_BOUNDS, MIB, judge
from scripts.soaking.vitals import Vitals, vitals

Course = Callable[[float], float]


def grown(
    minutes: float = 2.0,
    *,
    memory: Course = lambda _: 0,
    fds: Course = lambda _: 0,
    threads: Course = lambda _: 0,
) -> list[str]:
    """The measures that are not flat; each course says what comes on top, from the seconds."""
    samples = [
        Vitals(
            seconds=second,
            resident=120 * MIB + int(memory(second)),
            own=70 * MIB + int(memory(second)),
            fds=20 + int(fds(second)),
            threads=9 + int(threads(second)),
        )
        for second in range(int(minutes * 60))
    ]
    return [measure.key for measure in judge(samples) if not measure.is_flat]


def test_what_stays_the_same_is_flat() -> None:
    assert grown() == []


def test_what_happens_in_the_first_quarter_is_the_start() -> None:
    assert grown(memory=lambda t: -40 * MIB if t < 20 else 0, fds=lambda t: t < 5, threads=lambda t: -3 * (t < 2)) == []


def test_visitors_and_a_clip_that_is_opened_again_are_not_growth() -> None:
    assert grown(memory=lambda t: t % 12 / 12 * 4 * MIB, fds=lambda t: 3 + 3 * math.sin(t)) == []


def test_an_arena_that_grows_by_a_step_is_not_a_leak() -> None:
    assert grown(memory=lambda t: 132 * 1024 * (t // 20)) == []


@pytest.mark.parametrize("minutes", [2, 30])
def test_a_leak_is_found(minutes: float) -> None:
    seconds = minutes * 60
    assert grown(minutes, memory=lambda t: 12 * MIB * t / seconds) == ["own", "resident"]
    assert grown(minutes, fds=lambda t: 5 * t / seconds) == ["fds"]
    assert grown(minutes, threads=lambda t: t > seconds * 0.9) == ["threads"]


def test_a_longer_soak_finds_a_smaller_leak() -> None:
    # 100 bytes for each of 25 messages a second would fill a gigabyte in five days.
    assert grown(2, memory=lambda t: 2500 * t) == []
    assert "own" in grown(60, memory=lambda t: 2500 * t)


def test_the_parts_of_hostile_cameras_come_and_go_but_a_leak_is_found() -> None:
    def measures(memory: Course) -> list[str]:
        samples = [Vitals(second, int(memory(second)), int(memory(second)), 20, 9) for second in range(120)]
        return [measure.key for measure in judge(samples, HOSTILE_BOUNDS) if not measure.is_flat]

    assert measures(lambda t: 32 * MIB * (t % 7 == 0)) == []
    assert measures(lambda t: 12 * MIB * t / 120) == ["own", "resident"]
    assert measures(lambda t: 60 * MIB * (t == 100)) == ["own", "resident"]


def test_a_burst_is_reported() -> None:
    assert grown(memory=lambda t: 30 * MIB if t == 100 else 0) == ["own", "resident"]
    assert grown(fds=lambda t: 10 if t == 100 else 0) == ["fds"]


def test_a_moment_is_too_short_for_a_verdict() -> None:
    with pytest.raises(ValueError, match="10 samples are too few: 20 are needed"):
        grown(10 / 60)


def test_a_process_is_looked_at() -> None:
    here = vitals(os.getpid(), 1.5)
    assert here.resident > here.own > MIB
    assert here.fds >= 3
    assert here.threads >= 1
    read, write = os.pipe()
    try:
        assert vitals(os.getpid(), 0).fds == here.fds + 2
    finally:
        os.close(read)
        os.close(write)
