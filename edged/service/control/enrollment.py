"""Enrollment: references that are added to a running daemon and removed from it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edged.config import default_leave
from edged.enrolled import Enrolled, EnrolledStore
from edged.errors import ControlError, ReferenceImageError, StateError, map_exceptions
from edged.pipeline.loading.enrolled_references import EnrolledReference, comparable
from edged.pipeline.loading.event_rules import event_rules
from edged.references import picture_files
from edged.service.control.claims import Claims
from edged.service.control.jobs import Job, model_facts, wait_for
from edged.service.control.typical_picture import PictureTaker, TypicalPicture, region_of
from edged.wire import control_requests as requests
from edged.wire import control_results as results
from edged.wire.control import write_result

if TYPE_CHECKING:
    from edged.pipeline.build import Pipeline
    from edged.pipeline.result import ModelFacts
    from edged.service.running_stages import RunningStages

__all__ = ["Enrollment"]

log = logging.getLogger(__name__)

_failed = partial(ControlError, "failed")


class Enrollment:
    """Enrolls, forgets and lists references of the *running* stages; *wake* lets a waiting job go on.

    *pictures* takes what is kept, and *claims* are the names that jobs are changing.
    """

    def __init__(
        self, running: RunningStages, wake: Callable[[], None], pictures: PictureTaker, claims: Claims
    ) -> None:
        self._running = running
        self._wake = wake
        self._pictures = pictures
        self._claims = claims
        self._listed: tuple[tuple[object, ...], bytes] | None = None

    def enroll(self, request: requests.Enroll) -> Job:
        """Take samples of a region, keep the most typical one, and compare frames with it from the next one on."""
        region = region_of(self._running.pipeline, request.camera, request.region)
        store = self._store()
        replaced = self._check_name(request, store)
        with self._claims.changing(request.name):
            taken = yield from self._pictures.take(request.camera, region, request.frames)
            with map_exceptions({StateError: _failed}, f"{request.name} cannot be kept"):
                kept = store.add(_enrolled(request, region, taken), taken.png)
            yield from self._apply_enrolled(without=request.name if replaced else None)
        log.info("enrolled %s: what %s/%s looks like now", request.name, request.camera, region)
        result = results.EnrollResult(
            reference=_info(EnrolledReference(kept, kept.vector), taken.space_id),
            replaced=replaced,
            similarities=taken.selection.similarities,
            outliers=taken.selection.outliers,
        )
        return result, ()

    def forget(self, request: requests.Forget) -> Job:
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
        with self._claims.changing(name):
            with map_exceptions({StateError: _failed}, f"{name} cannot be removed"):
                store.remove(name)
            yield from self._apply_enrolled()
        log.info("forgot %s", name)
        return results.ForgetResult(name=name), ()

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

    def _list(self, pipeline: Pipeline, facts: ModelFacts) -> results.ReferencesResult:
        config = pipeline.loaded.config
        infos = [
            results.ReferenceInfo(
                name=name,
                origin="config",
                places=reference.places or (),
                space_id=facts.space_id,
                thumbnail=_first_picture(reference.images or ()),
                enter=reference.enter,
                leave=reference.leaves_below,
            )
            for name, reference in config.references.items()
        ]
        enrolled_references = pipeline.wiring.enrolled
        members = enrolled_references.in_space(enrolled_references.entries, facts, config.references)
        infos += [_info(self._placed(member), facts.space_id) for member in members]
        return results.ReferencesResult(references=tuple(sorted(infos, key=lambda info: (info.name, info.origin))))

    def is_enrolled(self, name: str) -> bool:
        """Whether *name* is an enrolled reference."""
        store = self._running.pipeline.wiring.enrolled.store
        return store is not None and name in store

    def catch_up(self) -> Job:
        """Embed all enrolled references again with a new model."""
        yield from self._apply_enrolled()
        return results.ReloadResult(changes=()), ()

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

    def _check_name(self, request: requests.Enroll, store: EnrolledStore) -> bool:
        """Return whether *request* replaces a reference; raises ControlError if it must not."""
        name, config = request.name, self._running.pipeline.loaded.config
        if where := self._where(name):
            raise ControlError("taken", f"{name} is a reference of the configuration ({where}); choose another name")
        wiring = self._running.pipeline.wiring
        if name in config.states or any(example.set == name for example in wiring.states.entries):
            raise ControlError("taken", f"{name} is a set of states; choose another name, or add a state (--state)")
        self._claims.check(name)
        if name in store and not request.replace:
            raise ControlError("taken", f"{name} is enrolled already; ask to replace it (--replace), or forget it")
        return name in store

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


def _enrolled(request: requests.Enroll, region: str, taken: TypicalPicture) -> Enrolled:
    leave = request.leave
    if request.enter is not None and leave is None:
        leave = default_leave(request.enter)
    return Enrolled(
        name=request.name,
        camera=request.camera,
        region=region,
        places=(f"{request.camera}/{region}",),
        rotation=taken.rotation,
        decode=taken.decode,
        space_id=taken.space_id,
        vector=taken.vector,
        t_wall_us=taken.t_wall_us,
        frames=taken.count - len(taken.selection.outliers),
        similarity=taken.selection.least,
        picture=Path(),
        enter=request.enter,
        leave=leave,
        min_seconds=request.min_seconds,
        cooldown_seconds=request.cooldown_seconds,
    )


def _info(member: EnrolledReference, space_id: str) -> results.ReferenceInfo:
    enrolled = member.enrolled
    return results.ReferenceInfo(
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
        enter=enrolled.enter,
        leave=enrolled.leave,
    )


def _first_picture(images: Iterable[Path]) -> str | None:
    """A picture of a configured reference; None if all of them are gone."""
    for path in images:
        try:
            return str(picture_files(path)[0])
        except ReferenceImageError:
            continue
    return None
