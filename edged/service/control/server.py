"""The control stage: answers requests at a socket file. ``docs/control.md`` is its manual."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edged.bell import Bell
from edged.errors import ControlError, PublishError
from edged.pipeline.stage import Stage
from edged.service.control.connections import Connection, Connections, TurnClock
from edged.service.control.handlers import RequestHandlers
from edged.service.control.jobs import Answer, Job
from edged.service.control.picture_encoder import PictureEncoder
from edged.service.control.trainer import Trainer
from edged.transport.socket_file import SocketFile
from edged.wire import control as wire
from edged.wire import control_requests as requests

if TYPE_CHECKING:
    from edged.config import ControlConfig
    from edged.service.reload.trials import Trial
    from edged.service.running_stages import RunningStages

__all__ = ["Control"]

log = logging.getLogger(__name__)

SOCKET_MODE = 0o660  # the user and the group of the service, whatever the umask is
REST = 2  # times as long as an answer took the processor the stage pauses: no flood gets more of it than a third
MOST_JOBS = 8  # under way; each may hold pictures
MOST_PREVIEWS = 16  # under way beside them; those of one camera share a frame
LEAST_PAUSE = 0.002  # below which a pause costs more than it gives: it waits until it is due with later ones
AT_ONCE = (requests.GetStatus, requests.ListReferences)  # these are done before the next request is read
JOB_SECONDS = 0.25  # how long a step may wait while jobs are under way: a lost camera wakes nothing here
IDLE_SECONDS = 1.0
BYE_SECONDS = 0.3  # for answers that are on their way when the daemon stops
ENCODER_SECONDS = 1.0  # for the picture that is being made then
TRAINER_SECONDS = 5.0  # for the example that is being kept or learned then


@dataclass(slots=True)
class _UnderWay:
    """A job and the connection of its request. The frames *before* the request also come before the answer."""

    job: Job
    connection: Connection
    before: Sequence[bytes]
    request_id: str
    is_preview: bool


class Control(Stage):
    """Answers requests at a socket file, where it is a ROUTER to ZeroMQ's sockets.

    It never waits for a client: slow work is a job that goes on bit by bit, of which there are never more than
    `MOST_JOBS`, and `MOST_PREVIEWS` beside them, and an answer that a client does not read is dropped. After each turn
    it pauses for `REST` times as long as that took the processor, or after several if that is less than `LEAST_PAUSE`.
    After a bit of a job only the jobs pause: requests are read meanwhile.

    Args:
        config: where it listens. If the file does not say so, and another daemon has the default path, this one runs
            without a control socket and logs that.
        running: the stages as they are now.
        reload, try_settings, trial_ends: see `RequestHandlers`.
    """

    step_seconds = 60.0  # a worn memory card takes its time to keep a picture

    def __init__(
        self,
        config: ControlConfig,
        running: RunningStages,
        reload: Callable[[], Future[Sequence[str]]] | None = None,
        try_settings: Callable[[Trial], Future[Sequence[str]]] | None = None,
        trial_ends: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        super().__init__("control")
        self._config = config
        self._running = running
        self._bell = Bell()
        self._encoder = PictureEncoder()
        self._trainer = Trainer(running)
        self._handlers = RequestHandlers(
            running, reload, self._bell.ring, self._encoder, self._trainer, try_settings, trial_ends
        )
        self._jobs: list[_UnderWay] = []
        self._own: Job | None = None
        self._pause_due = 0.0  # seconds for turns that were too short for a pause of their own
        self._jobs_due = 0.0
        self._are_jobs_behind = False  # whether there may be one that could go on if the pause were over
        self._file: SocketFile | None = None
        self._connections = Connections(None, self._bell)

    def open(self) -> None:
        endpoint = self._config.endpoint
        if endpoint is None or endpoint.socket_path is None:
            return
        try:
            self._file = SocketFile(endpoint.socket_path, "control.endpoint", SOCKET_MODE)
        except PublishError as exc:
            if self._config.is_chosen:
                raise
            log.warning("%s; this edged runs without a control socket", exc)
            return
        self._connections = Connections(self._file.listening, self._bell)
        self._encoder.start(self._bell.ring)
        self._trainer.start(self._bell.ring)
        log.info("control: %s", endpoint.address)

    def step(self) -> None:
        for worker in (self._encoder, self._trainer):
            if worker.error is not None:
                raise worker.error
        seconds = IDLE_SECONDS
        if self._jobs or self._own:
            seconds = max(self._jobs_due - time.monotonic(), 0.0 if self._are_jobs_behind else JOB_SECONDS)
        begin = time.thread_time()
        for connection, frames in self._connections.wait(seconds):
            self._take_request(connection, frames)
        self._rest(REST * (time.thread_time() - begin))
        self._handlers.tidy()
        if time.monotonic() >= self._jobs_due:
            self._go_on()
        else:
            self._are_jobs_behind = True

    def wake(self) -> None:
        self._bell.ring()

    def close(self) -> None:
        if self._own is not None:
            self._own.close()
        for under_way in self._jobs:
            under_way.job.close()
            stopping = ControlError("stopping", "the daemon is stopping")
            self._answer(under_way, [wire.write_refusal(stopping, under_way.request_id)])
        self._connections.close(BYE_SECONDS)
        self._encoder.stop()
        self._trainer.stop()
        if not self._encoder.join(ENCODER_SECONDS):
            log.warning("a picture is not made within %g s; its thread is left behind", ENCODER_SECONDS)
        if not self._trainer.join(TRAINER_SECONDS):
            log.warning("a set of states is not learned within %g s; its thread is left behind", TRAINER_SECONDS)
        if self._file is not None:
            self._file.close()
        wiring = self._running.pipeline.wiring
        for store in (wiring.enrolled.store, wiring.states.store):
            if store is not None:
                store.close()
        wiring.review.close()
        self._bell.close()

    def _rest(self, seconds: float) -> None:
        self._pause_due += seconds
        if self._pause_due >= LEAST_PAUSE:
            self.pause(self._pause_due)
            self._pause_due = 0.0

    def _take_request(self, connection: Connection, frames: list[bytes]) -> None:
        """Start the job of a request: one frame, which comes after an empty one from a REQ socket."""
        before = frames[:1] if len(frames) > 1 and not frames[0] else []
        request_id = None
        try:
            envelope = _envelope(frames[len(before) :])
            request_id = envelope.id
            request = envelope.request()
            self._check_room(request)
        except ControlError as refusal:
            self._connections.send(connection, [*before, wire.write_refusal(refusal, request_id)])
            return
        connection.unanswered += 1
        job, is_preview = self._handlers.start_job(request), isinstance(request, requests.Preview)
        self._jobs.append(_UnderWay(job, connection, before, request_id, is_preview))
        self._go_on_with(self._jobs[-1])

    def _check_room(self, request: requests.Request) -> None:
        """Check that the job of *request* may begin; previews, which a page asks for all the time, count apart."""
        if isinstance(request, AT_ONCE):
            return
        is_preview = isinstance(request, requests.Preview)
        most, what = (MOST_PREVIEWS, "previews") if is_preview else (MOST_JOBS, "requests")
        if sum(under_way.is_preview is is_preview for under_way in self._jobs) >= most:
            raise ControlError("busy", f"{most} {what} are under way; ask again later")

    def _go_on(self) -> None:
        """Let the jobs go on for a turn, and the one that no request asked for."""
        clock = TurnClock()
        for under_way in tuple(self._jobs):
            if clock.is_over:
                break
            self._jobs.append(self._jobs.pop(0))
            self._go_on_with(under_way)
        self._are_jobs_behind = clock.is_over
        self._follow_reload()
        self._jobs_due = time.monotonic() + REST * clock.spent

    def _follow_reload(self) -> None:
        self._own = self._own or self._handlers.follow_reload()
        if self._own is not None:
            try:
                next(self._own)
            except StopIteration:
                self._own = None
            except ControlError as refusal:
                self._own = None
                log.warning("what is enrolled could not follow the reload: %s", refusal)

    def _go_on_with(self, under_way: _UnderWay) -> None:
        try:
            next(under_way.job)
        except StopIteration as end:
            result, pictures = _answer_of(end)
            frames = [wire.write_reply(result, under_way.request_id), *pictures]
        except ControlError as refusal:
            frames = [wire.write_refusal(refusal, under_way.request_id)]
        else:
            return
        self._jobs.remove(under_way)
        self._answer(under_way, frames)

    def _answer(self, under_way: _UnderWay, frames: Sequence[bytes]) -> None:
        under_way.connection.unanswered -= 1
        self._connections.send(under_way.connection, [*under_way.before, *frames])


def _envelope(frames: Sequence[bytes]) -> wire.Envelope:
    if len(frames) != 1:
        raise ControlError("malformed", f"request: must be one frame (got {len(frames)})")
    return wire.read_envelope(frames[0])


def _answer_of(end: StopIteration) -> Answer:
    answer: Answer = end.value
    return answer
