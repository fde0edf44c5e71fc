"""One reload: everything that may fail is done first, and then the running stages are changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from edged.camera.pixel_regions import region_misfits
from edged.config import ConfigFileError, Loaded, Problem, load
from edged.errors import EdgedError
from edged.pipeline.build import Camera, Models, Pipeline, capture_settings, make_feed, publisher_settings, read_models
from edged.pipeline.capture.supervisor import CaptureSupervisor
from edged.pipeline.loading.keyring import Keyring, read_keyring
from edged.pipeline.loading.references import embed_references, reference_problems
from edged.pipeline.loading.set_definitions import set_problems
from edged.pipeline.loading.states import placed_sets
from edged.pipeline.placed_set import PlacedSet
from edged.pipeline.stage import Stage
from edged.references import ReferenceGroup, References, embed_upright, read_reference
from edged.service.metrics.pages import metrics_problems
from edged.service.preflight import source_problems
from edged.service.reload.model_change import ModelChange
from edged.service.reload.plan import ReloadPlan, compare, compare_trial
from edged.service.reload.waiting import StageWaiter
from edged.service.running_stages import RunningStages
from edged.values import Colour, Rotation
from edged.vision.pixels.reduction import Decode
from edged.vision.whole_picture import embed_whole
from edged.wire import Vector

__all__ = ["Change"]

log = logging.getLogger(__name__)

T = TypeVar("T")

END_SECONDS = 10.0  # for a camera to be closed before it is opened anew

Known = dict[tuple[Path, int, int, int, Colour], Vector]


class Change:
    """Reads the configuration *file*, and makes the *running* stages follow it.

    `prepare` changes nothing that subscribers could see, and raises where something is wrong; `commit` then does not
    fail, unless a stage hangs or has a bug.

    Args:
        running: the stages as they are now, at any moment of the reload too.
        waiter: waits for them.
        start: starts a stage as one of *running*: if the daemon stops meanwhile, it is stopped with the others. It may
            raise to put an end to the reload.
        known: vectors of pictures that were embedded before; this reload replaces them by its own.
        configured: the configuration that the cameras were opened for: without what is tried now.
    """

    def __init__(
        self,
        file: Path,
        running: RunningStages,
        waiter: StageWaiter,
        start: Callable[[Stage], None],
        known: Known,
        configured: Loaded,
    ) -> None:
        self._model = ModelChange(running, waiter, start)
        self._file = file
        self._running = running
        self._waiter = waiter
        self._start = start
        self._known = known
        self._configured = configured
        self._references: list[ReferenceGroup] | None = None
        self._sets: Sequence[PlacedSet] | None = None

    def prepare(self) -> None:
        """Read and validate everything, and open what might fail.

        Raises:
            ConfigFileError: something is wrong with the configuration or with what it names: all problems.
            EdgedError: the configuration is right, but cannot be followed now.
        """
        loaded = load(self._file)
        models, keys, plan = self._validate(loaded)
        old = self._running.pipeline
        self._loaded, self._models, self.plan = loaded, models, replace(plan, keys=keys != old.publisher.keys)
        if plan.model is None:
            self._references = self._embed_references(loaded)
            if not _are_equal(self._references, old.inference.references):
                self.plan = replace(self.plan, references=True)
            self._sets = self._learn_sets(loaded, self._references)
        else:
            self._model.prepare(loaded, models)
            self._known.clear()  # they are vectors of another model
        try:
            self._waiter.wait_answer(old.publisher.use(publisher_settings(loaded), keys), old.publisher)
        except EdgedError:
            self._model.undo()
            raise

    def prepare_trial(self, tried: Loaded) -> None:
        """Get ready for *tried*, which is the configuration with other settings of cameras that run.

        Raises:
            EdgedError: it cannot be followed now.
        """
        old = self._running.pipeline
        self._loaded, self._models = tried, old.models
        self.plan = compare_trial(old.loaded.config, tried.config)
        self._waiter.wait_answer(old.publisher.use(publisher_settings(tried), old.publisher.keys), old.publisher)

    def commit(self) -> None:
        """Change the stages."""
        old, waiter = self._running.pipeline, self._waiter
        cameras = {name: self._camera(name) for name in self._loaded.config.cameras}
        new = replace(old, loaded=self._loaded, models=self._models, cameras=cameras)
        self._change_inference(new)
        old.publisher.use_rules(old.wiring.rules(self._loaded))
        for name in cameras.keys() - set(self.plan.captured_anew):
            settings = capture_settings(self._loaded, name, must_open=False)
            if settings != capture_settings(old.loaded, name, must_open=False):
                cameras[name].capture.use(settings)
        self._end_captures(old)
        self._take_over(new, old)  # now that the old captures count no more
        for name, _ in self.plan.restarts:
            cameras[name].capture.continue_from(old.cameras[name].capture.next_seq)
        waiter.wait_answer(old.publisher.use_cameras(new.all_stats), old.publisher)
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
            self._configured.config,
            loaded.config,
            model_file=models is not None and models.digests != old.models.digests,
            model_input=models is not None and models.input_size != old.models.input_size,
        )
        problems += source_problems(loaded, live=False, cameras=plan.captured_anew)
        problems += self._regions_outside(loaded, plan)
        problems += metrics_problems(loaded)
        if problems or plan.model is not None:  # else they are found when the pictures are embedded
            problems += reference_problems(loaded)
            problems += set_problems(loaded)
        if problems or models is None or keys is None:
            raise ConfigFileError({str(problem): problem for problem in problems}.values())
        return models, keys, plan

    def _regions_outside(self, loaded: Loaded, plan: ReloadPlan) -> Iterator[Problem]:
        """Find regions in pixels that are not in the frames that a camera delivers now."""
        for name, _ in plan.live:
            frames = self._running.pipeline.cameras[name].stats.format
            places = {region: each.region for region, each in loaded.config.cameras[name].regions.items()}
            for place, rule in region_misfits(places, frames) if frames else ():
                yield loaded.problem(("cameras", name, "regions", *place), rule)

    def _embed_references(self, loaded: Loaded) -> list[ReferenceGroup]:
        """Embed the references with the running model: one picture at a time, with frames in between."""
        inference, known = self._running.pipeline.inference, Known()
        background = loaded.config.background

        def embed(path: Path) -> Vector:
            signature = _signature(path, background)
            vector = self._known.get(signature) if signature else None
            if vector is None:
                picture = read_reference(path, loaded.config.max_pixels, background)
                vector = self._waiter.wait_answer(inference.submit(partial(embed_upright, path, picture)), inference)
            if signature:
                known[signature] = vector
            return vector

        assert inference.facts is not None, "its model is open"
        references = embed_references(loaded, embed, inference.facts)
        self._known.clear()
        self._known.update(known)
        return references

    def _learn_sets(self, loaded: Loaded, configured: Sequence[ReferenceGroup]) -> tuple[PlacedSet, ...]:
        """Learn the sets of states with the running model, as the references are embedded."""
        inference = self._running.pipeline.inference
        assert inference.facts is not None, "its model is open"
        assert inference.references is not None, "they are embedded as it opens"
        names = References(configured, inference.references.enrolled).names

        def embed(picture: NDArray[np.uint8], rotation: Rotation, decode: Decode) -> Vector:
            call = partial(embed_whole, picture, rotation, decode)
            return self._waiter.wait_answer(inference.submit(call), inference)

        states = self._running.pipeline.wiring.states
        return placed_sets(states.open(loaded, names, inference.facts, embed, lambda: None))

    # -- when nothing can go wrong any more ---------------------------------------------------------------------------

    def _change_inference(self, new: Pipeline) -> None:
        """Give the cameras of *new* to the inference, or to the one that takes over."""
        waiter, before, fresh = self._waiter, self._running.pipeline.inference, self._model.fresh
        if fresh is None:
            top_k = new.loaded.config.publish.top_k
            use = before.use(feeds=new.feeds, configured=self._references, top_k=top_k, sets=self._sets)
            waiter.wait_answer(use, before)
        else:
            waiter.wait_answer(before.use(feeds=[]), before)
            waiter.wait_answer(fresh.use(feeds=new.feeds), fresh)
            new = replace(new, inference=fresh)
        self._take_over(
            new, self._running.pipeline
        )  # as late as possible, because until then readers see the old counts grow
        self._running.pipeline = new
        if fresh is not None:
            before.stop()

    def _camera(self, name: str) -> Camera:
        """Return the camera of the new configuration: with a new capture, or with the one that runs."""
        before = self._running.pipeline.cameras.get(name)
        if before is None or name in self.plan.captured_anew:
            return self._running.pipeline.wiring.camera(self._loaded, self._models, name, must_open=False)
        return replace(before, feed=make_feed(self._loaded, name, before.feed.ring, before.stats))

    def _take_over(self, new: Pipeline, old: Pipeline) -> None:
        """Let the cameras that are captured anew go on counting where they are."""
        for name, _ in self.plan.restarts:
            new.cameras[name].stats.take_over(old.cameras[name].stats)

    def _end_captures(self, old: Pipeline) -> None:
        """Stop the captures of cameras that are removed or restarted."""
        captures: list[CaptureSupervisor] = []
        for name in (*self.plan.removed, *(name for name, _ in self.plan.restarts)):
            captures.append(capture := old.cameras[name].capture)
            gone = name in self.plan.removed
            capture.stop("no longer in the configuration" if gone else "restarted with other settings")
        for capture in captures:
            self._wait_for_end(capture)

    def _wait_for_end(self, stage: Stage) -> None:
        if not self._waiter.wait_end(stage, END_SECONDS):
            log.warning("reload: %s has not ended within %g s and is left behind", stage.name, END_SECONDS)
        elif stage.error is not None:
            log.warning("reload: %s ended with an error, and is gone: %s", stage.name, stage.error)


def _are_equal(new: Sequence[ReferenceGroup], old: References | None) -> bool:
    """Whether frames are compared with the same references as before."""
    before = () if old is None else old.configured
    return len(new) == len(before) and all(
        _names(one) == _names(other) and one.places == other.places and all(map(np.array_equal, one.rows, other.rows))
        for one, other in zip(new, before, strict=True)
    )


def _names(group: ReferenceGroup) -> list[tuple[str, int]]:
    """Return the names of its references, each with its number of rows."""
    return [(reference.name, reference.count) for reference in group.references]


def _collecting(problems: list[Problem], work: Callable[[], T]) -> T | None:
    """Return the result of *work*; or None, with its problems added to *problems*."""
    try:
        return work()
    except ConfigFileError as exc:
        problems += exc.problems
        return None


def _signature(path: Path, background: Colour) -> tuple[Path, int, int, int, Colour] | None:
    """Return the identity of a file's content on *background*, without reading it; None if it is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return path, found.st_ino, found.st_size, found.st_ctime_ns, background
