"""The test picture: moving, paced, cheap, and never the same twice."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.camera.pattern import PatternSource
from edged.values import Format
from tests.allocated import allocated
from tests.camera.leaks import leaves_nothing_behind
from tests.fakes import Clock


def next_frame(source: PatternSource, slot: NDArray[np.uint8]) -> None:
    assert source.grab(10) is not None
    source.retrieve(slot)


def number(picture: NDArray[np.uint8]) -> int:
    """The number that the top rows show."""
    block = picture.shape[1] // 32
    return sum(1 << bit for bit in range(32) if picture[0, bit * block, 0])


def test_its_format_is_what_it_delivers() -> None:
    assert PatternSource(320, 240, fps=5).open() == Format(width=320, height=240, fps=5)
    assert PatternSource().open() == Format(width=640, height=480, fps=15)


def test_no_two_frames_are_alike_not_even_after_a_whole_turn_of_the_bars() -> None:
    source = PatternSource(32, 32, fps=100_000)  # 8 frames are a turn
    slot = np.zeros(source.open().shape, np.uint8)
    seen = set()
    for _ in range(600):
        next_frame(source, slot)
        seen.add(slot.tobytes())
    assert len(seen) == 600


def test_frames_show_their_number_which_goes_on_after_it_was_closed() -> None:
    source = PatternSource(fps=1000)
    slot = np.zeros(source.open().shape, np.uint8)
    next_frame(source, slot)
    first = number(slot)
    next_frame(source, slot)
    assert number(slot) > first
    before = number(slot)
    source.close()
    source.open()
    next_frame(source, slot)
    assert number(slot) > before


def test_the_picture_moves_and_has_colours() -> None:
    source = PatternSource(fps=1000)
    slot = np.zeros(source.open().shape, np.uint8)
    next_frame(source, slot)
    first = slot[100:].copy()
    next_frame(source, slot)
    assert (slot[100:] != first).any()
    assert len(np.unique(slot[100:].reshape(-1, 3), axis=0)) == 8


def test_frames_come_no_faster_than_their_rate() -> None:
    source = PatternSource(fps=50)
    begin = time.monotonic()  # the first frame is due at the opening
    slot = np.zeros(source.open().shape, np.uint8)
    for _ in range(11):
        next_frame(source, slot)
    assert time.monotonic() - begin >= 0.199  # ten intervals


def test_frames_that_nobody_fetched_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("edged.camera.pattern.time", clock)
    source = PatternSource(fps=50)
    slot = np.zeros(source.open().shape, np.uint8)
    numbers = []
    for seconds in (0.001, 0.02, 0.1, 0.03):  # at 1, 21, 121 and 151 ms: an interval is 20 ms
        clock.advance(seconds)
        next_frame(source, slot)
        numbers.append(number(slot))
    assert numbers == [0, 1, 6, 7]


def test_wake_ends_a_wait() -> None:
    source = PatternSource(fps=0.01)
    slot = np.zeros(source.open().shape, np.uint8)
    next_frame(source, slot)
    begin = time.monotonic()
    assert source.grab(0.05) is None
    assert 0.04 < time.monotonic() - begin < 5
    source.wake()
    assert source.grab(60) is None
    assert time.monotonic() - begin < 10


def test_drawing_takes_little_time_and_no_memory() -> None:
    source = PatternSource(fps=1_000_000)
    slot = np.zeros(source.open().shape, np.uint8)
    next_frame(source, slot)
    assert allocated(lambda: next_frame(source, slot)).peak < 4096
    times = []
    for _ in range(300):
        begin = time.perf_counter()
        source.retrieve(slot)
        times.append(time.perf_counter() - begin)
    print(f"drawing 640x480: {sorted(times)[150] * 1000:.3f} ms")
    assert min(times) < 0.0003


@pytest.mark.parametrize(("width", "height"), [(31, 480), (640, 31), (8193, 480), (0, 0), (-640, 480)])
def test_sizes_that_make_no_picture_are_refused(width: int, height: int) -> None:
    with pytest.raises(ValueError, match=r"sides of 32…8192 pixels \(got"):
        PatternSource(width, height)


@pytest.mark.parametrize("fps", [0, -1, float("nan")])
def test_a_rate_that_is_not_positive_is_refused(fps: float) -> None:
    with pytest.raises(ValueError, match="fps must be positive"):
        PatternSource(fps=fps)


@pytest.mark.parametrize(("width", "height"), [(32, 32), (333, 77), (1920, 1080)])
def test_odd_sizes_work(width: int, height: int) -> None:
    source = PatternSource(width, height, fps=100_000)
    slot = np.zeros(source.open().shape, np.uint8)
    for _ in range(100):
        next_frame(source, slot)
    source.close()


def test_opening_and_closing_leaves_nothing_behind() -> None:
    source = PatternSource()

    def one_round() -> None:
        slot = np.zeros(source.open().shape, np.uint8)
        next_frame(source, slot)
        source.close()
        source.close()

    leaves_nothing_behind(one_round)
