"""Fair shares of the inference for all cameras: which region of which frame is next."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from edged.errors import RingClosed
from edged.pipeline.demand import Demand
from edged.pipeline.inference.feed import Feed
from edged.pipeline.ring import Lease

__all__ = ["FairShare"]

T = TypeVar("T")


class FairShare(Generic[T]):
    """The regions of the frames of several cameras, each in its turn.

    It is start-time fair queueing (Goyal, Vin and Cheng, 1996): a camera has used so many embeddings, its next region
    starts at that count, and the lowest start is next. A camera that has not used its share starts where the last
    region did, and so before those that have used more: it loses nothing as long as it stays below its share. Among
    equals the one that was served longest ago is next. No share is saved up for later.

    The caller of `take`, `take_begun`, `charge`, `give_back` and `pause` has a lock for them; any thread may call the
    others.

    Args:
        divide: makes the regions to embed of a frame; of none the frame is given back by then.
        frames_came: the condition of all rings.
        demand: gets the time of each request for a frame.
    """

    def __init__(
        self, divide: Callable[[Feed, Lease], Sequence[T]], frames_came: threading.Condition, demand: Demand
    ) -> None:
        self._divide = divide
        self._frames_came = frames_came
        self._demand = demand
        self._shares: dict[str, _Share[T]] = {}
        self._start = 0.0  # of the last region that was taken
        self._turn = 0
        self._is_paused = False
        self._is_closed = False

    @property
    def under_way(self) -> int:
        """Count of frames that were taken and not given back."""
        return sum(share.under_way for share in self._shares.values())

    def serve(self, feeds: Sequence[Feed]) -> None:
        """Take the frames of *feeds* from now on; none is under way."""
        self._shares, self._start = {feed.camera: _Share(feed) for feed in feeds}, 0.0

    def take(self) -> T | None:
        """Return the next region; None if there is none now, or during a pause.

        Raises:
            RingClosed: every camera has stopped, and none of its frames is under way; or it is closed.
        """
        if self._is_closed:
            raise RingClosed("no more frames are given")
        if self._is_paused:
            return None
        for share in sorted(self._shares.values(), key=self._place):
            while not share.begun and self._take_frame(share):
                pass
            if share.begun:
                self._start = share.used = max(share.used, self._start)
                self._turn += 1
                share.turn = self._turn
                region = share.begun.popleft()
                if share.begun:
                    self.wake()  # another worker may wait for work
                return region
        if self._have_ended():
            raise RingClosed("every camera has stopped")
        return None

    def take_begun(self) -> T | None:
        """Return a region of a frame of which others were taken, also during a pause; None if there is none."""
        return next((share.begun.popleft() for share in self._shares.values() if share.begun), None)

    def charge(self, feed: Feed, embeddings: int) -> None:
        """Count so many *embeddings* as used by the camera of *feed*."""
        self._shares[feed.camera].used += embeddings

    def give_back(self, feed: Feed) -> None:
        """Count a frame of *feed* as no longer under way, so that another may be taken."""
        self._shares[feed.camera].under_way -= 1

    def pause(self, paused: bool) -> None:
        """Give no frames while *paused*."""
        self._is_paused = paused

    def wait(self, seconds: float, interrupted: Callable[[], bool]) -> bool:
        """Wait for what can be taken, or the end; False if none came within *seconds*, or if *interrupted*."""
        with self._frames_came:
            if self._is_closed or self._can_take():
                return True
            return not interrupted() and self._frames_came.wait(seconds)

    def wait_idle(self, seconds: float) -> bool:
        """Wait until no frame is under way; False if that takes longer than *seconds*."""
        with self._frames_came:
            return self._frames_came.wait_for(lambda: not self.under_way, seconds)

    def wake(self) -> None:
        """Have the waiting threads check again."""
        with self._frames_came:
            self._frames_came.notify_all()

    def close(self) -> None:
        """End all waits for frames, and give no more; called from any thread."""
        with self._frames_came:
            self._is_closed = True
            self._frames_came.notify_all()

    def _take_frame(self, share: _Share[T]) -> bool:
        """Begin with the next frame of *share*, if there is one."""
        if share.is_full:
            return False
        try:
            lease = share.feed.ring.take_frame()
        except RingClosed:
            return False
        self._demand.note_request(share.feed.camera, time.monotonic_ns(), in_vain=lease is None)
        if lease is None:
            return False
        share.under_way += 1
        share.begun.extend(self._divide(share.feed, lease))
        return True

    def _place(self, share: _Share[T]) -> tuple[float, int]:
        return max(share.used, self._start), share.turn

    def _can_take(self) -> bool:
        if self._is_paused:
            return False
        shares = self._shares.values()
        return any(share.begun or (share.feed.ring.waiting and not share.is_full) for share in shares) or (
            self._have_ended()
        )

    def _have_ended(self) -> bool:
        shares = self._shares.values()
        return bool(shares) and all(share.feed.ring.ended and not share.under_way for share in shares)


class _Share(Generic[T]):
    """The share of one camera: the embeddings that it has ``used``, its last ``turn``, and frames that are under way.

    ``begun`` has the regions of these that nobody has taken.
    """

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.used = 0.0
        self.turn = 0
        self.under_way = 0
        self.begun: deque[T] = deque()

    @property
    def is_full(self) -> bool:
        """Whether as many of its frames are under way as may be."""
        return self.under_way >= self.feed.ring.leases
