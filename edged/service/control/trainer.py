"""The thread that embeds examples of states, keeps them, and learns sets from them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from edged.enrolled import EnrolledExample
from edged.errors import ControlError, EdgedError, map_exceptions
from edged.pipeline.loading.example_vectors import Embed, made_by, vectors_of_picture
from edged.pipeline.loading.set_definitions import SetDefinition
from edged.pipeline.loading.states import LearnedSet, placed_sets
from edged.service.control.call_worker import CallWorker
from edged.service.control.jobs import model_facts
from edged.service.reload.waiting import StageWaiter
from edged.states import LeftOut, TrainingSet, advice, leave_one_out, summary
from edged.vision.whole_picture import embed_whole
from edged.wire import control_results as results

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edged.config import Loaded
    from edged.pipeline.build import Pipeline
    from edged.pipeline.inference.stage import Inference
    from edged.pipeline.placed_set import PlacedSet
    from edged.pipeline.result import ModelFacts
    from edged.service.control.typical_picture import TypicalPicture
    from edged.service.running_stages import RunningStages
    from edged.states import StateHead
    from edged.values import Rotation
    from edged.vision.pixels.reduction import Decode
    from edged.wire import Vector

__all__ = ["Lesson", "Trainer", "example_info"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """A set as its examples make it with the configuration *loaded*; both others are None if there is no such set."""

    loaded: Loaded
    placed: PlacedSet | None = None
    info: results.SetReport | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """The model of a pipeline, for as long as it runs; *embed* embeds with it from another thread."""

    pipeline: Pipeline
    facts: ModelFacts
    embed: Embed


class Trainer(CallWorker):
    """Learns sets of states for the *running* stages. Its methods but `submit` are for its own thread.

    It embeds with the inference, one picture a call, so that frames come in between.
    """

    rest = 1
    step_seconds = 60.0  # a set of 400 examples on a small board

    def __init__(self, running: RunningStages) -> None:
        super().__init__("control-states")
        self._running = running
        self._waiter = StageWaiter(self._check_stop)
        self._judged: dict[str, tuple[object, tuple[LeftOut, ...]]] = {}

    def keep(self, example: EnrolledExample, taken: TypicalPicture) -> EnrolledExample:
        """Keep *example* with its picture and the vectors of that; return it as it is on the disk.

        Raises:
            EdgedError: it cannot be embedded or kept.
        """
        return self.keep_picture(example, taken.picture, taken.png, taken.vector, taken.space_id)

    def keep_picture(
        self,
        example: EnrolledExample,
        picture: NDArray[np.uint8],
        png: bytes,
        vector: Vector | None = None,
        vector_space_id: str | None = None,
    ) -> EnrolledExample:
        """Keep *example* with its *picture*, which is also *png*, as `keep`; its *vector* may be known in a space.

        Raises:
            EdgedError: it cannot be embedded or kept.
        """
        store = self._running.pipeline.wiring.states.store
        assert store is not None, "checked by who asks"

        def embed(model: _Model) -> tuple[str, NDArray[np.generic]]:
            space_id = model.facts.space_id
            own = vector if vector_space_id == space_id else None
            vectors = vectors_of_picture(picture, example.rotation, example.decode, model.embed, own)
            return made_by(space_id), vectors

        maker, vectors = self._with_model(embed)
        with map_exceptions({ValueError: partial(ControlError, "failed")}, "nothing can be learned from this picture"):
            return store.add(example, png, vectors, maker)

    def learn(self, name: str) -> Lesson:
        """Learn the set *name* again.

        Raises:
            ConfigFileError: a picture of the configuration cannot be used.
            EdgedError: the model does not embed what has to be embedded.
        """

        def learn(model: _Model) -> Lesson:
            for definition in _definitions(model.pipeline):
                if definition.name == name:
                    return self._learn(model, definition)
            self._judged.pop(name, None)
            return Lesson(model.pipeline.loaded)

        return self._with_model(learn)

    def list_sets(self) -> tuple[results.SetReport, ...]:
        """Return all sets.

        Raises:
            EdgedError: as `learn`.
        """

        def learn_all(model: _Model) -> tuple[results.SetReport, ...]:
            lessons = [self._learn(model, each) for each in _definitions(model.pipeline)]
            return tuple(lesson.info for lesson in lessons if lesson.info is not None)

        return self._with_model(learn_all)

    def _with_model(self, work: Callable[[_Model], T]) -> T:
        """Return what *work* does with the model; if a reload ends that meanwhile, it is done with the next one."""
        while True:
            self._check_stop()
            pipeline = self._running.pipeline
            try:
                return work(_Model(pipeline, model_facts(pipeline), partial(self._embed, pipeline.inference)))
            except EdgedError:
                if self._running.pipeline.inference is pipeline.inference:
                    raise

    def _embed(self, inference: Inference, picture: NDArray[np.uint8], rotation: Rotation, decode: Decode) -> Vector:
        self._check_stop()
        return self._waiter.wait_answer(inference.submit(partial(embed_whole, picture, rotation, decode)), inference)

    def _check_stop(self) -> None:
        self.progress()
        if self.stopping:
            raise ControlError("stopping", "the daemon is stopping")

    def _learn(self, model: _Model, definition: SetDefinition) -> Lesson:
        pipeline = model.pipeline
        head = _head_in_use(pipeline.inference, definition.name)
        learned = pipeline.wiring.states.learn(pipeline.loaded, definition, model.facts, model.embed, head)
        (placed,) = placed_sets([learned])
        objection = _objection(learned, placed, _references(pipeline))
        return Lesson(pipeline.loaded, placed, _info(learned, placed, objection, self._judgements(model, learned)))

    def _judgements(self, model: _Model, learned: LearnedSet) -> tuple[LeftOut, ...]:
        """Return a judgement of each example by the others, made once for the same examples."""
        definition, training = learned.definition, learned.training
        key = model.facts.space_id, definition.states, definition.labels
        before, judged = self._judged.get(definition.name, (None, ()))
        if before == key:
            return judged
        if training is None and definition.lack is None:
            states, loaded = model.pipeline.wiring.states, model.pipeline.loaded
            training = states.training(loaded, definition, model.facts, model.embed)
        judged = () if training is None else tuple(self._judge(training))
        self._judged[definition.name] = key, judged
        return judged

    def _judge(self, training: TrainingSet) -> Iterator[LeftOut]:
        """Judge each example by the others, with a rest after each."""
        for each in leave_one_out(training):
            self._check_stop()
            yield each
            self.take_rest()


def _references(pipeline: Pipeline) -> Collection[str]:
    references = pipeline.inference.references
    assert references is not None, "its model is open"
    return references.names


def _definitions(pipeline: Pipeline) -> tuple[SetDefinition, ...]:
    return pipeline.wiring.states.define(pipeline.loaded, _references(pipeline))


def _head_in_use(inference: Inference, name: str) -> StateHead | None:
    found = (each.state_set for each in inference.sets if each.name == name)
    state_set = next(found, None)
    return None if state_set is None else state_set.head


def _objection(learned: LearnedSet, placed: PlacedSet, references: Collection[str]) -> str | None:
    """Return why a set does not decide by all of its examples, and what decides if it groups some of *references*."""
    if learned.objection is None or placed.is_learned or not learned.definition.references:
        return learned.objection
    grouped = learned.definition.references.values()
    missing = ", ".join(name for name in grouped if name not in references)
    if missing:
        return f"{learned.objection}; until then nothing decides, because there is no reference {missing}"
    return f"{learned.objection}; until then the references {', '.join(grouped)} decide"


def _info(
    learned: LearnedSet, placed: PlacedSet, objection: str | None, judged: tuple[LeftOut, ...]
) -> results.SetReport:
    definition = learned.definition
    counts = definition.counts
    other = {each.key: each.guess for each in judged if each.is_wrong}
    return results.SetReport(
        name=definition.name,
        origin="config" if definition.is_configured else "enrolled",
        places=definition.places,
        states=definition.states,
        counts=dict(counts),
        learned=placed.is_learned,
        objection=objection,
        summary=summary(definition.states, counts, judged),
        advice=advice(definition.states, counts, judged),
        examples=tuple(example_info(example, other.get(example.id)) for example in definition.enrolled),
    )


def example_info(example: EnrolledExample, looks_like: str | None = None) -> results.ExampleInfo:
    """Return what a caller is told about *example*; *looks_like* is the state that the others make it instead."""
    return results.ExampleInfo(
        id=example.id,
        state=example.state,
        camera=example.camera,
        region=example.region,
        t_wall_us=example.t_wall_us,
        thumbnail=str(example.picture),
        looks_like=looks_like,
    )
