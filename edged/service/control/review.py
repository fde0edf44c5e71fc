"""Review: the pictures that sets of states were least sure of, and what a person answers about them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from edged.enrolled import EnrolledExample, ReviewPicture
from edged.errors import ControlError, StateError, map_exceptions
from edged.service.control.claims import Claims
from edged.service.control.jobs import Job, wait_for
from edged.service.control.picture_encoder import PictureEncoder
from edged.service.control.state_enrollment import LEARN_SECONDS, StateEnrollment
from edged.service.control.trainer import Lesson, Trainer, example_info
from edged.values import MOST_PIXELS
from edged.vision.pictures.decoding import decode
from edged.wire import control_requests as requests
from edged.wire import control_results as results

if TYPE_CHECKING:
    from edged.config import StateSetConfig
    from edged.service.running_stages import RunningStages

__all__ = ["ReviewJobs"]

log = logging.getLogger(__name__)

LEAST_STATES = 2  # that must be answered: what is learned from one state alone is worse than what was known before


class ReviewJobs:
    """Lists pictures to review of the *running* stages, and takes answers about them.

    *wake* lets a waiting job go on, *claims* are the names that jobs are changing, *encoder* is the thread that reads
    and writes pictures, *trainer* the one that makes examples, and *states* learns from these.
    """

    def __init__(
        self,
        running: RunningStages,
        wake: Callable[[], None],
        claims: Claims,
        encoder: PictureEncoder,
        trainer: Trainer,
        states: StateEnrollment,
    ) -> None:
        self._running = running
        self._wake = wake
        self._claims = claims
        self._encoder = encoder
        self._trainer = trainer
        self._states = states
        self._queues = running.pipeline.wiring.review
        self._opened: Mapping[str, StateSetConfig] | None = None

    @property
    def is_behind(self) -> bool:
        """Whether the daemon has started, or has another configuration, since the queues were opened."""
        pipeline = self._running.pipeline
        is_open = self._encoder.running and pipeline.inference.facts is not None
        return is_open and pipeline.loaded.config.states is not self._opened

    def catch_up(self) -> Job:
        """Open the queues of the sets that are reviewed now, and end what a process that was killed had begun."""
        self._opened = states = self._running.pipeline.loaded.config.states  # also if it fails: it is tried once
        names = [name for name, config in states.items() if config.review]
        opening = partial(self._queues.open, names, self._encoder.submit)
        try:
            yield from wait_for(self._encoder.submit(opening), self._wake)
            for name in names:
                yield from self._end_taking(name)
        except ControlError as refusal:
            log.warning("review: %s", refusal)
        return results.ReloadResult(changes=()), ()

    def list_pictures(self, request: requests.ListReview) -> Job:
        """List the pictures to review of a set, and read one of them."""
        name = request.name
        self._check_reviewed(name)
        entries = self._queues.waiting(name, self._example_ids())
        pictures, pngs = [], []
        if request.picture is not None:
            picture = next((each for each in entries if each.id == request.picture), None)
            if picture is None:
                raise ControlError("not-found", _no_picture(request.picture, name))
            pngs.append((yield from self._read(picture)))
            pictures.append(results.PictureInfo(name=picture.id, width=picture.width, height=picture.height))
        result = results.ReviewResult(
            name=name, states=self._state_names(name), entries=tuple(map(_info, entries)), pictures=tuple(pictures)
        )
        return result, pngs

    def answer(self, request: requests.Answer) -> Job:
        """Note what a picture shows; once two states have answers, make examples of these and learn the set again."""
        picture = self._find(request.picture)
        name, state = picture.set, request.state
        self._check_reviewed(name)
        if state is not None:
            self._states.check_state(name, state)
        with self._claims.changing(name):
            change = self._change(picture, state)
            yield from wait_for(self._trainer.submit(change), self._wake, LEARN_SECONDS)
            log.info("picture %s of %s is %s", picture.id, name, f"answered: {state}" if state else "discarded")
            kept, lesson = yield from self._learn_answers(name) if state is not None else _nothing()
        return self._result(picture, state, kept, lesson), ()

    def _change(self, picture: ReviewPicture, state: str | None) -> Callable[[], object]:
        """Return the call that notes the answer *state*, or that removes the picture."""
        if state is None:
            return partial(self._queues.remove, [picture])
        store = self._running.pipeline.wiring.states.store
        assert store is not None, "it lies beside the pictures"
        with map_exceptions({StateError: partial(ControlError, "failed")}):
            store.check_room(picture.set, state)
        return partial(self._queues.answer, picture, state)

    def _learn_answers(self, name: str) -> Generator[None, None, tuple[Sequence[EnrolledExample], Lesson | None]]:
        """Make examples of the answers about the set *name*, if two states have some, and learn it again."""
        try:
            kept = yield from self._take_answers(name)
        except ControlError as refusal:
            if refusal.code == "stopping":
                raise
            text = f"the answer is on the disk, but no example yet: {refusal}"
            raise ControlError("not-learned", text) from refusal
        return (kept, (yield from self._states.learn_kept(name))) if kept else (kept, None)

    def _take_answers(self, name: str) -> Generator[None, None, Sequence[EnrolledExample]]:
        """Make an example of each answered picture, if two states have some, and remove these pictures.

        An example has the id of its picture. A process that is killed in between leaves all pictures, or some whose
        example is there already: the next one goes on with either.
        """
        answered = [picture for picture in self._queues.waiting(name) if picture.answer is not None]
        if len({picture.answer for picture in answered}) < LEAST_STATES:
            return ()
        kept = []
        for picture in answered:
            png = yield from self._read(picture)
            making = self._trainer.submit(partial(self._make_example, picture, png))
            kept.append((yield from wait_for(making, self._wake, LEARN_SECONDS)))
        yield from wait_for(self._trainer.submit(partial(self._queues.remove, answered)), self._wake, LEARN_SECONDS)
        return kept

    def _end_taking(self, name: str) -> Generator[None, None, None]:
        """Do what is left of `_take_answers` in a process that was killed."""
        if not any(picture.answer is not None for picture in self._queues.waiting(name)):
            return
        with self._claims.changing(name):
            kept = yield from self._take_answers(name)
            ids = self._example_ids()
            left = [picture for picture in self._queues.waiting(name) if picture.id in ids]
            yield from wait_for(self._trainer.submit(partial(self._queues.remove, left)), self._wake, LEARN_SECONDS)
            if kept:
                yield from self._states.learn_kept(name)

    def _make_example(self, picture: ReviewPicture, png: bytes) -> EnrolledExample:
        """Make an example of *picture*, in the trainer's thread."""
        pixels = decode(png, exif=True, max_pixels=MOST_PIXELS)  # its own
        try:
            return self._trainer.keep_picture(_example(picture), pixels, png)
        except ControlError as refusal:
            raise ControlError(
                refusal.code, f"picture {picture.id}: {refusal}; discard it if that stays so"
            ) from refusal

    def _read(self, picture: ReviewPicture) -> Generator[None, None, bytes]:
        assert self._queues.store is not None, "the picture is from there"
        return (yield from wait_for(self._encoder.submit(partial(self._queues.store.png_of, picture)), self._wake))

    def _find(self, picture_id: str) -> ReviewPicture:
        """Return the picture to review with that id.

        Raises:
            ControlError: there is none.
        """
        pictures = [] if self._queues.store is None else self._queues.store.load()
        found = next((each for each in pictures if each.id == picture_id), None)
        if found is None or found.id in self._example_ids():
            raise ControlError("not-found", _no_picture(picture_id))
        return found

    def _example_ids(self) -> Collection[str]:
        return {example.id for example in self._running.pipeline.wiring.states.load()}

    def _state_names(self, name: str) -> tuple[str, ...]:
        return self._running.pipeline.loaded.config.states[name].states

    def _check_reviewed(self, name: str) -> None:
        """Raise ControlError if *name* is no set that is reviewed; it has the cure."""
        loaded = self._running.pipeline.loaded
        config = loaded.config.states.get(name)
        if self._queues.store is None:
            raise ControlError("failed", "there is no folder to keep pictures in; set STATE_DIRECTORY")
        if config is not None and not config.review:
            where = loaded.where(("states", name))
            raise ControlError(
                "invalid", f"{name} is not reviewed: write 'review: true' there ({where}), then 'edged reload'"
            )
        if config is None and self._states.is_set(name):
            examples = self._running.pipeline.wiring.states.entries
            states = ", ".join(dict.fromkeys(example.state for example in examples if example.set == name))
            text = f"write 'states: {{{name}: {{of: [{states}], review: true}}}}' in {loaded.document.file}"
            raise ControlError("invalid", f"{name} is not reviewed: {text}, then 'edged reload'")
        if config is None:
            known = ", ".join(loaded.config.states) or "none in the configuration"
            raise ControlError("not-found", f"there is no set of states {name}; there are {known}")

    def _result(
        self, picture: ReviewPicture, state: str | None, kept: Sequence[EnrolledExample], lesson: Lesson | None
    ) -> results.AnswerResult:
        name = picture.set
        pictures = self._queues.waiting(name, self._example_ids())
        waiting = Counter(each.answer for each in pictures if each.answer is not None)
        others = [other for other in self._state_names(name) if other not in waiting] if waiting else []
        return results.AnswerResult(
            name=name,
            picture=picture.id,
            state=state,
            waiting=dict(waiting),
            waits_for=tuple(others),
            changed=tuple(map(example_info, kept)),
            set=None if lesson is None else lesson.info,
        )


def _nothing() -> Generator[None, None, tuple[Sequence[EnrolledExample], Lesson | None]]:
    yield from ()
    return (), None


def _no_picture(picture_id: str, name: str = "SET") -> str:
    return (
        f"there is no picture {picture_id} to review: it is answered, or one that is less sure has taken its place; "
        f"'edged review {name}' lists them"
    )


def _info(picture: ReviewPicture) -> results.ReviewInfo:
    return results.ReviewInfo(
        id=picture.id,
        guess=picture.guess,
        p=picture.p,
        camera=picture.camera,
        region=picture.region,
        t_wall_us=picture.t_wall_us,
        thumbnail=str(picture.picture),
        answer=picture.answer,
    )


def _example(picture: ReviewPicture) -> EnrolledExample:
    assert picture.answer is not None, "only those with an answer become examples"
    return EnrolledExample(
        id=picture.id,
        number=0,
        set=picture.set,
        state=picture.answer,
        camera=picture.camera,
        region=picture.region,
        places=(f"{picture.camera}/{picture.region}",),
        rotation=picture.rotation,
        decode=picture.decode,
        t_wall_us=picture.t_wall_us,
    )
