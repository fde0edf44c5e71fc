"""The inference stage: one thread that embeds the regions of all cameras, in turn."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from edged.errors import RingClosed
from edged.pipeline.call_queue import CallQueue
from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.inference.feed import Feed
from edged.pipeline.inference.observer import (
    FrameObserver,
    Observation,
    Observer,
    Observers,
    PlaceObservers,
    SeenFrame,
)
from edged.pipeline.inference.region_states import RegionStates
from edged.pipeline.inference.round_robin import RoundRobin
from edged.pipeline.result import ModelFacts, Result
from edged.pipeline.ring import Lease
from edged.pipeline.stage import Stage
from edged.references import ReferenceGroup, References
from edged.vision.runtime.interpreter import RUN_SECONDS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edged.pipeline.inference.region_state import RegionState
    from edged.pipeline.placed_set import PlacedSet
    from edged.pipeline.review_queues import ReviewQueues
    from edged.regions import Box
    from edged.values import Rotation, StateAnswer
    from edged.vision.embedder import Embedder

__all__ = ["Inference", "Opened"]

log = logging.getLogger(__name__)

T = TypeVar("T")

WAIT_SECONDS = 0.25  # how long one step may wait for a frame or for a free vector


class Opened(NamedTuple):
    """An open model, with the references and the sets of states that it has embedded."""

    embedder: Embedder
    references: References
    sets: Sequence[PlacedSet] = ()


class Inference(Stage):
    """Takes the newest frame of each camera in turn, and embeds and compares its regions.

    One frame of one camera is one turn, so a fast camera cannot starve a slow one. The embedder is opened, used and
    closed in this stage's thread. *open_model* makes it, with what it has embedded, and calls its argument between any
    two parts of that. Other threads submit calls: `submit` for work with the embedder, `use` to change what is embedded
    and compared.

    *review* gets the views that sets of states are least sure of.

    An inference with *feeds* closes their rings and the hand-over when it ends. Without any it opens its model and
    waits: so one inference takes over from another.
    """

    step_seconds = float(RUN_SECONDS)  # for one region: a model that passed its trial does not hang

    def __init__(
        self,
        feeds: Sequence[Feed],
        frames_came: threading.Condition,
        open_model: Callable[[Callable[[], None]], Opened],
        handover: Handover,
        demand: Demand,
        review: ReviewQueues | None = None,
    ) -> None:
        super().__init__("inference")
        self._feeds = list(feeds)
        self._round_robin = RoundRobin(frames_came, demand)
        self._open_model = open_model
        self._model: Embedder | None = None
        self._facts: ModelFacts | None = None
        self._handover = handover
        self._demand = demand
        self._calls = CallQueue(self._round_robin.wake)
        self._regions = RegionStates(review)
        self._observers = Observers(demand)
        self._frame_observers: PlaceObservers[SeenFrame] = PlaceObservers(demand)
        self._region_observers: PlaceObservers[Observation] = PlaceObservers(demand)

    @property
    def facts(self) -> ModelFacts | None:
        """The facts about its model; None until that is open."""
        return self._facts

    @property
    def references(self) -> References | None:
        """The references that it compares with; None until they are embedded."""
        return self._regions.references

    @property
    def sets(self) -> Sequence[PlacedSet]:
        """The sets of states; none until the model is open."""
        return self._regions.sets

    def submit(self, call: Callable[[Embedder], T]) -> Future[T]:
        """Have *call* run with the embedder, between two frames; may be called from any thread, and returns at once.

        It runs in this stage's thread, the only one that may use the embedder, and should take no longer than one
        picture does: each call is followed by a frame, so that several never hold up the stream. For the future see
        `CallQueue.submit`.
        """
        return self._calls.submit(lambda: call(self._embedder))

    def use(
        self,
        *,
        feeds: Sequence[Feed] | None = None,
        configured: Sequence[ReferenceGroup] | None = None,
        enrolled: Sequence[ReferenceGroup] | None = None,
        top_k: int | None = None,
        sets: Sequence[PlacedSet] | None = None,
    ) -> Future[None]:
        """Use these from the next frame on, all at once; None changes nothing. May be called from any thread.

        *configured* and *enrolled* are all references of that origin, embedded by this stage's model, and *sets* all
        sets of states, learned from its vectors. The best *top_k* references of a region are published.
        """
        return self._calls.submit(lambda: self._use(feeds, configured, enrolled, top_k, sets))

    def use_set(self, name: str, placed: PlacedSet | None) -> Future[Sequence[PlacedSet]]:
        """Use *placed* in place of the set *name* from the next frame on; None: use no such set.

        The future gets all sets in use then. May be called from any thread.
        """

        def replace() -> Sequence[PlacedSet]:
            self._use(sets=self._regions.with_set(name, placed))
            return self._regions.sets

        return self._calls.submit(replace)

    def add_observer(self, observer: Observer) -> Future[None]:
        """Show *observer* every region that is embedded from now on, until it has seen enough, or `remove_observer`.

        Until then every region of every frame is embedded, also where nothing moves or without a subscriber. May be
        called from any thread. An observer that takes long holds up the stream.
        """
        return self._calls.submit(lambda: self._observers.add(observer))

    def remove_observer(self, observer: Observer) -> Future[None]:
        """Show *observer* nothing more; harmless if it has seen enough. May be called from any thread."""
        return self._calls.submit(lambda: self._observers.remove(observer))

    def add_frame_observer(self, camera: str, observer: FrameObserver) -> Future[None]:
        """Show *observer* every frame of *camera* whose turn comes, until it has seen enough or is removed.

        Frames are decoded for it, and no more is embedded than without it. May be called from any thread.
        """
        return self._calls.submit(lambda: self._frame_observers.add((camera, None), observer))

    def remove_frame_observer(self, camera: str, observer: FrameObserver) -> Future[None]:
        """Show *observer* nothing more; harmless if it has seen enough. May be called from any thread."""
        return self._calls.submit(lambda: self._frame_observers.remove((camera, None), observer))

    def add_region_observer(self, camera: str, region: str, observer: Observer) -> Future[None]:
        """Show *observer* every result of one region, also where nothing has moved, until it has seen enough.

        The region is embedded as if its vectors had a subscriber. May be called from any thread.
        """
        return self._calls.submit(lambda: self._region_observers.add((camera, region), observer))

    def remove_region_observer(self, camera: str, region: str, observer: Observer) -> Future[None]:
        """Show *observer* nothing more; harmless if it has seen enough. May be called from any thread."""
        return self._calls.submit(lambda: self._region_observers.remove((camera, region), observer))

    def open(self) -> None:
        self._model, self._regions.references, self._regions.sets = self._open_model(self._check_stop)
        self._facts = facts = ModelFacts.of(self._embedder)
        log.info(
            "model %s on %s, delegate %s, threads: %d, %d values, space %s",
            facts.model,
            facts.engine,
            facts.delegate,
            self._embedder.options.num_threads,
            facts.dimension,
            facts.space_id,
        )
        self._use(self._feeds)

    def _use(
        self,
        feeds: Sequence[Feed] | None = None,
        configured: Sequence[ReferenceGroup] | None = None,
        enrolled: Sequence[ReferenceGroup] | None = None,
        top_k: int | None = None,
        sets: Sequence[PlacedSet] | None = None,
    ) -> None:
        assert self._facts is not None, "made by open"
        if feeds is not None:
            self._feeds = list(feeds)
            self._round_robin.serve(feeds)
            if feeds:  # else another inference works
                self._serve(self._facts)
        self._regions.use(self._feeds, configured, enrolled, top_k, sets)
        if self._feeds and self._handover.sets is not self._regions.answering:
            self._handover.use_sets(self._regions.answering)

    def _serve(self, facts: ModelFacts) -> None:
        self._demand.serve({feed.camera: [name for name, _ in feed.regions] for feed in self._feeds if feed.on_demand})
        if self._handover.facts is not facts:
            self._handover.open(facts)

    def _check_stop(self) -> None:
        """Check between the parts of a long opening: a stop need not wait for the last of a thousand pictures."""
        self.progress()
        if self.stopping:
            raise RingClosed("stopped before it was open")

    def step(self) -> None:
        if self._calls.run_next():
            self.progress()
        taken = self._round_robin.wait_for_frame(WAIT_SECONDS, lambda: bool(self._calls))
        if taken is None:
            return
        feed, lease = taken
        with lease:
            if (place := (feed.camera, None)) in self._frame_observers:
                self._frame_observers.show(place, SeenFrame(feed, lease, self._embedder))
            for region in self._regions.of(feed.camera):
                if self._demand.is_wanted(feed.camera, region.name):
                    self._embed(feed, lease, region)
                    self.progress()

    @property
    def _embedder(self) -> Embedder:
        assert self._model is not None, "steps come after open"
        return self._model

    def wake(self) -> None:
        self._round_robin.close()
        if self._feeds:
            self._handover.close()

    def close(self) -> None:
        self._calls.close()
        for observers in (self._observers, self._frame_observers, self._region_observers):
            observers.close()
        if self._feeds:
            self._handover.close()
        for feed in self._feeds:
            feed.ring.close()  # no frame is taken any more: a capture that waits for that must not wait for ever
        if self._model is not None:
            self._model.close()

    def _borrow(self, feed: Feed) -> NDArray[np.float32] | NDArray[np.int8] | None:
        """Return a free vector for a result; None, and a drop is counted, if the result could not be handed over."""
        vector = self._handover.borrow(0.0)
        while vector is None and feed.wait_for_publisher and not self.stopping:
            vector = self._handover.borrow(WAIT_SECONDS)
            self.progress()  # a publisher that hangs is reported as such, and not this stage
        if vector is None:
            feed.stats.dropped_publish += 1
        return vector

    def _embed(self, feed: Feed, lease: Lease, region: RegionState) -> None:
        assert self._facts is not None, "made by open"
        if (vector := self._borrow(feed)) is None:
            return
        started = time.monotonic_ns()
        box, unchanged_filter = region.box(lease.format), region.unchanged_filter
        if unchanged_filter is not None and unchanged_filter.is_unchanged(lease, box) and not self._observers:
            unchanged_filter.recall(vector)
            matches, states, unchanged = unchanged_filter.matches, unchanged_filter.states, True
            loaded = inferred = compared = time.monotonic_ns()
        else:
            loaded, inferred = self._run_model(lease, box, feed.rotation, vector)
            matches, unchanged = region.scorer.matches(vector), False
            states = region.classifier.answers(vector, matches, is_blind=region.is_blind)
            compared = time.monotonic_ns()
            if unchanged_filter is not None:
                unchanged_filter.remember(lease, vector, matches, states)
            if self._observers or region.watches:
                self._show(Observation(feed, lease, region.name, box, vector, self._embedder), region, states)
        if (place := (feed.camera, region.name)) in self._region_observers:
            seen = Observation(feed, lease, region.name, box, vector, self._embedder, states, unchanged)
            self._region_observers.show(place, seen)
        if region.check_picture(lease, box, states):
            self._regions.report_picture(feed)
        self._handover.put(
            Result(
                camera=feed.camera,
                region=region.name,
                roi=region.roi,
                rotation=feed.rotation,
                frame_seq=lease.seq,
                stamp=lease.stamp,
                decode_ns=lease.decode_ns,
                wait_ns=started - lease.stamp.t_cap_ns,
                preprocess_ns=loaded - started,
                infer_ns=inferred - loaded,
                compare_ns=compared - inferred,
                matches=matches,
                compared=region.compared,
                vector=vector,
                facts=self._facts,
                unchanged=unchanged,
                top_k=region.scorer.top_k,
                states=states,
            )
        )

    def _run_model(
        self, lease: Lease, box: Box, rotation: Rotation, vector: NDArray[np.float32] | NDArray[np.int8]
    ) -> tuple[int, int]:
        """Write the vector of *box* into *vector*. Returns the times after the preprocessing and after the model."""
        self._embedder.load(lease.pixels, lease.format.pixels, box, rotation)
        loaded = time.monotonic_ns()
        self._embedder.invoke()
        self._embedder.read(vector)
        return loaded, time.monotonic_ns()

    def _show(self, observation: Observation, region: RegionState, states: Sequence[StateAnswer]) -> None:
        """Show *observation* to the observers, and to what watches over the answers *states* of its region."""
        for number, watch in () if region.is_blind else region.watches:
            watch.look(states[number], observation)
        self._observers.show(observation)
