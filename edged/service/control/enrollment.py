"""Enrollment: references that are added to a running daemon and removed from it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edged.config import CameraConfig, default_leave
from edged.enrolled import Enrolled, EnrolledStore
from edged.errors import ControlError, ReferenceImageError, StateError, map_exceptions
from edged.pipeline.loading.enrolled_references import EnrolledReference, comparable
from edged.pipeline.loading.event_rules import event_rules
from edged.pipeline.wall_clock import WallClock
from edged.references import picture_files
from edged.service.control.jobs import Job, camera_of, check_delivers, model_facts, wait_for
from edged.service.control.samples import SampleCollector, Selection, choose
from edged.vision.pictures.png import to_png
from edged.wire import control_messages as messages
from edged.wire.control import write_result

if TYPE_CHECKING:
    from edged.pipeline.build import Pipeline
    from edged.pipeline.result import ModelFacts
    from edged.service.control.picture_encoder import PictureEncoder
    from edged.service.running_stages import RunningStages

__all__ = ["Enrollment"]

log = logging.getLogger(__name__)

_failed = partial(ControlError, "failed")
FRAMES_SECONDS = 20.0  # within which a camera must deliver all the frames of a request


class Enrollment:
    """Enrolls, forgets and lists references of the *running* stages; *wake* lets a waiting job go on.

    *encoder* makes the pictures that are kept.
    """

    def __init__(self, running: RunningStages, wake: Callable[[], None], encoder: PictureEncoder) -> None:
        self._running = running
        self._wake = wake
        self._encoder = encoder
        self._clock = WallClock()
        self._changing: set[str] = set()  # names, while a job is at them
        self._listed: tuple[tuple[object, ...], bytes] | None = None

    def enroll(self, request: messages.Enroll) -> Job:
        """Take samples of a region, keep the most typical one, and compare frames with it from the next one on."""
        region = _region(request, camera_of(self._running.pipeline, request.camera))
        store = self._store()
        replaced = self._check_name(request, store)
        self._changing.add(request.name)
        try:
            samples = yield from self._collect_samples(request, region)
            with map_exceptions({ValueError: _failed}, "what the model makes of it cannot be compared"):
                selection = choose(samples.taken)
            new = self._enrolled(request, region, samples, selection)
            encoding = self._encoder.submit(partial(to_png, samples.taken[selection.index].picture))
            png = yield from wait_for(encoding, self._wake)
            with map_exceptions({StateError: _failed}, f"{request.name} cannot be kept"):
                kept = store.add(new, png)
            yield from self._apply_enrolled(without=request.name if replaced else None)
        finally:
            self._changing.discard(request.name)
        log.info("enrolled %s: what %s/%s looks like now", request.name, request.camera, region)
        result = messages.EnrollResult(
            reference=_info(EnrolledReference(kept, kept.vector), samples.space_id),
            replaced=replaced,
            similarities=selection.similarities,
            outliers=selection.outliers,
        )
        return result, ()

    def forget(self, request: messages.Forget) -> Job:
        """Remove an enrolled reference from the disk, and compare frames with it no longer."""
        store, name = self._store(), request.name
        if name not in store:
            configured = self._where(name)
            raise ControlError(
                "not-found",
                f"{name} is not enrolled: it is a reference of the configuration ({configured}); take it out there"
                if configured
                else f"there is no enrolled reference {name}; 'edged references' lists them",
            )
        self._check_free(name)
        self._changing.add(name)
        try:
            with map_exceptions({StateError: _failed}, f"{name} cannot be removed"):
                store.remove(name)
            yield from self._apply_enrolled()
        finally:
            self._changing.discard(name)
        log.info("forgot %s", name)
        return messages.ForgetResult(name=name), ()

    def list_references(self) -> Job:
        """List every reference, those of the configuration and the enrolled ones.

        The list is made once for every change, because it takes longer the more references there are.
        """
        yield from ()
        pipeline = self._running.pipeline
        facts = model_facts(pipeline)
        state = pipeline.loaded, facts, *pipeline.wiring.enrolled.state
        if self._listed is None or any(before is not now for before, now in zip(self._listed[0], state, strict=True)):
            self._listed = state, write_result(self._list(pipeline, facts))
        return self._listed[1], ()

    def _list(self, pipeline: Pipeline, facts: ModelFacts) -> messages.ReferencesResult:
        config = pipeline.loaded.config
        infos = [
            messages.ReferenceInfo(
                name=name,
                origin="config",
                places=reference.places or (),
                space_id=facts.space_id,
                thumbnail=_first_picture(reference.images or ()),
            )
            for name, reference in config.references.items()
        ]
        enrolled_references = pipeline.wiring.enrolled
        members = enrolled_references.in_space(enrolled_references.entries, facts, config.references)
        infos += [_info(self._placed(member), facts.space_id) for member in members]
        return messages.ReferencesResult(references=tuple(sorted(infos, key=lambda info: (info.name, info.origin))))

    def catch_up(self) -> Job:
        """Embed all enrolled references again with a new model."""
        yield from self._apply_enrolled()
        return messages.ReloadResult(changes=()), ()

    def _collect_samples(self, request: messages.Enroll, region: str) -> Generator[None, None, SampleCollector]:
        samples = SampleCollector(request.camera, region, request.frames, self._wake)
        inference, deadline = self._running.pipeline.inference, time.monotonic() + FRAMES_SECONDS
        inference.add_observer(samples)
        try:
            while not samples.done:
                check_delivers(self._running.pipeline, request.camera)
                if time.monotonic() > deadline:
                    came = f"gave {len(samples.taken)} of {request.frames} frames within {FRAMES_SECONDS:g} s"
                    raise ControlError("no-frames", f"camera {request.camera} {came}; ask for fewer")
                yield
        finally:
            inference.remove_observer(samples)
        if samples.problem is not None:
            raise ControlError("failed", f"{request.camera}/{region}: {samples.problem}")
        return samples

    def _enrolled(
        self, request: messages.Enroll, region: str, samples: SampleCollector, selection: Selection
    ) -> Enrolled:
        sample, leave = samples.taken[selection.index], request.leave
        if request.enter is not None and leave is None:
            leave = default_leave(request.enter)
        return Enrolled(
            name=request.name,
            camera=request.camera,
            region=region,
            places=(f"{request.camera}/{region}",),
            rotation=samples.rotation,
            decode=samples.decode,
            space_id=samples.space_id,
            vector=sample.vector,
            t_wall_us=self._clock.wall_us(sample.t_cap_ns),
            frames=len(samples.taken) - len(selection.outliers),
            similarity=selection.least,
            picture=Path(),
            enter=request.enter,
            leave=leave,
            min_seconds=request.min_seconds,
            cooldown_seconds=request.cooldown_seconds,
        )

    def _apply_enrolled(self, without: str | None = None) -> Generator[None, None, None]:
        """Give the inference and the publisher the references that are enrolled now.

        Events of the reference *without* end first, because it is another one under the same name.
        """
        while True:
            pipeline = self._running.pipeline
            try:
                yield from self._apply_in(pipeline, without)
            except ControlError as refusal:
                if refusal.code != "stopping" or self._running.pipeline.inference is pipeline.inference:
                    raise
            else:
                return

    def _apply_in(self, pipeline: Pipeline, without: str | None) -> Generator[None, None, None]:
        config, enrolled_references, inference = pipeline.loaded.config, pipeline.wiring.enrolled, pipeline.inference
        entries, facts = enrolled_references.load(), model_facts(pipeline)
        for entry in enrolled_references.missing(entries, facts):
            yield from wait_for(inference.submit(partial(enrolled_references.embed, entry)), self._wake)
        enrolled_references.forget_all_but(entries)
        if without is not None:
            others = [rule for rule in enrolled_references.rules(config.references) if rule.reference != without]
            pipeline.publisher.use_rules(event_rules(config, others))
        members = enrolled_references.in_space(entries, facts, config.references)
        yield from wait_for(inference.use(enrolled=comparable(members)), self._wake)
        pipeline.publisher.use_rules(pipeline.wiring.rules(pipeline.loaded))

    def _check_name(self, request: messages.Enroll, store: EnrolledStore) -> bool:
        """Return whether *request* replaces a reference; raises ControlError if it must not."""
        name = request.name
        if where := self._where(name):
            raise ControlError("taken", f"{name} is a reference of the configuration ({where}); choose another name")
        self._check_free(name)
        if name in store and not request.replace:
            raise ControlError("taken", f"{name} is enrolled already; ask to replace it (--replace), or forget it")
        return name in store

    def _check_free(self, name: str) -> None:
        if name in self._changing:
            raise ControlError("busy", f"{name} is being enrolled or forgotten at this moment")

    def _where(self, name: str) -> str:
        """The place of the reference *name* in the configuration; empty if there is none."""
        loaded = self._running.pipeline.loaded
        return loaded.where(("references", name)) if name in loaded.config.references else ""

    def _store(self) -> EnrolledStore:
        store = self._running.pipeline.wiring.enrolled.store
        if store is None:
            raise ControlError("failed", "there is no folder to keep references in; set STATE_DIRECTORY")
        return store

    def _placed(self, member: EnrolledReference) -> EnrolledReference:
        """*member*, with a problem if there is no such camera or region now."""
        enrolled, cameras = member.enrolled, self._running.pipeline.loaded.config.cameras
        if enrolled.camera in cameras and enrolled.region in cameras[enrolled.camera].regions:
            return member
        return EnrolledReference(
            enrolled, member.vector, f"there is no {enrolled.camera}/{enrolled.region} in the configuration"
        )


def _region(request: messages.Enroll, camera: CameraConfig) -> str:
    """The region of *request*; raises ControlError without one."""
    known = ", ".join(camera.regions)
    if request.region is None:
        if len(camera.regions) > 1:
            raise ControlError("invalid", f"region: must be given, as camera {request.camera} has {known}")
        return next(iter(camera.regions))
    if request.region not in camera.regions:
        raise ControlError("not-found", f"camera {request.camera} has no region {request.region}; it has {known}")
    return request.region


def _info(member: EnrolledReference, space_id: str) -> messages.ReferenceInfo:
    enrolled = member.enrolled
    return messages.ReferenceInfo(
        name=enrolled.name,
        origin="enrolled",
        places=enrolled.places,
        space_id=enrolled.space_id if member.vector is None else space_id,
        thumbnail=str(enrolled.picture),
        problem=member.problem,
        t_wall_us=enrolled.t_wall_us,
        camera=enrolled.camera,
        region=enrolled.region,
        frames=enrolled.frames,
        similarity=enrolled.similarity,
    )


def _first_picture(images: Iterable[Path]) -> str | None:
    """A picture of a configured reference; None if all of them are gone."""
    for path in images:
        try:
            return str(picture_files(path)[0])
        except ReferenceImageError:
            continue
    return None
