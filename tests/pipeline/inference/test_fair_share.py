"""Fair shares of the cameras: which frame is next, when a wait for one ends, and what is noted of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.errors import RingClosed
from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.demand import Demand
from edged.pipeline.inference.fair_share import FairShare
from edged.pipeline.inference.feed import Feed
from edged.pipeline.ring import FrameRing, Lease
from edged.regions import FULL
from edged.values import Format, Stamp
from tests.fakes import Clock, WaitedCondition

FORMAT = Format(width=4, height=2)


class Taken(NamedTuple):
    """A region of a frame, of which so many others come later."""

    feed: Feed
    lease: Lease
    left: int


class Rig:
    """The frames of three cameras; one embedding for each."""

    def __init__(self) -> None:
        self.frames_came, self.demand = WaitedCondition(), Demand()
        self.feeds = [
            Feed(name, FrameRing(self.frames_came), CameraStats(name), (("full", FULL),), 0, False)
            for name in ("one", "two", "three")
        ]
        for feed in self.feeds:
            feed.ring.allocate(FORMAT)
        self.regions = {"one": 1, "two": 1, "three": 1}
        self.share = FairShare(self.divide, self.frames_came, self.demand)
        self.share.serve(self.feeds)

    def deliver(self, *cameras: str) -> None:
        for feed in self.feeds:
            if feed.camera in cameras:
                feed.ring.slot()
                feed.ring.commit(0, Stamp(1, "driver"))

    def divide(self, feed: Feed, lease: Lease) -> list[Taken]:
        return [Taken(feed, lease, left) for left in reversed(range(self.regions[feed.camera]))]

    def take(self, seconds: float = 0.0, *, has_calls: bool = False) -> str | None:
        """The camera whose turn it is; a region of it is embedded."""
        taken = self.share.take()
        if taken is None and self.share.wait(seconds, lambda: has_calls):
            taken = self.share.take()
        if taken is None:
            return None
        self.share.charge(taken.feed, 1)
        self.give_back(taken)
        return taken.feed.camera

    def give_back(self, taken: Taken) -> None:
        if not taken.left:
            taken.lease.release()
            self.share.give_back(taken.feed)

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


class Simulation:
    """So many workers, which embed a region of a camera in a unit of time each."""

    def __init__(self, workers: int, regions: Mapping[str, int]) -> None:
        frames_came = threading.Condition()
        self.now = 0.0
        self.regions = regions
        self.feeds = {
            name: Feed(name, FrameRing(frames_came, leases=workers), CameraStats(name), (("full", FULL),), 0, False)
            for name in regions
        }
        for feed in self.feeds.values():
            feed.ring.allocate(FORMAT)
        self.share = FairShare(self._divide, frames_came, Demand())
        self.share.serve(list(self.feeds.values()))
        self._workers = workers
        self._left: dict[Lease, int] = {}
        self._embedding: list[tuple[float, Taken]] = []

    def deliver(self, camera: str) -> None:
        self.feeds[camera].ring.slot()
        self.feeds[camera].ring.commit(0, Stamp(1, "driver"))

    def embed_until(self, time: float) -> None:
        """Go on until a worker has ended, but at most until *time*."""
        while len(self._embedding) < self._workers and (taken := self.share.take()) is not None:
            self.share.charge(taken.feed, 1)
            self._embedding.append((self.now + 1.0, taken))
        self.now = min(time, min((end for end, _ in self._embedding), default=time))
        for each in [each for each in self._embedding if each[0] <= self.now]:
            self._embedding.remove(each)
            self._end(each[1])

    def _end(self, taken: Taken) -> None:
        self._left[taken.lease] -= 1
        if not self._left[taken.lease]:
            del self._left[taken.lease]
            taken.lease.release()
            self.share.give_back(taken.feed)

    def _divide(self, feed: Feed, lease: Lease) -> list[Taken]:
        self._left[lease] = self.regions[feed.camera]
        return [Taken(feed, lease, 0)] * self.regions[feed.camera]


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


def test_a_camera_with_more_regions_has_fewer_frames(rig: Rig) -> None:
    rig.regions["one"] = 3
    order = []
    for _ in range(12):
        rig.deliver("one", "two")
        order.append(rig.take())
    assert order == ["one", "two"] * 6


def test_no_share_is_saved_up(rig: Rig) -> None:
    for _ in range(10):
        rig.deliver("one")
        assert rig.take() == "one"
    order = []
    for _ in range(6):
        rig.deliver("one", "two")
        order.append(rig.take())
    assert order == ["two", "one", "two", "one", "two", "one"]


def test_only_so_many_frames_of_a_camera_are_under_way_as_its_ring_lends(rig: Rig) -> None:
    rig.deliver("one")
    taken = rig.share.take()
    assert taken is not None
    rig.deliver("one", "two")
    assert rig.take() == "two"
    assert rig.take() is None
    assert rig.share.under_way == 1
    rig.give_back(taken)
    assert rig.take() == "one"


def test_a_pause_gives_no_frames_and_is_over_when_those_under_way_are_given_back(rig: Rig) -> None:
    rig.deliver("one", "two")
    taken = rig.share.take()
    assert taken is not None
    rig.share.pause(True)
    assert rig.take() is None
    assert not rig.share.wait_idle(0.0)
    rig.give_back(taken)
    assert rig.share.wait_idle(0.0)
    rig.share.pause(False)
    assert rig.take() == "two"


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("regions", [1, 5])
@given(data=st.data())
def test_a_camera_below_its_share_loses_nothing_beside_one_that_takes_all_it_can_get(
    workers: int, regions: int, data: st.DataObject
) -> None:
    """Nine slow cameras beside a fast one. The time of an embedding is the unit: a share is ``workers / 10``.

    A region of a slow camera waits for those that are being embedded and for at most one of each other slow camera.
    """
    simulation = Simulation(workers, {"fast": regions, **{f"slow{number}": 1 for number in range(9)}})
    period = 10.0 / workers + 1.1  # its share of 10 / workers, and the embedding that is under way when it comes
    slow = [name for name in simulation.regions if name != "fast"]
    dues = {name: data.draw(st.floats(0, period), label=name) for name in slow}
    while simulation.now < 40 * period:
        simulation.deliver("fast")
        for name in slow:
            if simulation.now >= dues[name]:
                simulation.deliver(name)
                dues[name] += period
        simulation.embed_until(min(dues.values()))
    assert {name: simulation.feeds[name].ring.dropped for name in slow} == dict.fromkeys(slow, 0)


def test_another_set_of_cameras_begins_with_its_first(rig: Rig) -> None:
    rig.deliver("one", "two", "three")
    assert [rig.take(), rig.take()] == ["one", "two"]
    rig.deliver("one", "two")
    rig.share.serve(rig.feeds[1:])
    assert [rig.take(), rig.take(), rig.take()] == ["two", "three", None]


def test_a_wait_lasts_as_long_as_it_may_and_not_at_all_where_a_call_waits(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading.Condition, "wait", lambda *_: False)
    assert rig.take(0.25) is None
    assert rig.frames_came.waits == [0.25]
    assert rig.take(0.25, has_calls=True) is None
    assert rig.frames_came.waits == [0.25]


def test_a_frame_ends_a_wait(rig: Rig) -> None:
    with rig.taking() as got:
        rig.deliver("two")
    assert got == ["two"]


def test_a_call_that_comes_ends_a_wait(rig: Rig) -> None:
    got: list[object] = []
    calls: list[int] = []
    thread = threading.Thread(target=lambda: got.append(rig.share.wait(3600, lambda: bool(calls))), daemon=True)
    thread.start()
    assert rig.frames_came.is_waited_for.wait(20)
    calls.append(1)
    rig.share.wake()
    thread.join(20)
    assert got == [True]  # it checks again
    assert not rig.share.wait(3600, lambda: bool(calls))


def test_closing_ends_a_wait_and_gives_no_more_turns(rig: Rig) -> None:
    ended: list[bool] = []

    def take() -> None:
        with pytest.raises(RingClosed):
            rig.take(3600)
        ended.append(True)

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    assert rig.frames_came.is_waited_for.wait(20)
    rig.share.close()
    thread.join(20)
    assert ended == [True]
    rig.deliver("one")
    with pytest.raises(RingClosed, match="no more frames"):
        rig.take()


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
    rig.share.serve([])
    assert rig.take() is None


def test_each_request_is_noted_with_its_time_and_whether_it_was_in_vain(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("edged.pipeline.inference.fair_share.time", clock)
    for _ in range(2):
        rig.deliver("one")
        assert rig.take() == "one"
        clock.advance(1.0)
    assert rig.demand.due_ns("one") == clock.monotonic_ns()
    assert rig.demand.due_ns("two") == 0
    assert rig.take() is None
    assert rig.demand.due_ns("one") == 0
