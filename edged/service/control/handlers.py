"""Handlers for control requests."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

import numpy as np

from edged import __version__
from edged.errors import ControlError
from edged.pipeline.inference.observer import Observation
from edged.pipeline.wall_clock import WallClock
from edged.service.control.claims import Claims
from edged.service.control.enrollment import Enrollment
from edged.service.control.jobs import Job, camera_of, check_delivers, model_facts, wait_for
from edged.service.control.review import ReviewJobs
from edged.service.control.state_enrollment import StateEnrollment
from edged.service.control.typical_picture import PictureTaker
from edged.values import FULL, Format, Region, Rotation, Stamp
from edged.vision.pictures.png import to_png
from edged.vision.pixels.view import frame_pictures
from edged.wire import control_requests as requests
from edged.wire import control_results as results

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edged.pipeline.inference.stage import Inference
    from edged.service.control.picture_encoder import PictureEncoder
    from edged.service.control.trainer import Trainer
    from edged.service.running_stages import RunningStages
    from edged.vision.pixels.fit import Fit
    from edged.vision.pixels.resize import Resize
    from edged.vision.specs import InputSpec

__all__ = ["RequestHandlers"]

FRAME_SECONDS = 20.0  # within which a camera must deliver a frame
PICTURE_SECONDS = 60.0  # within which its pictures must be made, after those of other callers
RELOAD_SECONDS = 300.0  # another model may be tried in a process of its own first


class RequestHandlers:
    """Makes a job of each request. The jobs run in the thread of the control stage, and never hold it up for long.

    Args:
        running: the stages as they are now.
        reload: starts a reload; its future has a line for each change. None: reloads are refused.
        wake: lets the jobs go on; called from other threads.
        encoder: makes the pictures.
        trainer: learns the sets of states.
    """

    def __init__(
        self,
        running: RunningStages,
        reload: Callable[[], Future[Sequence[str]]] | None,
        wake: Callable[[], None],
        encoder: PictureEncoder,
        trainer: Trainer,
    ) -> None:
        self._running = running
        self._reload = reload
        self._wake = wake
        self._encoder = encoder
        self._clock = WallClock()
        self._started = time.monotonic()
        pictures, claims = PictureTaker(running, wake, encoder), Claims()
        self._enrollment = Enrollment(running, wake, pictures, claims)
        self._states = StateEnrollment(running, wake, pictures, claims, trainer)
        self._review = ReviewJobs(running, wake, claims, encoder, trainer, self._states)
        self._inference: Inference | None = None

    def start_job(self, request: requests.Request) -> Job:
        """The job of *request*; it does nothing before its first step."""
        match request:
            case requests.GetStatus():
                return self._report_status()
            case requests.Reload():
                return self._begin_reload()
            case requests.Enroll():
                of_a_set = request.state is not None
                return self._states.enroll(request) if of_a_set else self._enrollment.enroll(request)
            case requests.Forget():
                return self._states.forget(request) if self._is_of_a_set(request) else self._enrollment.forget(request)
            case requests.Relabel():
                return self._states.relabel(request)
            case requests.ListReferences():
                return self._enrollment.list_references()
            case requests.ListStates():
                return self._states.list_states()
            case requests.ListReview():
                return self._review.list_pictures(request)
            case requests.Answer():
                return self._review.answer(request)
            case requests.Snapshot():
                return self._take_snapshot(request)

    def follow_reload(self) -> Job | None:
        """The job after a start or a reload, such as what was enrolled meanwhile. None: there is nothing to do."""
        before, self._inference = self._inference, self._running.pipeline.inference
        if before not in (None, self._inference):
            return self._enrollment.catch_up()
        if self._states.is_behind:
            return self._states.catch_up()
        return self._review.catch_up() if self._review.is_behind else None

    def _is_of_a_set(self, request: requests.Forget) -> bool:
        """Whether *request* means examples of a set, and not a reference."""
        name = request.name
        return request.is_of_a_set or (not self._enrollment.is_enrolled(name) and self._states.is_set(name))

    def _report_status(self) -> Job:
        yield from ()
        pipeline = self._running.pipeline
        config, facts = pipeline.loaded.config, model_facts(pipeline)
        all_stats = {stats.camera: stats for stats in pipeline.all_stats}
        enrolled = [entry.name for entry in pipeline.wiring.enrolled.entries if entry.name not in config.references]
        result = results.StatusResult(
            node=config.node,
            version=__version__,
            pid=os.getpid(),
            uptime_s=round(time.monotonic() - self._started, 3),
            config=pipeline.loaded.document.file,
            model=facts.model,
            space_id=facts.space_id,
            engine=facts.engine,
            delegate=facts.delegate,
            cameras=tuple(
                results.CameraReport(
                    name=name,
                    regions=tuple(config.cameras[name].regions),
                    state=stats.condition.state.value,
                    reason=stats.condition.reason,
                    picture=stats.picture,
                )
                for name, stats in all_stats.items()
                if name in config.cameras
            ),
            references=len(config.references) + len(enrolled),
            enrolled=len(enrolled),
            sets=tuple(each.name for each in pipeline.inference.sets),
        )
        return result, ()

    def _begin_reload(self) -> Job:
        if self._reload is None:
            raise ControlError("failed", "this daemon cannot read its configuration again")
        changes = yield from wait_for(self._reload(), self._wake, RELOAD_SECONDS)
        return results.ReloadResult(changes=tuple(changes)), ()

    def _take_snapshot(self, request: requests.Snapshot) -> Job:
        camera_of(self._running.pipeline, request.camera)
        next_frame, inference = _NextFrame(request.camera, self._wake), self._running.pipeline.inference
        deadline = time.monotonic() + FRAME_SECONDS
        inference.add_observer(next_frame)
        try:
            while not next_frame.done:
                check_delivers(self._running.pipeline, request.camera)
                if time.monotonic() > deadline:
                    raise ControlError("no-frames", f"camera {request.camera} gave no frame in {FRAME_SECONDS:g} s")
                yield
        finally:
            inference.remove_observer(next_frame)
        if next_frame.problem is not None:
            raise ControlError("failed", f"camera {request.camera}: {next_frame.problem}")
        pictures, files = yield from wait_for(self._encoder.submit(next_frame.encoded), self._wake, PICTURE_SECONDS)
        result = results.SnapshotResult(
            camera=request.camera,
            frame_seq=next_frame.seq,
            t_wall_us=self._clock.wall_us(next_frame.stamp.t_cap_ns),
            pictures=pictures,
        )
        return result, files


class _NextFrame:
    """An observer that keeps the next whole frame of a camera.

    All but ``done`` is set when that is true; only ``problem``, if there is one.
    """

    stamp: Stamp
    seq: int

    def __init__(self, camera: str, on_done: Callable[[], None]) -> None:
        self.done = False
        self.problem: str | None = None
        self._camera = camera
        self._on_done = on_done
        self._frame: NDArray[np.uint8]
        self._format: Format
        self._regions: dict[str, Region]
        self._rotation: Rotation
        self._input: InputSpec
        self._resize: Resize
        self._fit: Fit

    def __call__(self, observation: Observation) -> bool:
        if observation.feed.camera != self._camera or self.done:
            return self.done
        try:
            self._keep(observation)
        except MemoryError:  # the thread is the inference's, which must not end of it
            self.problem = "there is not enough memory for a copy of its frame"
        self.done = True
        self._on_done()
        return True

    def _keep(self, observation: Observation) -> None:
        feed, lease, embedder = observation.feed, observation.lease, observation.embedder
        self._frame, self._format, self.seq, self.stamp = lease.pixels.copy(), lease.format, lease.seq, lease.stamp
        # A camera that crops to the region itself shows nothing else.
        self._regions = {name: FULL if feed.is_cropped else self._format.region(each) for name, each in feed.regions}
        self._rotation = feed.rotation
        options = embedder.options
        self._input, self._resize, self._fit = embedder.model.input, options.resize, options.fit

    def encoded(self) -> tuple[tuple[results.PictureInfo, ...], list[bytes]]:
        """Return the pictures of that frame, see `frame_pictures`: what they are, and PNGs."""
        pictures = frame_pictures(
            self._camera,
            self._frame,
            self._format,
            self._regions,
            self._rotation,
            self._input,
            self._resize,
            self._fit,
        )
        infos = (
            results.PictureInfo(name=name, width=picture.shape[1], height=picture.shape[0])
            for name, picture in pictures.items()
        )
        return tuple(infos), [to_png(picture) for picture in pictures.values()]
