"""Capture times from the clock of a stream."""

from __future__ import annotations

import random

from edged.camera.own_time import OwnTime
from edged.values import Stamp

SECOND = 1_000_000_000
START = 5_000 * SECOND  # of our monotonic clock
WALL = 1_790_000_000 * SECOND  # our wall clock at that moment


def seconds(value: float) -> int:
    return round(value * SECOND)


class Stream:
    """A camera with frames at these seconds, whose clock shows *offset* more, and which take *delay* to come."""

    def __init__(self, *, use_wall_clock: bool = True) -> None:
        self.own_time = OwnTime(use_wall_clock=use_wall_clock)

    def report(self, at: float, *, offset: float = 0.0, wrong: float = 0.0, our_wall: int = WALL) -> None:
        wall_ns = WALL + seconds(at + wrong)
        self.own_time.note_wall_clock(wall_ns, seconds(at + offset), START + seconds(at), our_wall + seconds(at))

    def frame(self, at: float, delay: float = 0.1, offset: float = 0.0) -> tuple[float, Stamp]:
        """By how much the capture time is later than it was, and the stamp."""
        stamp = self.own_time.stamp(seconds(at + offset), START + seconds(at + delay))
        return (stamp.t_cap_ns - START - seconds(at)) / SECOND, stamp


def near(value: float, expected: float) -> bool:
    return abs(value - expected) < 1e-6


def test_frames_are_as_far_apart_as_they_were_captured_however_they_come() -> None:
    stream, chance = Stream(), random.Random(0)
    for n in range(500):
        late, stamp = stream.frame(n / 25, delay=0.1 + (chance.uniform(0, 0.03) if n % 50 else 0.0), offset=77.0)
        assert near(late, 0.1), "the fastest was on its way for so long"
        assert (stamp.source, stamp.ts_from) == ("driver", "pts")


def test_a_faster_frame_makes_the_times_better_and_never_go_back() -> None:
    stream = Stream()
    times = [stream.frame(n / 25, delay=0.3)[1].t_cap_ns for n in range(5)]
    times += [stream.frame(n / 25, delay=max(0.05, 0.3 - (n - 5) * 0.02))[1].t_cap_ns for n in range(5, 30)]
    assert times == sorted(set(times))
    assert near(stream.frame(30 / 25, delay=0.2)[0], 0.05)


def test_no_frame_is_from_the_future() -> None:
    stream, chance = Stream(), random.Random(1)
    for n in range(500):
        at, delay = n / 25, chance.uniform(0, 0.5)
        stamp = stream.frame(at, delay, offset=chance.choice((0.0, 0.0, 0.0, 3600.0, -7.0)))[1]
        assert stamp.t_cap_ns <= START + seconds(at + delay)


def test_a_clock_that_is_set_begins_anew_with_the_arrival() -> None:
    for offset in (36_000.0, -36_000.0):
        stream = Stream()
        stream.frame(0.0)
        late, stamp = stream.frame(1.0, delay=0.4, offset=offset)
        assert near(late, 0.4)
        assert stamp.ts_from == "pts"
        assert near(stream.frame(2.0, delay=0.2, offset=offset)[0], 0.2)


def test_a_clock_that_drifts_is_followed() -> None:
    stream = Stream()
    for n in range(25 * 120):
        at = n / 25
        late, _ = stream.frame(at, offset=at * 200e-6)  # of 200 parts in a million
        assert abs(late - 0.1) < 0.003


def test_a_clock_that_counts_frames_instead_of_time_is_not_believed() -> None:
    stream = Stream()
    stamps = [stream.frame(n / 10, offset=n / 25 - n / 10)[1] for n in range(300)]
    assert [stamp.source for stamp in stamps[-100:]] == ["arrival"] * 100
    worst = max(START + seconds(n / 10 + 0.1) - stamp.t_cap_ns for n, stamp in enumerate(stamps))
    assert worst <= OwnTime.LATEST


def test_the_wall_clock_of_the_camera_counts_where_it_gives_one() -> None:
    stream = Stream()
    assert stream.frame(0.0, delay=0.3)[1].ts_from == "pts"
    stream.report(0.2)
    late, stamp = stream.frame(1.0, delay=0.3)
    assert near(late, 0.0)
    assert (stamp.source, stamp.ts_from) == ("driver", "rtcp")


def test_the_wall_clock_of_the_camera_does_not_count_where_that_is_not_wanted() -> None:
    stream = Stream(use_wall_clock=False)
    stream.report(0.0)
    late, stamp = stream.frame(1.0, delay=0.3)
    assert near(late, 0.3)
    assert stamp.ts_from == "pts"


def test_a_wall_clock_that_cannot_be_right_does_not_count() -> None:
    for wrong in (0.2, 3600.0, -2.0, -1e9):  # a frame of the future, or one that is older than is possible
        stream = Stream()
        stream.report(0.0, wrong=wrong)
        late, stamp = stream.frame(1.0)
        assert near(late, 0.1)
        assert stamp.ts_from == "pts"
        stream.report(2.0)
        assert stream.frame(3.0)[1].ts_from == "rtcp"


def test_our_own_wall_clock_may_be_set_between_two_reports() -> None:
    stream = Stream()
    stream.report(0.0)
    assert near(stream.frame(1.0)[0], 0.0)
    stream.report(2.0, our_wall=WALL + 3600 * SECOND)  # the two do not fit together any more
    late, stamp = stream.frame(3.0)
    assert near(late, 0.1)
    assert stamp.ts_from == "pts"


def test_frames_after_the_first_report_do_not_go_back() -> None:
    stream = Stream()
    times = [stream.frame(n / 25, delay=0.5)[1].t_cap_ns for n in range(10)]
    stream.report(0.4)
    times += [stream.frame(n / 25, delay=0.5)[1].t_cap_ns for n in range(10, 60)]
    assert times == sorted(set(times))
    assert near(stream.frame(60 / 25, delay=0.5)[0], 0.0)
