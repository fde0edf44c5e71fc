"""The inference stage: embeds the regions of all cameras, with one worker or several."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from edged.errors import ControlError, RingClosed
from edged.pipeline.call_queue import CallQueue
from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.inference.feed import Feed
from edged.pipeline.inference.observer import FrameObserver, Observer
from edged.pipeline.inference.turns import WAIT_SECONDS, RegionWork, Turns
from edged.pipeline.inference.worker import Worker
from edged.pipeline.result import ModelFacts
from edged.pipeline.stage import Stage
from edged.references import ReferenceGroup, References
from edged.vision.runtime.interpreter import RUN_SECONDS

if TYPE_CHECKING:
    from edged.pipeline.placed_set import PlacedSet
    from edged.pipeline.review_queues import ReviewQueues
    from edged.vision.embedder import Embedder

__all__ = ["Inference", "Opened"]

log = logging.getLogger(__name__)

T = TypeVar("T")

WORKERS_SECONDS = 1.0  # for the regions that are being embedded when it ends


class Opened(NamedTuple):
    """An open model, with the references and the sets of states that it has embedded.

    *others* are embedders of the same model for more workers.
    """

    embedder: Embedder
    references: References
    sets: Sequence[PlacedSet] = ()
    others: Sequence[Embedder] = ()


class Inference(Stage):
    """Takes the newest frame of each camera in turn, and embeds and compares its regions.

    It is a worker itself, and has others beside it, each a thread with an embedder of its own: `Turns` says who does
    what. The embedders are opened and closed in this stage's thread. *open_model* makes them, with what was embedded,
    and calls its argument between any two parts of that. Other threads submit calls: `submit` for work with the
    embedder, `use` to change what is embedded and compared.

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
        self._turns = Turns(frames_came, handover, demand, review)
        self._open_model = open_model
        self._model: Embedder | None = None
        self._others: Sequence[Embedder] = ()
        self._workers: Sequence[Worker] = ()
        self._facts: ModelFacts | None = None
        self._handover = handover
        self._demand = demand
        self._calls = CallQueue(self._turns.share.wake)

    @property
    def facts(self) -> ModelFacts | None:
        """The facts about its model; None until that is open."""
        return self._facts

    @property
    def references(self) -> References | None:
        """The references that it compares with; None until they are embedded."""
        return self._turns.regions.references

    @property
    def sets(self) -> Sequence[PlacedSet]:
        """The sets of states; none until the model is open."""
        return self._turns.regions.sets

    @property
    def workers(self) -> Sequence[Stage]:
        """Its other workers, which it starts and ends itself."""
        return self._workers

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

        def change() -> None:
            with self._paused():
                self._use(feeds, configured, enrolled, top_k, sets)

        return self._calls.submit(change)

    def use_set(self, name: str, placed: PlacedSet | None) -> Future[Sequence[PlacedSet]]:
        """Use *placed* in place of the set *name* from the next frame on; None: use no such set.

        The future gets all sets in use then. May be called from any thread.
        """

        def replace() -> Sequence[PlacedSet]:
            with self._paused():
                self._use(sets=self._turns.regions.with_set(name, placed))
            return self._turns.regions.sets

        return self._calls.submit(replace)

    def add_observer(self, observer: Observer) -> Future[None]:
        """Show *observer* every region that is embedded from now on, until it has seen enough, or `remove_observer`.

        Until then every region of every frame is embedded, also where nothing moves or without a subscriber. May be
        called from any thread. An observer that takes long holds up the stream.
        """
        return self._locked(lambda: self._turns.observers.add(observer))

    def remove_observer(self, observer: Observer) -> Future[None]:
        """Show *observer* nothing more; harmless if it has seen enough. May be called from any thread."""
        return self._locked(lambda: self._turns.observers.remove(observer))

    def add_frame_observer(self, camera: str, observer: FrameObserver) -> Future[None]:
        """Show *observer* every frame of *camera* whose turn comes, until it has seen enough or is removed.

        Frames are decoded for it, and no more is embedded than without it. May be called from any thread.
        """
        return self._locked(lambda: self._turns.frame_observers.add((camera, None), observer))

    def remove_frame_observer(self, camera: str, observer: FrameObserver) -> Future[None]:
        """Show *observer* nothing more; harmless if it has seen enough. May be called from any thread."""
        return self._locked(lambda: self._turns.frame_observers.remove((camera, None), observer))

    def add_region_observer(self, camera: str, region: str, observer: Observer) -> Future[None]:
        """Show *observer* every result of one region, also where nothing has moved, until it has seen enough.

        The region is embedded as if its vectors had a subscriber. May be called from any thread.
        """
        return self._locked(lambda: self._turns.region_observers.add((camera, region), observer))

    def remove_region_observer(self, camera: str, region: str, observer: Observer) -> Future[None]:
        """Show *observer* nothing more; harmless if it has seen enough. May be called from any thread."""
        return self._locked(lambda: self._turns.region_observers.remove((camera, region), observer))

    def open(self) -> None:
        opened = self._open_model(self._check_stop)
        self._model, self._others = opened.embedder, opened.others
        self._workers = [Worker(number, self._turns, each) for number, each in enumerate(self._others, 2)]
        self._turns.regions.references, self._turns.regions.sets = opened.references, opened.sets
        self._facts = facts = ModelFacts.of(self._embedder)
        self._turns.open(self._embedder, facts)
        log.info(
            "model %s on %s, delegate %s, workers: %d, threads: %d, %d values, space %s",
            facts.model,
            facts.engine,
            facts.delegate,
            1 + len(self._others),
            self._embedder.options.num_threads,
            facts.dimension,
            facts.space_id,
        )
        self._use(self._feeds)
        for worker in self._workers:
            worker.start(self._turns.share.wake)

    def _locked(self, change: Callable[[], None]) -> Future[None]:
        """Submit *change* of something that all workers use."""

        def locked() -> None:
            with self._turns.lock:
                change()

        return self._calls.submit(locked)

    def _paused(self) -> AbstractContextManager[None]:
        """Nothing is embedded inside: what is compared and decided can change at once for all regions."""
        return self._turns.paused(self._do, self._check_pause)

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
            for feed in feeds:
                # Whether a frame has changed is found out when the one before was embedded.
                feed.ring.lend(1 if feed.skipping is not None else 1 + len(self._others))
            self._turns.share.serve(feeds)
            if feeds:  # else another inference works
                self._serve(self._facts)
        regions = self._turns.regions
        regions.use(self._feeds, configured, enrolled, top_k, sets)
        if self._feeds and self._handover.sets is not regions.answering:
            self._handover.use_sets(regions.answering)

    def _serve(self, facts: ModelFacts) -> None:
        self._demand.serve({feed.camera: [name for name, _ in feed.regions] for feed in self._feeds if feed.on_demand})
        if self._handover.facts is not facts:
            self._handover.open(facts)

    def _check_stop(self) -> None:
        """Check between the parts of a long opening: a stop need not wait for the last of a thousand pictures."""
        self.progress()
        if self.stopping:
            raise RingClosed("stopped before it was open")

    def _check_pause(self) -> None:
        """Check whether a change may go on waiting for the other workers, each of which has a time limit of its own."""
        self.progress()
        self._check_workers()
        if self.stopping:
            raise ControlError("stopping", "the daemon is stopping, or changing its model")

    def _check_workers(self) -> None:
        for worker in self._workers:
            if worker.error is not None:
                raise worker.error

    def step(self) -> None:
        self._check_workers()
        if self._calls.run_next():
            self.progress()
        work = self._turns.take(WAIT_SECONDS, lambda: bool(self._calls))
        if work is not None:
            self._do(work)

    def _do(self, work: RegionWork) -> None:
        self._turns.do(work, self._embedder, self)
        self.progress()

    @property
    def _embedder(self) -> Embedder:
        assert self._model is not None, "steps come after open"
        return self._model

    def wake(self) -> None:
        self._turns.share.close()
        if self._feeds:
            self._handover.close()

    def close(self) -> None:
        self._calls.close()
        embedders = [] if self._model is None else [self._model, *self._end_workers()]
        for observers in (self._turns.observers, self._turns.frame_observers, self._turns.region_observers):
            observers.close()
        if self._feeds:
            self._handover.close()
        for feed in self._feeds:
            feed.ring.close()  # no frame is taken any more: a capture that waits for that must not wait for ever
        for embedder in embedders:
            embedder.close()

    def _end_workers(self) -> Iterator[Embedder]:
        """End the other workers, and yield their embedders: that of one that hangs is left behind with it."""
        deadline = time.monotonic() + WORKERS_SECONDS
        self._turns.share.close()
        for worker in self._workers:
            worker.stop()
        for worker, embedder in zip(self._workers, self._others, strict=True):
            if worker.join(deadline - time.monotonic()):
                yield embedder
            else:
                log.warning("%s has not ended within %g s and is left behind", worker.name, WORKERS_SECONDS)
