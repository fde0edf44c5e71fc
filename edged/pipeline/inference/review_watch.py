"""The watch over the answers of one set of states: it finds the least sure one of each minute."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from edged.pipeline.review_queues import ReviewQueues, UnsureView
from edged.pipeline.wall_clock import WallClock
from edged.states import guess_of
from edged.vision.pixels.view import RgbView

if TYPE_CHECKING:
    from edged.pipeline.inference.observer import Observation
    from edged.values import StateAnswer

__all__ = ["ReviewWatch"]

log = logging.getLogger(__name__)

MOST_PIXELS = 1 << 23  # of a view that is held: 24 MiB


class ReviewWatch:
    """Holds the view that a set was least sure of, for a minute, and then hands it over to *queues*.

    So at most one picture a minute is written, and they are at least a minute apart. A frame costs a comparison or two,
    and a copy of its region where the set is less sure of it than of any other frame of the minute, which is seldom.
    One worker at a time uses it.
    """

    def __init__(self, name: str, queues: ReviewQueues) -> None:
        self._name = name
        self._queues = queues
        self._clock = WallClock()
        self._held: UnsureView | None = None
        self._held_ns = 0
        self._least = math.inf
        self._begins_ns = -1
        self._ends_ns = 0

    def look(self, answer: StateAnswer, seen: Observation) -> None:
        """Look at the *answer* of the set for the frame in *seen*, of which a copy is made if it is held."""
        t_ns = seen.lease.stamp.t_cap_ns
        if self._held is not None and t_ns >= self._ends_ns:
            self._hand_over(self._held)
        if t_ns < self._begins_ns:
            return
        guess, p = guess_of(answer)
        if p < self._least and p < self._queues.below(self._name, guess):
            self._hold(answer, p, seen)

    def _hold(self, answer: StateAnswer, p: float, seen: Observation) -> None:
        t_ns, box = seen.lease.stamp.t_cap_ns, seen.box
        if self._held is None:
            self._ends_ns = t_ns + self._queues.apart_ns
        if box.width * box.height > MOST_PIXELS:
            return
        try:
            picture = RgbView(box).of(seen.lease.pixels, seen.lease.format.pixels)
        except MemoryError:  # the thread is the inference's, which must not end of it
            log.debug("there is no memory for a copy of a view of %s", self._name)
            return
        self._least, self._held_ns = p, t_ns
        self._held = UnsureView(
            answer=answer,
            camera=seen.feed.camera,
            region=seen.region,
            picture=picture,
            rotation=seen.feed.rotation,
            decode=seen.embedder.options.decode,
            t_wall_us=self._clock.wall_us(t_ns),
        )

    def _hand_over(self, view: UnsureView) -> None:
        self._queues.offer(view)
        self._held, self._least = None, math.inf
        self._begins_ns = self._held_ns + self._queues.apart_ns
