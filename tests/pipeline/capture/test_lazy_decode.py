"""Frames that the inference will not ask for are not decoded, and all others are."""

from __future__ import annotations

import itertools

import pytest

from edged.pipeline.capture.lazy_decode import LazyDecode
from edged.pipeline.demand import FrameRequests

MS = 1_000_000


def watched(
    turn_ms: int, gap_ms: int, cost_ms: int, seconds: int = 20, turn_before_ms: int = 0
) -> tuple[int, int, int, int]:
    """A worker that takes *turn_ms* a frame and a camera that sends one each *gap_ms*, played without a clock.

    For the first ten frames it takes *turn_before_ms* longer. Returns the frames that came, were decoded, and were
    taken, and the longest time from a frame to its being taken.
    """
    requests, lazy_decode = FrameRequests(), LazyDecode()
    came = decoded = taken = longest = 0
    ready: tuple[int, int] | None = None  # when a frame is decoded, and when it came
    free, next_frame = 0, 0
    requests.note(0, in_vain=True)
    while next_frame < seconds * 1000:
        if ready is not None and max(ready[0], free) <= next_frame:
            now = max(ready[0], free)
            requests.note(now * MS, in_vain=False)
            longest, taken = max(longest, now - ready[1]), taken + 1
            ready, free = None, now + turn_ms + (turn_before_ms if taken <= 10 else 0)
        if ready is None and free <= next_frame:
            requests.note(max(free, 1) * MS, in_vain=True)
        came += 1
        if not lazy_decode.can_wait(next_frame * MS, 0 if ready is not None else requests.due_ns):
            decoded += 1
            ready = next_frame + cost_ms, next_frame
            lazy_decode.note_decoded(cost_ms * MS)
        next_frame += gap_ms
    return came, decoded, taken, longest


@pytest.mark.parametrize(
    ("turn", "gap", "cost"), list(itertools.product([10, 49, 100, 333, 2000], [8, 33, 100], [1, 7]))
)
def test_a_worker_loses_no_turn_and_no_frame_it_gets_is_older_than_a_frame_time_and_a_decoding(
    turn: int, gap: int, cost: int
) -> None:
    came, decoded, taken, longest = watched(turn, gap, cost)
    assert taken >= 20_000 // (max(turn, gap) + cost) - 2
    assert longest <= gap + cost
    assert taken <= decoded <= came
    if turn > 3 * gap:
        assert decoded <= came // 2 + 20


def test_a_worker_ten_times_as_slow_as_its_camera_has_a_fifth_of_the_frames_decoded() -> None:
    came, decoded, taken, _ = watched(turn_ms=330, gap_ms=33, cost_ms=5)
    assert decoded < came / 4
    assert taken == pytest.approx(20_000 / 335, abs=4)


def test_a_worker_that_waits_gets_every_frame() -> None:
    came, decoded, taken, _ = watched(turn_ms=5, gap_ms=33, cost_ms=2)
    assert decoded == came
    assert taken >= came - 1


def test_a_worker_that_has_become_quick_is_soon_given_every_frame() -> None:
    came, _, taken, _ = watched(turn_ms=20, gap_ms=66, cost_ms=2, turn_before_ms=180)
    assert taken >= came - 10 * 4 - 2


def test_nothing_is_left_out_before_anything_is_known_and_after_a_failure() -> None:
    far = 10**12
    lazy_decode = LazyDecode()
    assert not lazy_decode.can_wait(0, far)
    lazy_decode.note_decoded(MS)
    assert not lazy_decode.can_wait(10 * MS, 0)
    assert lazy_decode.can_wait(20 * MS, far)
    lazy_decode.forget()
    assert not lazy_decode.can_wait(30 * MS, far)
    assert not lazy_decode.can_wait(40 * MS, far)
    lazy_decode.forget()
    lazy_decode.note_decoded(MS)
    assert not lazy_decode.can_wait(50 * MS, far), "the gaps of before count no more"
    assert lazy_decode.can_wait(60 * MS, far)


def test_the_shortest_turn_counts_and_waiting_is_not_a_turn() -> None:
    requests = FrameRequests()
    assert requests.due_ns == 0
    for now in (0, 100, 180, 280):
        requests.note(now, in_vain=False)
    assert requests.due_ns == 280 + 80
    requests.note(350, in_vain=True)
    assert requests.due_ns == 0
    requests.note(500, in_vain=True)
    requests.note(9000, in_vain=False)
    assert requests.due_ns == 9000 + 70


def test_a_turn_counts_until_there_are_eight_newer_ones() -> None:
    requests, now = FrameRequests(), 0
    requests.note(now, in_vain=False)
    for turn in (10, *[100] * 7):
        now += turn
        requests.note(now, in_vain=False)
    assert requests.due_ns == now + 10
    requests.note(now + 100, in_vain=False)
    assert requests.due_ns == now + 100 + 100


def test_however_often_a_frame_is_asked_for_in_vain_the_turns_before_are_not_forgotten() -> None:
    requests = FrameRequests()
    requests.note(0, in_vain=False)
    for now in range(100, 10_000, 100):
        requests.note(now, in_vain=True)
    requests.note(10_000, in_vain=False)
    assert requests.due_ns == 10_000 + 100


def test_after_the_first_frame_nothing_is_known_of_the_next() -> None:
    requests = FrameRequests()
    requests.note(5, in_vain=False)
    assert requests.due_ns == 0


def test_the_largest_of_the_last_eight_gaps_and_costs_count() -> None:
    lazy_decode = LazyDecode()
    for now in (0, 50):
        lazy_decode.can_wait(now, 0)
    lazy_decode.note_decoded(7)
    lazy_decode.note_decoded(5)
    assert not lazy_decode.can_wait(60, 60 + 50 + 7)
    assert lazy_decode.can_wait(70, 70 + 50 + 8)
    for now in range(80, 120, 10):
        lazy_decode.can_wait(now, 0)
    assert not lazy_decode.can_wait(120, 120 + 10 + 8), "the gap of 50 is the eighth"
    assert lazy_decode.can_wait(130, 130 + 10 + 8)
