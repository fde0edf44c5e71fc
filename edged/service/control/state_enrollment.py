"""Enrollment of states: examples that are added to a running daemon, relabelled and removed, and what they teach."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from edged.enrolled import EnrolledExample, ExampleStore
from edged.errors import ControlError, StateError, map_exceptions
from edged.label_text import shown_path
from edged.service.control.claims import Claims
from edged.service.control.jobs import Job, wait_for
from edged.service.control.recent_views import RecentViews
from edged.service.control.trainer import Lesson, Trainer, example_info
from edged.service.control.typical_picture import PictureTaker, TypicalPicture, region_of
from edged.values import applies_in
from edged.wire import control_requests as requests
from edged.wire import control_results as results

if TYPE_CHECKING:
    from edged.config import Loaded
    from edged.pipeline.placed_set import PlacedSet
    from edged.service.running_stages import RunningStages

__all__ = ["StateEnrollment"]

log = logging.getLogger(__name__)

LEARN_SECONDS = 300.0  # for a set, after those of other callers: each of its pictures may have to be embedded
MOST_CHANGED = 1000  # sets that are learned again after a reload


class StateEnrollment:
    """Enrolls, relabels, forgets and lists examples of states of the *running* stages.

    *wake* lets a waiting job go on, *pictures* and *recent* take what is kept, *claims* are the names that jobs are
    changing, and *trainer* is the thread that does the work.
    """

    def __init__(
        self,
        running: RunningStages,
        wake: Callable[[], None],
        pictures: PictureTaker,
        recent: RecentViews,
        claims: Claims,
        trainer: Trainer,
    ) -> None:
        self._running = running
        self._wake = wake
        self._pictures = pictures
        self._recent = recent
        self._claims = claims
        self._trainer = trainer
        self._changed: dict[str, None] = {}  # sets that a reload may have read before they were, the newest last
        self._applied: tuple[Loaded, Sequence[PlacedSet]] | None = None

    def enroll(self, request: requests.Enroll) -> Job:
        """Keep the most typical view of a region as an example of a state, and learn its set again."""
        name, state, camera = request.name, request.state, request.camera
        assert state is not None, "else it is a reference that is enrolled"
        region = region_of(self._running.pipeline, camera, request.region)
        store = self._store()
        self._check_name(name)
        self.check_state(name, state)
        self._check_place(name, camera, region)
        with map_exceptions({StateError: partial(ControlError, "failed")}):
            store.check_room(name, state)
        with self._claims.changing(name):
            if request.picture is None:
                taken = yield from self._pictures.take(camera, region, request.frames)
            else:
                taken = yield from self._recent.take(camera, region, request.picture)
            new = _example(name, state, camera, region, taken)
            kept = yield from wait_for(
                self._trainer.submit(partial(self._trainer.keep, new, taken)), self._wake, LEARN_SECONDS
            )
            lesson = yield from self.learn_kept(name)
        log.info("enrolled an example of %s of %s: what %s/%s looks like now", state, name, camera, region)
        selection = taken.selection
        return _result(name, [kept], lesson, selection.similarities, selection.outliers), ()

    def forget(self, request: requests.Forget) -> Job:
        """Remove examples of a set from the disk, and learn it again without them."""
        name, store = request.name, self._store()
        with self._claims.changing(name):
            chosen = [example for example in store.load() if _is_meant(example, request)]
            if not chosen:
                raise ControlError("not-found", self._nothing_to_forget(request))
            if request.last:
                chosen = chosen[-1:]
            ids = [example.id for example in chosen]
            yield from wait_for(self._trainer.submit(partial(store.remove, ids)), self._wake, LEARN_SECONDS)
            lesson = yield from self.learn_kept(name)
        log.info("forgot %d example%s of %s", len(chosen), "s" * (len(chosen) > 1), name)
        return _result(name, chosen, lesson), ()

    def relabel(self, request: requests.Relabel) -> Job:
        """Make an example one of another state, and learn its set again."""
        store = self._store()
        found = [example for example in store.load() if example.id == request.example]
        if not found:
            raise ControlError("not-found", f"there is no example {request.example}; 'edged states' lists them")
        name = found[0].set
        self.check_state(name, request.state)
        with self._claims.changing(name):
            change = partial(store.relabel, request.example, request.state)
            example = yield from wait_for(self._trainer.submit(change), self._wake, LEARN_SECONDS)
            lesson = yield from self.learn_kept(name)
        log.info("example %s of %s is one of %s now", example.id, name, example.state)
        return _result(name, [example], lesson), ()

    def list_states(self) -> Job:
        """List every set with its examples, and what these prove."""
        sets = yield from wait_for(self._trainer.submit(self._trainer.list_sets), self._wake, LEARN_SECONDS)
        return results.StatesResult(sets=sets), ()

    def is_set(self, name: str) -> bool:
        """Whether *name* is a set of the configuration, or has enrolled examples."""
        pipeline = self._running.pipeline
        is_enrolled = any(example.set == name for example in pipeline.wiring.states.entries)
        return is_enrolled or name in pipeline.loaded.config.states

    @property
    def is_behind(self) -> bool:
        """Whether a reload has changed the sets, and may have read examples as they were before a change here."""
        if self._applied is None:
            return False
        loaded, sets = self._applied
        pipeline = self._running.pipeline
        is_changed = pipeline.loaded.config.states is not loaded.config.states  # a trial of a camera changes none
        return is_changed or pipeline.inference.sets is not sets

    def catch_up(self) -> Job:
        """Learn the sets again that were changed here, with what a reload has brought."""
        pipeline = self._running.pipeline
        self._applied = pipeline.loaded, pipeline.inference.sets  # also if it fails: it is tried once
        while self._changed:
            yield from self._learn(self._changed.popitem()[0])
        return results.ReloadResult(changes=()), ()

    def learn_kept(self, name: str) -> Generator[None, None, Lesson]:
        """Learn the set *name* after a change that is on the disk.

        Raises:
            ControlError: that fails (``not-learned``).
        """
        self._changed[name] = None
        if len(self._changed) > MOST_CHANGED:
            del self._changed[next(iter(self._changed))]
        try:
            return (yield from self._learn(name))
        except ControlError as refusal:
            text = f"the change is on the disk, but {name} is not learned again: {refusal}"
            raise ControlError("not-learned", text) from refusal

    def _learn(self, name: str) -> Generator[None, None, Lesson]:
        """Learn the set *name* and use it from the next frame on, in whichever inference works then."""
        while True:
            learning = self._trainer.submit(partial(self._trainer.learn, name))
            lesson = yield from wait_for(learning, self._wake, LEARN_SECONDS)
            inference = self._running.pipeline.inference
            try:
                sets = yield from wait_for(inference.use_set(name, lesson.placed), self._wake)
            except ControlError as refusal:
                if refusal.code != "stopping" or self._running.pipeline.inference is inference:
                    raise
                continue
            self._applied = lesson.loaded, sets
            return lesson

    def _nothing_to_forget(self, request: requests.Forget) -> str:
        """Return why there is no example that *request* means, and what to do."""
        name, loaded = request.name, self._running.pipeline.loaded
        if request.example:
            return f"{name} has no example {request.example}; 'edged states' lists them"
        missing = f"{name} has no enrolled example" + (f" of {request.state}" if request.state else "")
        configured = loaded.config.states.get(name)
        if configured is None:
            return f"{missing}; 'edged states' lists them"
        named = [path for state, paths in configured.images.items() if request.state in (None, state) for path in paths]
        if not named:
            where = loaded.where(("states", name))
            return f"{missing}; it is a set of the configuration ({where}), so take it out there and reload"
        folders, where = ", ".join(shown_path(path) for path in named), loaded.where(("states", name, "images"))
        return f"{missing}: its examples are in {folders} ({where}); remove pictures there and reload"

    def _check_name(self, name: str) -> None:
        """Raise ControlError if *name* is that of a reference."""
        pipeline = self._running.pipeline
        if name in pipeline.loaded.config.references:
            where = pipeline.loaded.where(("references", name))
            raise ControlError("taken", f"{name} is a reference of the configuration ({where}); name the set otherwise")
        references = pipeline.wiring.enrolled.store
        if references is not None and name in references:
            raise ControlError("taken", f"{name} is an enrolled reference; name the set otherwise, or forget that")

    def check_state(self, name: str, state: str) -> None:
        """Raise ControlError if *name* is a set of the configuration without *state*."""
        loaded = self._running.pipeline.loaded
        configured = loaded.config.states.get(name)
        if configured is not None and state not in configured.states:
            states, where = ", ".join(configured.states), loaded.where(("states", name))
            raise ControlError("not-found", f"{name} has no state {state}; it has {states} ({where})")

    def _check_place(self, name: str, camera: str, region: str) -> None:
        """Raise ControlError if *name* is a set of the configuration that does not decide there."""
        loaded = self._running.pipeline.loaded
        configured = loaded.config.states.get(name)
        if configured is None or configured.places is None or applies_in(configured.places, camera, region):
            return
        places, where = ", ".join(configured.places), loaded.where(("states", name))
        raise ControlError("invalid", f"{name} is not for {camera}/{region}; it is for {places} ({where})")

    def _store(self) -> ExampleStore:
        store = self._running.pipeline.wiring.states.store
        if store is None:
            raise ControlError("failed", "there is no folder to keep examples in; set STATE_DIRECTORY")
        return store


def _is_meant(example: EnrolledExample, request: requests.Forget) -> bool:
    return (
        example.set == request.name and request.state in (None, example.state) and request.example in (None, example.id)
    )


def _example(name: str, state: str, camera: str, region: str, taken: TypicalPicture) -> EnrolledExample:
    return EnrolledExample(
        id="",
        number=0,
        set=name,
        state=state,
        camera=camera,
        region=region,
        places=(f"{camera}/{region}",),
        rotation=taken.rotation,
        decode=taken.decode,
        t_wall_us=taken.t_wall_us,
    )


def _result(
    name: str,
    changed: Sequence[EnrolledExample],
    lesson: Lesson,
    similarities: tuple[float, ...] = (),
    outliers: tuple[int, ...] = (),
) -> results.SetResult:
    infos = tuple(example_info(example) for example in changed)
    return results.SetResult(name=name, changed=infos, set=lesson.info, similarities=similarities, outliers=outliers)
