"""From one configuration to another while the stages run: everything is tried first, and then all of it is done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from edged.config import ConfigFileError, Loaded, Problem, load
from edged.errors import EdgedError
from edged.pipeline.build import Camera, Models, Pipeline, capture_settings, make_feed, publisher_settings, read_models
from edged.pipeline.capture.stage import Capture
from edged.pipeline.loading.keyring import Keyring, read_keyring
from edged.pipeline.loading.references import Vector, embed_references, reference_problems
from edged.pipeline.stage import Stage
from edged.references import ReferenceGroup, References, embed_upright, read_reference
from edged.service.metrics.pages import metrics_problems
from edged.service.preflight import source_problems
from edged.service.reload.model_change import ModelChange
from edged.service.reload.plan import ReloadPlan, compare
from edged.service.reload.waiting import StageWaiter
from edged.service.running_stages import RunningStages

__all__ = ["Change"]

log = logging.getLogger(__name__)

T = TypeVar("T")

END_SECONDS = 10.0  # for a camera to be closed before it is opened anew

Known = dict[tuple[Path, int, int, int], Vector]


class Change:
    """One reload: reads the configuration *file*, and changes *running* stages to what it says.

    After `prepare` nothing has changed that subscribers could see, or it has raised; `commit` then does not fail,
    unless a stage hangs or has a bug.

    Args:
        running: the stages as they are now, at any moment of the reload too.
        patience: with which they are waited for.
        start: starts a stage as one of *running*: if the daemon stops meanwhile, it is stopped with the others. It may
            raise to put an end to the reload.
        known: vectors of pictures that were embedded before; those of this reload are added.
    """

    def __init__(
        self,
        file: Path,
        running: RunningStages,
        patience: StageWaiter,
        start: Callable[[Stage], None],
        known: Known,
    ) -> None:
        self._model = ModelChange(running, patience, start)
        self._file = file
        self._running = running
        self._patience = patience
        self._start = start
        self._known = known
        self._references: list[ReferenceGroup] | None = None

    def prepare(self) -> None:
        """Read and validate everything, and open what might fail.

        Raises:
            ConfigFileError: something is wrong with the configuration or with what it names; all of it is told.
            EdgedError: it is right, but cannot be followed now.
        """
        loaded = load(self._file)
        models, keys, plan = self._validate(loaded)
        old = self._running.pipeline
        self._loaded, self._models, self.plan = loaded, models, replace(plan, keys=keys != old.publisher.keys)
        if plan.model is None:
            self._references = self._embed_references(loaded)
            if not _alike(self._references, old.inference.references):
                self.plan = replace(self.plan, references=True)
        else:
            self._model.prepare(loaded, models)
            self._known.clear()  # it saw with other eyes
        try:
            self._patience.answer(old.publisher.use(publisher_settings(loaded), keys), old.publisher)
        except EdgedError:
            self._model.give_up()
            raise

    def commit(self) -> None:
        """Do the rest."""
        old, wait = self._running.pipeline, self._patience
        cameras = {name: self._camera(name) for name in self._loaded.config.cameras}
        new = replace(old, loaded=self._loaded, models=self._models, cameras=cameras)
        self._change_inference(new)
        old.publisher.use_rules(old.wiring.rules(self._loaded))
        for name, _ in self.plan.live:
            settings = capture_settings(self._loaded, name, must_open=False)
            if settings != capture_settings(old.loaded, name, must_open=False):
                cameras[name].capture.use(settings)
        self._end_captures(old)
        self._take_over(new, old)  # now that the old captures count no more
        for name, _ in self.plan.restarts:
            cameras[name].capture.continue_from(old.cameras[name].capture.next_seq)
        wait.answer(old.publisher.use_cameras(new.all_stats), old.publisher)
        for name in self.plan.captured_anew:
            self._start(cameras[name].capture)
        if self._model.fresh is not None:
            self._wait_for_end(old.inference)
        if self.plan.log_level:
            logging.getLogger().setLevel(self._loaded.config.log.level.upper())

    # -- before anything changes --------------------------------------------------------------------------------------

    def _validate(self, loaded: Loaded) -> tuple[Models, Keyring, ReloadPlan]:
        old, problems = self._running.pipeline, list[Problem]()
        models = _collecting(problems, partial(read_models, loaded))
        keys = _collecting(problems, partial(read_keyring, loaded))
        plan = compare(
            old.loaded.config,
            loaded.config,
            model_file=models is not None and models.digests != old.models.digests,
            model_input=models is not None and models.input_size != old.models.input_size,
        )
        problems += source_problems(loaded, live=False, cameras=plan.captured_anew)
        problems += metrics_problems(loaded)
        if problems or plan.model is not None:  # else it is told when they are embedded
            problems += reference_problems(loaded)
        if problems or models is None or keys is None:
            raise ConfigFileError({str(problem): problem for problem in problems}.values())
        return models, keys, plan

    def _embed_references(self, loaded: Loaded) -> list[ReferenceGroup]:
        """The references, embedded by the model that works: a picture at a time, with frames in between."""
        inference, known = self._running.pipeline.inference, Known()

        def embed(path: Path) -> Vector:
            signature = _signature(path)
            vector = self._known.get(signature) if signature else None
            if vector is None:
                picture = read_reference(path)
                vector = self._patience.answer(inference.submit(partial(embed_upright, path, picture)), inference)
            if signature:
                known[signature] = vector
            return vector

        assert inference.facts is not None, "its model is open"
        references = embed_references(loaded, embed, inference.facts)
        self._known.clear()
        self._known.update(known)
        return references

    # -- when nothing can go wrong any more ---------------------------------------------------------------------------

    def _change_inference(self, new: Pipeline) -> None:
        """Let the inference work as *new* says, or the one that takes over."""
        wait, before, fresh = self._patience, self._running.pipeline.inference, self._model.fresh
        if fresh is None:
            top_k = new.loaded.config.publish.top_k
            wait.answer(before.use(feeds=new.feeds, configured=self._references, top_k=top_k), before)
        else:
            wait.answer(before.use(feeds=[]), before)
            wait.answer(fresh.use(feeds=new.feeds), fresh)
            new = replace(new, inference=fresh)
        self._take_over(
            new, self._running.pipeline
        )  # as late as possible, because until then readers see the old counts grow
        self._running.pipeline = new
        if fresh is not None:
            before.stop()

    def _camera(self, name: str) -> Camera:
        """The camera as it will be: with a new capture, or with the one that it has."""
        before = self._running.pipeline.cameras.get(name)
        if before is None or name in self.plan.captured_anew:
            return self._running.pipeline.wiring.camera(self._loaded, self._models, name, must_open=False)
        return replace(before, feed=make_feed(self._loaded, name, before.feed.ring, before.stats))

    def _take_over(self, new: Pipeline, old: Pipeline) -> None:
        """Let the cameras that are captured anew go on counting where they are."""
        for name, _ in self.plan.restarts:
            new.cameras[name].stats.take_over(old.cameras[name].stats)

    def _end_captures(self, old: Pipeline) -> None:
        """Stop the cameras that go or are captured anew."""
        captures: list[Capture] = []
        for name in (*self.plan.vanish, *(name for name, _ in self.plan.restarts)):
            captures.append(capture := old.cameras[name].capture)
            gone = name in self.plan.vanish
            capture.stop("no longer in the configuration" if gone else "restarted with other settings")
        for capture in captures:
            self._wait_for_end(capture)

    def _wait_for_end(self, stage: Stage) -> None:
        if not self._patience.ending(stage, END_SECONDS):
            log.warning("reload: %s has not ended within %g s and is left behind", stage.name, END_SECONDS)
        elif stage.error is not None:
            log.warning("reload: %s ended with an error, and is no more: %s", stage.name, stage.error)


def _alike(new: Sequence[ReferenceGroup], old: References | None) -> bool:
    """Whether frames are compared with the same as before."""
    before = () if old is None else old.configured
    return len(new) == len(before) and all(
        _names(one) == _names(other) and one.places == other.places and all(map(np.array_equal, one.rows, other.rows))
        for one, other in zip(new, before, strict=True)
    )


def _names(group: ReferenceGroup) -> list[tuple[str, int]]:
    """The names of its references, and of how many rows each consists."""
    return [(reference.name, reference.count) for reference in group.references]


def _collecting(problems: list[Problem], work: Callable[[], T]) -> T | None:
    """What *work* returns; or None, and its problems are added to *problems*."""
    try:
        return work()
    except ConfigFileError as exc:
        problems += exc.problems
        return None


def _signature(path: Path) -> tuple[Path, int, int, int] | None:
    """What tells whether a file is the one it was, without reading it."""
    try:
        found = path.stat()
    except OSError:
        return None
    return path, found.st_ino, found.st_size, found.st_ctime_ns
