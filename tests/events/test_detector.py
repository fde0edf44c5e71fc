"""One reference in one place: when its events begin, go on and end."""

from __future__ import annotations

from itertools import count

import pytest

from edged.events import Detector, EventChange, Thresholds
from edged.events.detector import Score

SECOND = 1_000_000


class Scene:
    """A detector that is shown scores, one a frame."""

    def __init__(
        self, enter: float = 0.8, leave: float = 0.7, min_seconds: float = 0.0, cooldown_seconds: float = 0.0
    ) -> None:
        numbers = count(1)
        thresholds = Thresholds(enter, leave, min_seconds, cooldown_seconds)
        self.detector = Detector("street", "path", "empty", thresholds, lambda: f"run-{next(numbers)}")
        self.t_us = 0
        self.frame = 0

    def show(self, *scores: float, seconds: float = 0.1) -> list[EventChange]:
        """Show *scores*, *seconds* apart; what came of them."""
        changes: list[EventChange] = []
        for score in scores:
            changes += self.detector.add_score(Score(self.frame, self.t_us, score))
            self.frame += 1
            self.t_us += round(seconds * SECOND)
        return changes


def seen(changes: list[EventChange]) -> list[tuple[str, int]]:
    """What happened, and at which frame."""
    return [(change.reason or change.phase, change.frame_seq) for change in changes]


def test_an_event_begins_at_enter_and_ends_below_leave() -> None:
    scene = Scene()
    begin, end = scene.show(0.1, 0.79, 0.8, 0.9, 0.7, 0.69, 0.1)
    assert begin == EventChange("run-1", "begin", "street", "path", "empty", 0.8, 0.8, None, 200_000, 200_000, 2)
    assert end == EventChange("run-1", "end", "street", "path", "empty", 0.69, 0.9, "left", 200_000, 500_000, 5)


def test_a_score_that_trembles_around_enter_makes_one_event() -> None:
    scene = Scene()
    assert seen(scene.show(0.1, *[0.81, 0.79] * 20, 0.1)) == [("begin", 1), ("left", 41)]


def test_a_score_that_trembles_around_leave_makes_one_event() -> None:
    scene = Scene()
    assert seen(scene.show(0.9, *[0.71, 0.69] * 20, 0.1)) == [("begin", 0), ("left", 2)]


def test_without_a_band_a_score_that_trembles_makes_many() -> None:
    assert len(Scene(leave=0.8).show(*[0.81, 0.79] * 20)) == 40


def test_a_score_that_does_not_last_is_not_an_event() -> None:
    scene = Scene(min_seconds=0.5)
    assert seen(scene.show(0.9, 0.9, 0.9, 0.9, 0.9, 0.79, 0.9)) == []


def test_an_event_began_when_the_score_rose_though_it_is_published_later() -> None:
    scene = Scene(min_seconds=0.5)
    (begin,) = scene.show(0.1, 0.85, 0.95, 0.9, 0.9, 0.9, 0.9)
    assert (begin.frame_seq, begin.t_cap_us, begin.t_begin_us) == (6, 600_000, 100_000)
    assert (begin.s, begin.peak) == (0.9, 0.95)


def test_frames_that_were_dropped_do_not_keep_an_event_from_beginning() -> None:
    scene = Scene(min_seconds=2.0)
    assert seen(scene.show(0.9, 0.9, 0.9, seconds=1.0)) == [("begin", 2)]
    scene = Scene(min_seconds=2.0)
    assert seen(scene.show(0.9, 0.9, seconds=3.0)) == [("begin", 1)]


def test_nothing_begins_in_the_cooldown_and_what_rose_in_it_and_lasts_began_when_it_rose() -> None:
    scene = Scene(cooldown_seconds=1.0)
    assert seen(scene.show(0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.1)) == [("begin", 0), ("left", 1)]
    (begin,) = scene.show(*[0.9] * 5)  # from the seventh frame; the cooldown is over with the eleventh
    assert (begin.frame_seq, begin.t_begin_us) == (11, 700_000)


def test_an_open_event_is_updated_every_ten_seconds() -> None:
    scene = Scene()
    assert seen(scene.show(*[0.9] * 305)) == [("begin", 0), ("update", 100), ("update", 200), ("update", 300)]


def test_a_peak_that_rises_is_published_once_a_second() -> None:
    scene = Scene()
    changes = scene.show(*(0.8 + 0.002 * step for step in range(60)), *[0.9] * 30)
    assert seen(changes) == [("begin", 0), *[("update", 10 * second) for second in range(1, 7)]]
    assert [change.peak for change in changes] == pytest.approx([0.8, 0.82, 0.84, 0.86, 0.88, 0.9, 0.918])


def test_a_peak_that_hardly_rises_is_not_published_before_its_time() -> None:
    assert seen(Scene().show(*(0.9 + 0.0001 * step for step in range(90)))) == [("begin", 0)]


def test_a_new_subscriber_gets_an_update_soon_but_many_get_one_a_second() -> None:
    scene = Scene()
    scene.detector.request_update()  # nothing is open: nothing to tell
    changes = scene.show(*[0.9] * 11)
    assert seen(changes) == [("begin", 0)]
    for _ in range(30):
        scene.detector.request_update()
        changes += scene.show(0.9)
    assert seen(changes) == [("begin", 0), ("update", 11), ("update", 21), ("update", 31)]


def test_an_end_from_outside_is_about_the_last_frame_and_comes_once() -> None:
    scene = Scene()
    assert scene.detector.end("stopped") == ()
    scene.show(0.9, 0.85)
    (end,) = scene.detector.end("camera-lost")
    assert (end.phase, end.reason, end.s, end.peak) == ("end", "camera-lost", 0.85, 0.9)
    assert (end.t_cap_us, end.frame_seq) == (100_000, 1)
    assert scene.detector.end("stopped") == ()


def test_a_rise_before_a_break_does_not_count_after_it() -> None:
    scene = Scene(min_seconds=0.5)
    scene.show(*[0.9] * 5)
    assert scene.detector.end("camera-lost") == ()
    assert seen(scene.show(*[0.9] * 6)) == [("begin", 10)]


def test_a_time_that_goes_back_ends_what_is_open_and_begins_anew() -> None:
    scene = Scene(min_seconds=0.2, cooldown_seconds=100.0)
    scene.t_us = 3600 * SECOND
    scene.show(0.9, 0.9, 0.9)
    scene.t_us = 0
    end, begin = scene.show(*[0.9] * 3)
    assert (end.reason, end.t_cap_us, end.frame_seq) == ("camera-lost", 3600 * SECOND + 200_000, 2)
    assert (begin.phase, begin.t_begin_us, begin.t_cap_us) == ("begin", 0, 200_000)
    assert begin.event_id != end.event_id


def test_a_time_that_stands_still_is_not_a_break() -> None:
    assert seen(Scene().show(0.9, 0.9, 0.1, seconds=0.0)) == [("begin", 0), ("left", 2)]


def test_new_thresholds_count_from_the_next_score_on() -> None:
    scene = Scene()
    scene.show(0.85)
    scene.detector.use(Thresholds(0.95, 0.9))
    assert seen(scene.show(0.85, 0.92, 0.95)) == [("left", 1), ("begin", 3)]


def test_a_rise_is_counted_anew_with_new_thresholds_and_not_with_the_same() -> None:
    scene = Scene(min_seconds=0.5)
    scene.show(*[0.9] * 5)
    scene.detector.use(Thresholds(0.8, 0.7, min_seconds=0.5))
    assert seen(scene.show(0.9)) == [("begin", 5)]
    scene = Scene(min_seconds=0.5)
    scene.show(*[0.9] * 5)
    scene.detector.use(Thresholds(0.85, 0.7, min_seconds=0.5))
    assert seen(scene.show(*[0.9] * 6)) == [("begin", 10)]
