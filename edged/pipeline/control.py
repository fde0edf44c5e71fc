"""The control stage: hears requests at a socket file, and answers them. ``docs/control.md`` is its manual."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

import zmq

from edged.bell import Bell
from edged.errors import ControlError, PublishError
from edged.pipeline.clerk import Clerk
from edged.pipeline.desk import Answer, Job
from edged.pipeline.socket_file import SocketFile
from edged.pipeline.stage import Stage
from edged.wire import control as wire

if TYPE_CHECKING:
    from edged.config import ControlConfig
    from edged.pipeline.build import Pipeline

__all__ = ["Control"]

log = logging.getLogger(__name__)

BATCH = 32  # requests read before the jobs go on
PAUSE_SECONDS = 0.02  # after a full batch: whoever floods the socket gets no more of the processor than this leaves
MOST_JOBS = 8  # under way; each may hold pictures
AT_ONCE = (wire.Status, wire.ListReferences)  # these are done before the next is read
LOOK_SECONDS = 0.25  # how long a step may wait while jobs are under way: cameras get lost without telling
IDLE_SECONDS = 1.0
QUEUE = 16  # requests of one client that wait to be read, and answers that it has not taken
BYE_SECONDS = 0.3  # for answers that are on their way when the daemon stops


@dataclass(slots=True)
class _UnderWay:
    """A job, and who asked for it: the frames before the request, which come before the answer too."""

    job: Job
    sender: Sequence[bytes]
    request_id: str


class Control(Stage):
    """Answers requests over a ROUTER socket on ``ipc://``.

    It never waits for a client: what is slow is a job that goes on bit by bit, of which there are never more than
    `MOST_JOBS`, and an answer that a client does not take is dropped.

    Args:
        config: where it listens. Where the file does not say so, and another daemon has the usual place, this one does
            without, and says so in the log.
        running: what runs now; see `Clerk`.
        reload: begins to read the configuration again; see `Clerk`. None: that cannot be.
    """

    step_seconds = 60.0  # a worn memory card takes its time to keep a picture

    def __init__(
        self,
        config: ControlConfig,
        running: Callable[[], Pipeline],
        reload: Callable[[], Future[Sequence[str]]] | None = None,
    ) -> None:
        super().__init__("control")
        self._config = config
        self._running = running
        self._bell = Bell()
        self._clerk = Clerk(running, reload, self._bell.ring)
        self._jobs: list[_UnderWay] = []
        self._own: Job | None = None
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._file: SocketFile | None = None
        self._socket: zmq.Socket[bytes] | None = None
        self._poller = zmq.Poller()

    def open(self) -> None:
        self._poller.register(self._bell.fileno(), zmq.POLLIN)
        endpoint = self._config.endpoint
        if endpoint is None or endpoint.socket_path is None:
            return
        try:
            self._file = SocketFile(endpoint.socket_path, "control.endpoint")
        except PublishError as exc:
            if self._config.is_chosen:
                raise
            log.warning("%s; this edged runs without a control socket", exc)
            return
        self._context = zmq.Context()
        self._socket = _bind(self._context, endpoint.address, self._file)
        self._poller.register(self._socket, zmq.POLLIN)
        log.info("control: %s", endpoint.address)

    def step(self) -> None:
        waits = LOOK_SECONDS if self._jobs or self._own else IDLE_SECONDS
        self._poller.poll(math.ceil(waits * 1000))
        self._bell.silence()
        self._go_on()
        if self._hear() == BATCH:
            self.pause(PAUSE_SECONDS)

    def wake(self) -> None:
        self._bell.ring()

    def close(self) -> None:
        if self._own is not None:
            self._own.close()
        for under_way in self._jobs:
            under_way.job.close()
            stopping = ControlError("stopping", "the daemon is stopping")
            self._send(under_way.sender, [wire.write_refusal(stopping, under_way.request_id)])
        if self._socket is not None:
            self._socket.close(linger=int(BYE_SECONDS * 1000))
        if self._context is not None:
            self._context.term()
        if self._file is not None:
            self._file.close()
        if (store := self._running().wiring.roster.store) is not None:
            store.close()
        self._bell.close()

    def _hear(self) -> int:
        """Read the requests that are there, and begin with them; returns how many there were, `BATCH` at most."""
        if self._socket is None:
            return 0
        for count in range(BATCH):
            try:
                frames = self._socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return count
            self._take(frames)
        return BATCH

    def _take(self, frames: list[bytes]) -> None:
        """Begin with a request: a frame after the client's identity and, from a REQ socket, an empty one."""
        sender = frames[: 2 if len(frames) > 2 and not frames[1] else 1]
        request_id = None
        try:
            envelope = _envelope(frames[len(sender) :])
            request_id = envelope.id
            request = envelope.request()
            self._check_room(request)
        except ControlError as refusal:
            self._send(sender, [wire.write_refusal(refusal, request_id)])
            return
        self._jobs.append(_UnderWay(self._clerk.begin(request), sender, request_id))
        self._go_on_with(self._jobs[-1])

    def _check_room(self, request: wire.Request) -> None:
        if len(self._jobs) >= MOST_JOBS and not isinstance(request, AT_ONCE):
            raise ControlError("busy", f"{MOST_JOBS} requests are under way; ask again later")

    def _go_on(self) -> None:
        """Let every job go on, and what is to be done by itself."""
        for under_way in tuple(self._jobs):
            self._go_on_with(under_way)
        self._own = self._own or self._clerk.keep_up()
        if self._own is not None:
            try:
                next(self._own)
            except StopIteration:
                self._own = None
            except ControlError as refusal:
                self._own = None
                log.warning("enrolled references could not follow the new model: %s", refusal)

    def _go_on_with(self, under_way: _UnderWay) -> None:
        try:
            next(under_way.job)
        except StopIteration as end:
            result, pictures = _answer(end)
            frames = [wire.write_reply(result, under_way.request_id), *pictures]
        except ControlError as refusal:
            frames = [wire.write_refusal(refusal, under_way.request_id)]
        else:
            return
        self._jobs.remove(under_way)
        self._send(under_way.sender, frames)

    def _send(self, sender: Sequence[bytes], frames: Sequence[bytes]) -> None:
        """Send, to a client that still is there and takes it."""
        if self._socket is not None:
            with contextlib.suppress(zmq.Again):
                self._socket.send_multipart([*sender, *frames], zmq.DONTWAIT)


def _envelope(frames: Sequence[bytes]) -> wire.Envelope:
    if len(frames) != 1:
        raise ControlError("malformed", f"request: must be one frame (got {len(frames)})")
    return wire.read_envelope(frames[0])


def _answer(end: StopIteration) -> Answer:
    answer: Answer = end.value
    return answer


def _bind(context: zmq.Context[zmq.Socket[bytes]], address: str, file: SocketFile) -> zmq.Socket[bytes]:
    socket = context.socket(zmq.ROUTER)
    socket.set(zmq.RCVHWM, QUEUE)
    socket.set(zmq.SNDHWM, QUEUE)
    socket.set(zmq.MAXMSGSIZE, wire.MAX_REQUEST_BYTES + 1)  # one more, so that who sends too much is told so
    socket.set(zmq.HANDSHAKE_IVL, 2000)
    # With a domain, and nobody to ask about it, libzmq lets everybody in but those who speak the first ZMTP: for that
    # it takes any bytes that come, and makes messages of them.
    socket.set(zmq.ZAP_DOMAIN, b"edged")
    socket.set(zmq.USE_FD, file.detach())
    try:
        socket.bind(address)
    except zmq.ZMQError as exc:
        socket.close(linger=0)
        raise PublishError(f"control.endpoint: cannot bind {address}: {exc.strerror}") from exc
    return socket
