"""Handlers for control requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

from edged.errors import ControlError
from edged.service.control.claims import Claims
from edged.service.control.enrollment import Enrollment
from edged.service.control.jobs import Job, camera_of, wait_for
from edged.service.control.preview import FramePictures
from edged.service.control.recent_views import RecentViews
from edged.service.control.review import ReviewJobs
from edged.service.control.state_enrollment import StateEnrollment
from edged.service.control.status import StatusReport
from edged.service.control.typical_picture import PictureTaker
from edged.service.reload.trials import Trial
from edged.wire import control_requests as requests
from edged.wire import control_results as results

if TYPE_CHECKING:
    from edged.pipeline.inference.stage import Inference
    from edged.service.control.picture_encoder import PictureEncoder
    from edged.service.control.trainer import Trainer
    from edged.service.running_stages import RunningStages

__all__ = ["RequestHandlers"]

RELOAD_SECONDS = 300.0  # another model may be tried in a process of its own first


class RequestHandlers:
    """Makes a job of each request. The jobs run in the thread of the control stage, and never hold it up for long.

    Args:
        running: the stages as they are now.
        reload: starts a reload; its future has a line for each change. None: reloads are refused.
        wake: lets the jobs go on; called from other threads.
        encoder: makes the pictures.
        trainer: learns the sets of states.
        try_settings: begins or ends a trial; its future is as that of *reload*. None: trials are refused.
        trial_ends: returns when the trial of each camera that has one ends, in seconds on the monotonic clock.
    """

    def __init__(
        self,
        running: RunningStages,
        reload: Callable[[], Future[Sequence[str]]] | None,
        wake: Callable[[], None],
        encoder: PictureEncoder,
        trainer: Trainer,
        try_settings: Callable[[Trial], Future[Sequence[str]]] | None = None,
        trial_ends: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._running = running
        self._reload = reload
        self._wake = wake
        self._try_settings = try_settings
        self._status = StatusReport(running, trial_ends)
        self._pictures = FramePictures(running, wake, encoder)
        pictures, claims = PictureTaker(running, wake, encoder), Claims()
        self._enrollment = Enrollment(running, wake, pictures, claims)
        self._recent = RecentViews(running, wake, encoder)
        self._states = StateEnrollment(running, wake, pictures, self._recent, claims, trainer)
        self._review = ReviewJobs(running, wake, claims, encoder, trainer, self._states)
        self._inference: Inference | None = None

    def start_job(self, request: requests.Request) -> Job:
        """The job of *request*; it does nothing before its first step."""
        match request:
            case requests.GetStatus():
                return self._status.report()
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
                return self._pictures.snapshot(request)
            case requests.Preview():
                return self._pictures.preview(request)
            case requests.ListRecent():
                return self._recent.list_views(request)
            case requests.Try():
                return self._try(request)

    def tidy(self) -> None:
        """Forget what nobody asks for any more; called again and again."""
        self._recent.tidy()

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

    def _begin_reload(self) -> Job:
        if self._reload is None:
            raise ControlError("failed", "this daemon cannot read its configuration again")
        changes = yield from wait_for(self._reload(), self._wake, RELOAD_SECONDS)
        return results.ReloadResult(changes=tuple(changes)), ()

    def _try(self, request: requests.Try) -> Job:
        camera, try_settings = camera_of(self._running.pipeline, request.camera), self._try_settings
        if try_settings is None:
            raise ControlError("failed", "this daemon tries no settings")
        if camera.scaler_crop and request.regions is not None:
            text = f"regions: camera {request.camera} delivers nothing but its region, because scaler_crop is true"
            raise ControlError("invalid", text)
        trial = Trial(request.camera, request.settings, request.seconds)
        changes = yield from wait_for(try_settings(trial), self._wake, RELOAD_SECONDS)
        return results.TryResult(camera=request.camera, seconds=request.seconds, changes=tuple(changes)), ()
