"""The turns of the cameras: which frame is next, when a wait for one ends, and what is noted of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from edged.errors import RingClosed
from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.demand import Demand
from edged.pipeline.inference.feed import Feed
from edged.pipeline.inference.round_robin import RoundRobin
from edged.pipeline.ring import FrameRing
from edged.regions import FULL
from edged.values import Format, Stamp
from tests.fakes import Clock, WaitedCondition

FORMAT = Format(width=4, height=2)


class Rig:
    """The round of three cameras."""

    def __init__(self) -> None:
        self.frames_came, self.demand = WaitedCondition(), Demand()
        self.feeds = [
            Feed(name, FrameRing(self.frames_came), CameraStats(name), (("full", FULL),), 0, False)
            for name in ("one", "two", "three")
        ]
        for feed in self.feeds:
            feed.ring.allocate(FORMAT)
        self.round_robin = RoundRobin(self.frames_came, self.demand)
        self.round_robin.serve(self.feeds)

    def deliver(self, *cameras: str) -> None:
        for feed in self.feeds:
            if feed.camera in cameras:
                feed.ring.slot()
                feed.ring.commit(0, Stamp(1, "driver"))

    def take(self, seconds: float = 0.0, *, has_calls: bool = False) -> str | None:
        """The camera whose turn it is."""
        taken = self.round_robin.wait_for_frame(seconds, lambda: has_calls)
        if taken is None:
            return None
        feed, lease = taken
        lease.release()
        return feed.camera

    @contextmanager
    def taking(self) -> Iterator[list[object]]:
        """A thread waits for a frame inside, and what it got is there afterwards."""
        got: list[object] = []
        thread = threading.Thread(target=lambda: got.append(self.take(3600)), daemon=True)
        thread.start()
        assert self.frames_came.is_waited_for.wait(20)
        yield got
        thread.join(20)
        assert not thread.is_alive(), "the wait has ended"


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_cameras_have_their_turns_in_order_and_those_without_a_frame_are_left_out(rig: Rig) -> None:
    rig.deliver("one", "two", "three")
    assert [rig.take(), rig.take()] == ["one", "two"]
    rig.deliver("one", "two")
    assert [rig.take(), rig.take(), rig.take(), rig.take()] == ["three", "one", "two", None]
    rig.deliver("two")
    assert rig.take() == "two"
    rig.deliver("two", "one")
    assert rig.take() == "one"


def test_another_set_of_cameras_begins_with_its_first(rig: Rig) -> None:
    rig.deliver("one", "two", "three")
    assert [rig.take(), rig.take()] == ["one", "two"]
    rig.deliver("one", "two")
    rig.round_robin.serve(rig.feeds[1:])
    assert [rig.take(), rig.take(), rig.take()] == ["two", "three", None]


def test_a_wait_lasts_as_long_as_it_may_and_not_at_all_where_a_call_waits(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.pipeline.inference.round_robin.time", Clock())
    monkeypatch.setattr(threading.Condition, "wait", lambda *_: False)
    assert rig.take(0.25) is None
    assert rig.frames_came.waits == [0.25]
    assert rig.take(0.25, has_calls=True) is None
    assert rig.take(0.0) is None
    assert rig.frames_came.waits == [0.25]


def test_a_frame_ends_a_wait(rig: Rig) -> None:
    with rig.taking() as got:
        rig.deliver("two")
    assert got == ["two"]


def test_a_call_that_comes_ends_a_wait(rig: Rig) -> None:
    got: list[object] = []
    calls: list[int] = []
    thread = threading.Thread(
        target=lambda: got.append(rig.round_robin.wait_for_frame(3600, lambda: bool(calls))), daemon=True
    )
    thread.start()
    assert rig.frames_came.is_waited_for.wait(20)
    calls.append(1)
    rig.round_robin.wake()
    thread.join(20)
    assert got == [None]


def test_closing_ends_a_wait_and_gives_no_more_turns(rig: Rig) -> None:
    with rig.taking() as got:
        rig.round_robin.close()
    assert got == [None]
    rig.deliver("one")
    assert rig.take() is None


def test_it_ends_when_every_camera_has_stopped_and_its_last_frame_was_taken(rig: Rig) -> None:
    rig.deliver("three")
    for feed in rig.feeds[:2]:
        feed.ring.close()
    assert [rig.take(), rig.take()] == ["three", None]
    rig.deliver("three")
    rig.feeds[2].ring.close()
    assert rig.take() == "three"
    with pytest.raises(RingClosed, match="every camera has stopped"):
        rig.take()


def test_without_a_camera_it_waits_for_some(rig: Rig) -> None:
    rig.round_robin.serve([])
    assert rig.take() is None


def test_each_request_is_noted_with_its_time_and_whether_it_was_in_vain(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("edged.pipeline.inference.round_robin.time", clock)
    for _ in range(2):
        rig.deliver("one")
        assert rig.take() == "one"
        clock.advance(1.0)
    assert rig.demand.due_ns("one") == clock.monotonic_ns()
    assert rig.demand.due_ns("two") == 0
    assert rig.take() is None
    assert rig.demand.due_ns("one") == 0
