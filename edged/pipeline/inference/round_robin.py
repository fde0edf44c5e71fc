"""Round-robin over cameras: one frame of one camera is one turn, so a fast camera cannot starve a slow one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from edged.errors import RingClosed
from edged.pipeline.demand import Demand
from edged.pipeline.inference.feed import Feed
from edged.pipeline.ring import Lease

__all__ = ["RoundRobin"]


class RoundRobin:
    """The frames of several cameras in turn. Only the inference's thread uses it, apart from `wake` and `close`.

    Args:
        frames_came: the condition of all rings.
        demand: gets the time of each request for a frame.
    """

    def __init__(self, frames_came: threading.Condition, demand: Demand) -> None:
        self._frames_came = frames_came
        self._demand = demand
        self._feeds: list[Feed] = []
        self._next = 0
        self._is_closed = False

    def serve(self, feeds: Sequence[Feed]) -> None:
        """Take the frames of *feeds* from now on."""
        self._feeds, self._next = list(feeds), 0

    def wait_for_frame(self, seconds: float, has_calls: Callable[[], bool]) -> tuple[Feed, Lease] | None:
        """Return the next frame; None if none comes within *seconds*, or if *has_calls* when it is woken.

        Raises:
            RingClosed: every camera has stopped.
        """
        deadline = time.monotonic() + seconds
        with self._frames_came:
            while not self._is_closed:
                if (taken := self._take_frame()) is not None:
                    return taken
                left = deadline - time.monotonic()
                if has_calls() or left <= 0 or not self._frames_came.wait(left):
                    return None
        return None

    def wake(self) -> None:
        """Have a waiting thread check again; called from any thread."""
        with self._frames_came:
            self._frames_came.notify_all()

    def close(self) -> None:
        """End all waits, and give no more turns; called from any thread."""
        with self._frames_came:
            self._is_closed = True
            self._frames_came.notify_all()

    def _take_frame(self) -> tuple[Feed, Lease] | None:
        for feed in self._feeds[self._next :] + self._feeds[: self._next]:
            try:
                lease = feed.ring.take_frame()
            except RingClosed:
                continue
            self._demand.note_request(feed.camera, time.monotonic_ns(), in_vain=lease is None)
            if lease is not None:
                self._next = (self._feeds.index(feed) + 1) % len(self._feeds)
                return feed, lease
        if self._feeds and all(feed.ring.ended for feed in self._feeds):
            raise RingClosed("every camera has stopped")
        return None
