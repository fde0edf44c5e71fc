"""From frames to results: several workers embed regions side by side, and each region's results stay in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.inference.fair_share import FairShare
from edged.pipeline.inference.feed import Feed
from edged.pipeline.inference.observer import Observation, Observers, PlaceObservers, SeenFrame
from edged.pipeline.inference.region_states import RegionStates
from edged.pipeline.result import ModelFacts, Result
from edged.pipeline.ring import Lease

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edged.pipeline.inference.region_state import RegionState
    from edged.pipeline.review_queues import ReviewQueues
    from edged.pipeline.stage import Stage
    from edged.regions import Box, Region
    from edged.values import ReferenceScore, StateAnswer
    from edged.vision.embedder import Embedder

__all__ = ["RegionWork", "Turns"]

WAIT_SECONDS = 0.25  # how long a worker may wait for a frame or for a free vector


@dataclass(slots=True, eq=False)
class _TakenFrame:
    """A frame that is being embedded: so many of its regions are ``left``."""

    feed: Feed
    lease: Lease
    left: int


@dataclass(slots=True, eq=False)
class RegionWork:
    """One region of one frame, from its turn to its result; *number* is its place among those of the region.

    ``answer`` is set where nothing has moved, and without a ``vector`` in the end there is no result.
    """

    frame: _TakenFrame
    region: RegionState
    number: int
    box: Box
    roi: Region
    embedder: Embedder | None = None
    vector: NDArray[np.float32] | NDArray[np.int8] | None = None
    answer: tuple[tuple[ReferenceScore, ...], tuple[StateAnswer, ...]] | None = None
    started_ns: int = 0
    loaded_ns: int = 0
    inferred_ns: int = 0


class Turns:
    """Gives frames to workers, region by region, and hands the results over.

    Only what a model does itself goes on side by side: a worker does everything else with ``lock``, so that all that is
    here has one user at a time. A region's frames are compared, shown and handed over in the order in which they were
    taken, by the worker that ends the last of them.
    """

    def __init__(
        self, frames_came: threading.Condition, handover: Handover, demand: Demand, review: ReviewQueues | None
    ) -> None:
        self.lock = threading.Lock()
        self.regions = RegionStates(review)
        self.observers = Observers(demand)
        self.frame_observers: PlaceObservers[SeenFrame] = PlaceObservers(demand)
        self.region_observers: PlaceObservers[Observation] = PlaceObservers(demand)
        self.share: FairShare[RegionWork] = FairShare(self._divide, frames_came, demand)
        self._handover = handover
        self._demand = demand
        self._embedder: Embedder | None = None
        self._facts: ModelFacts | None = None

    def open(self, embedder: Embedder, facts: ModelFacts) -> None:
        """Observers are shown *embedder* with frames; results have these *facts*."""
        self._embedder, self._facts = embedder, facts

    def take(self, seconds: float, interrupted: Callable[[], bool]) -> RegionWork | None:
        """Return the next region to embed; None if none comes within *seconds*, or when *interrupted*.

        Raises:
            RingClosed: every camera has stopped and nothing is under way, or the share is closed.
        """
        deadline = time.monotonic() + seconds
        while True:
            with self.lock:
                if (work := self.share.take()) is not None:
                    return work
            left = deadline - time.monotonic()
            if left <= 0 or not self.share.wait(left, interrupted):
                return None

    def do(self, work: RegionWork, embedder: Embedder, stage: Stage) -> None:
        """Embed what *work* says with *embedder*, in the thread of *stage*, which notes its progress."""
        work.vector = self._borrow(work.frame.feed, stage)
        work.started_ns = time.monotonic_ns()
        work.embedder = embedder
        if work.vector is not None and not self._recall(work):
            lease = work.frame.lease
            embedder.load(lease.pixels, lease.format.pixels, work.box, work.frame.feed.rotation)
            work.loaded_ns = time.monotonic_ns()
            embedder.invoke()
            embedder.read(work.vector)
            work.inferred_ns = time.monotonic_ns()
        with self.lock:
            for ended in work.region.order.end(work.number, work):
                self._finish(ended)
        self.share.wake()

    @contextmanager
    def paused(self, do: Callable[[RegionWork], None], check_stop: Callable[[], None]) -> Iterator[None]:
        """Take no frame inside, when all that were taken are done; *do* does what no other worker has begun."""
        with self.lock:
            self.share.pause(True)
        try:
            while (work := self._take_begun()) is not None:
                do(work)
            while not self.share.wait_idle(WAIT_SECONDS):
                check_stop()
            with self.lock:
                yield
        finally:
            self.share.pause(False)
            self.share.wake()

    def _take_begun(self) -> RegionWork | None:
        with self.lock:
            return self.share.take_begun()

    def _divide(self, feed: Feed, lease: Lease) -> Sequence[RegionWork]:
        """Show the frame in *lease* to its observers, and return the regions of it that are wanted."""
        assert self._embedder is not None, "set by open"
        if (place := (feed.camera, None)) in self.frame_observers:
            self.frame_observers.show(place, SeenFrame(feed, lease, self._embedder))
        wanted = [each for each in self.regions.of(feed.camera) if self._demand.is_wanted(feed.camera, each.name)]
        frame = _TakenFrame(feed, lease, len(wanted))
        if not wanted:
            self._release(frame)
        boxes = [region.box(lease.format) for region in wanted]
        return [
            RegionWork(frame, region, region.order.begin(), box, region.roi)
            for region, box in zip(wanted, boxes, strict=True)
        ]

    def _borrow(self, feed: Feed, stage: Stage) -> NDArray[np.float32] | NDArray[np.int8] | None:
        """Return a free vector for a result; None if the result could not be handed over."""
        vector = self._handover.borrow(0.0)
        while vector is None and feed.wait_for_publisher and not stage.stopping:
            vector = self._handover.borrow(WAIT_SECONDS)
            stage.progress()  # a publisher that hangs is reported as such, and not this stage
        return vector

    def _recall(self, work: RegionWork) -> bool:
        """Whether nothing has moved in *work*: it gets the vector and the answers of before then."""
        unchanged_filter = work.region.unchanged_filter
        with self.lock:
            is_unchanged = unchanged_filter is not None and unchanged_filter.is_unchanged(work.frame.lease, work.box)
            if unchanged_filter is None or not is_unchanged or self.observers:
                self.share.charge(work.frame.feed, 1)
                return False
            assert work.vector is not None, "borrowed before"
            unchanged_filter.recall(work.vector)
            work.answer = unchanged_filter.matches, unchanged_filter.states
            work.loaded_ns = work.inferred_ns = time.monotonic_ns()
            return True

    def _finish(self, work: RegionWork) -> None:
        """Compare, show and hand over what was embedded; release the frame after its last region."""
        if work.vector is None:
            work.frame.feed.stats.dropped_publish += 1
        else:
            self._handover.put(self._result(work, work.vector))
        work.frame.left -= 1
        if not work.frame.left:
            self._release(work.frame)

    def _release(self, frame: _TakenFrame) -> None:
        frame.lease.release()
        self.share.give_back(frame.feed)

    def _result(self, work: RegionWork, vector: NDArray[np.float32] | NDArray[np.int8]) -> Result:
        assert self._facts is not None, "set by open"
        feed, lease, region = work.frame.feed, work.frame.lease, work.region
        matches, states = work.answer or self._compare(region, vector)
        compared_ns = work.inferred_ns if work.answer else time.monotonic_ns()
        self._show(work, vector, matches, states)
        if region.check_picture(lease, work.box, states):
            self.regions.report_picture(feed)
        return Result(
            camera=feed.camera,
            region=region.name,
            roi=work.roi,
            rotation=feed.rotation,
            frame_seq=lease.seq,
            stamp=lease.stamp,
            decode_ns=lease.decode_ns,
            wait_ns=work.started_ns - lease.stamp.t_cap_ns,
            preprocess_ns=work.loaded_ns - work.started_ns,
            infer_ns=work.inferred_ns - work.loaded_ns,
            compare_ns=compared_ns - work.inferred_ns,
            matches=matches,
            compared=region.compared,
            vector=vector,
            facts=self._facts,
            unchanged=work.answer is not None,
            top_k=region.scorer.top_k,
            states=states,
        )

    def _compare(
        self, region: RegionState, vector: NDArray[np.float32] | NDArray[np.int8]
    ) -> tuple[tuple[ReferenceScore, ...], tuple[StateAnswer, ...]]:
        matches = region.scorer.matches(vector)
        return matches, region.classifier.answers(vector, matches, is_blind=region.is_blind)

    def _show(
        self,
        work: RegionWork,
        vector: NDArray[np.float32] | NDArray[np.int8],
        matches: tuple[ReferenceScore, ...],
        states: tuple[StateAnswer, ...],
    ) -> None:
        """Show what was embedded to the observers, and to what watches over the answers *states* of its region."""
        feed, lease, region, unchanged = work.frame.feed, work.frame.lease, work.region, work.answer is not None
        assert work.embedder is not None, "set before it runs"
        if not unchanged and region.unchanged_filter is not None:
            region.unchanged_filter.remember(lease, vector, matches, states)
        place = feed.camera, region.name
        watches = () if unchanged or region.is_blind else region.watches
        if not (watches or place in self.region_observers or (self.observers and not unchanged)):
            return
        seen = Observation(feed, lease, region.name, work.box, vector, work.embedder, states, unchanged)
        for number, watch in watches:
            watch.look(states[number], seen)
        if not unchanged:
            self.observers.show(seen)
        self.region_observers.show(place, seen)
