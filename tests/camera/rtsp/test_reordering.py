"""The order of packets that came over UDP."""

from __future__ import annotations

import random

from edged.camera.rtsp.reordering import Reordering
from tests.camera.rtsp.clips import rtp


class Feed:
    """Packets with these numbers, at a time of their own."""

    def __init__(self) -> None:
        self.reordering = Reordering()
        self.now = 0.0

    def push(self, *sequences: int) -> list[int]:
        found: list[int] = []
        for sequence in sequences:
            packet = memoryview(rtp(b"content", sequence, 0))
            found += [number(out) for out in self.reordering.push(packet, self.now)]
        return found

    def overdue(self) -> list[int]:
        return [number(out) for out in self.reordering.overdue(self.now)]


def number(packet: bytes | memoryview) -> int:
    return int.from_bytes(packet[2:4])


def test_packets_in_order_come_out_at_once_where_the_numbers_wrap_around_too() -> None:
    assert Feed().push(65_534, 65_535, 0, 1) == [65_534, 65_535, 0, 1]


def test_packets_that_overtook_others_wait_for_them() -> None:
    feed = Feed()
    assert feed.push(65_534, 0, 1) == [65_534]
    assert feed.push(65_535) == [65_535, 0, 1]
    assert feed.push(2) == [2]


def test_what_comes_twice_or_too_late_is_left_out() -> None:
    assert Feed().push(7, 8, 8, 7, 9) == [7, 8, 9]
    assert Feed().push(7, 9, 9, 8) == [7, 8, 9]


def test_what_is_missing_is_waited_for_a_tenth_of_a_second() -> None:
    feed = Feed()
    assert feed.push(7, 9, 10) == [7]
    assert feed.reordering.due == Reordering.SECONDS
    feed.now = 0.09
    assert feed.overdue() == []
    assert feed.push(12) == []
    feed.now = 0.1
    assert feed.overdue() == [9, 10]
    assert feed.push(8) == []
    assert feed.reordering.due == 0.1 + Reordering.SECONDS
    feed.now = 0.2
    assert feed.overdue() == [12]
    assert feed.reordering.due == float("inf")


def test_no_more_than_a_number_of_packets_is_held() -> None:
    feed = Feed()
    found = feed.push(0, *range(2, 2 + Reordering.MOST))
    assert found == [0, *range(2, 2 + Reordering.MOST)]
    assert not feed.reordering._held


def test_a_large_jump_is_a_new_beginning() -> None:
    feed = Feed()
    assert feed.push(7, 9) == [7]
    assert feed.push(20_000, 20_001) == [9, 20_000, 20_001]


def test_any_order_within_the_window_is_put_right() -> None:
    chance = random.Random(0)
    numbers = list(range(65_000, 65_000 + 2000))
    shuffled = [65_000, *sorted(numbers[1:], key=lambda n: n + chance.uniform(0, 30))]
    assert Feed().push(*(n & 0xFFFF for n in shuffled)) == [n & 0xFFFF for n in numbers]
