"""The publisher stage: owns the sockets, numbers the messages, and tells each camera's condition."""

from __future__ import annotations

import logging
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import zmq

from edged import wire
from edged.pipeline.bell import Bell
from edged.pipeline.clock import WallClock
from edged.pipeline.handover import Handover, Result
from edged.pipeline.outlet import Outlet
from edged.pipeline.stage import Stage
from edged.pipeline.tally import Condition, Tally

if TYPE_CHECKING:
    from edged.config import Endpoint

__all__ = ["Publisher", "PublisherSettings"]

log = logging.getLogger(__name__)

STATUS_SECONDS = 2.0
GREETING_SECONDS = 0.2  # newcomers get a fresh status, but a crowd of them makes no more than five a second
BATCH = 64  # results sent before the sockets are looked at again
BYE_SECONDS = 0.3  # for what is queued when the daemon is told to stop
DRAIN_SECONDS = 5.0  # for what is queued when the cameras have come to their end
MESSAGE_BYTES = 8192  # a header and a vector of 1280 float32, roughly: what the kernel's buffer is sized by


@dataclass(frozen=True, slots=True)
class PublisherSettings:
    """What the publisher is told.

    ``messages_per_second`` is what is expected at most; two seconds of it are kept for a subscriber that is slow.
    """

    node: str
    endpoints: Sequence[Endpoint]
    messages_per_second: float
    config_hash: str


class Publisher(Stage):
    """Sends results as ``vec`` messages and conditions as ``status`` messages to every endpoint."""

    def __init__(self, settings: PublisherSettings, handover: Handover, bell: Bell, tallies: Sequence[Tally]) -> None:
        super().__init__("publisher")
        self._settings = settings
        self._handover = handover
        self._bell = bell
        self._reporters = {tally.camera: _Reporter(tally) for tally in tallies}
        self._run = secrets.token_hex(8)
        self._started = time.monotonic()
        self._clock = WallClock()
        self._seq: Counter[bytes] = Counter()
        self._outlets: list[Outlet] = []

    def open(self) -> None:
        queue = max(16, round(2 * self._settings.messages_per_second))
        self._context = zmq.Context()
        self._poller = zmq.Poller()
        self._poller.register(self._bell.fileno(), zmq.POLLIN)
        for endpoint in self._settings.endpoints:
            outlet = Outlet(self._context, endpoint, queue=queue, queue_bytes=queue * MESSAGE_BYTES // 2)
            self._outlets.append(outlet)
            self._poller.register(outlet.socket, zmq.POLLIN)

    def step(self) -> None:
        self._poller.poll(max(0.0, self._next_status() - time.monotonic()) * 1000)
        self._bell.silence()
        self._greet_newcomers()
        self._report()
        self._send_results()

    def wake(self) -> None:
        self._bell.ring()

    def close(self) -> None:
        for reporter in self._reporters.values():
            self._send_status(reporter, bye=True)
        linger = BYE_SECONDS if self.stopping else DRAIN_SECONDS
        for outlet in self._outlets:
            outlet.close(linger)
        if hasattr(self, "_context"):
            self._context.term()

    def _send_results(self) -> None:
        for _ in range(BATCH):
            result = self._handover.get()
            if result is None:
                return
            self._send_vec(result)
            self._handover.give_back(result.vector)
        self._bell.ring()  # there may be more

    def _send_vec(self, result: Result) -> None:
        facts = self._handover.facts
        assert facts is not None, "results come after the model was opened"
        reporter = self._reporters[result.camera]
        reporter.tally.published += 1
        total_ns = time.monotonic_ns() - result.stamp.t_cap_ns
        topic = wire.topic("vec", self._settings.node, result.camera, result.region)
        self._send(
            wire.Vec(
                run=self._run,
                seq=self._count(topic),
                node=self._settings.node,
                camera=result.camera,
                region=result.region,
                frame_seq=result.frame_seq,
                t_cap_us=result.stamp.t_cap_ns // 1000,
                t_wall_us=self._clock.wall_us(result.stamp.t_cap_ns),
                ts_source=result.stamp.source,
                clock_synced=self._clock.synced,
                lat_us=wire.Latency(
                    wait=result.wait_ns // 1000,
                    pre=result.preprocess_ns // 1000,
                    infer=result.infer_ns // 1000,
                    sim=result.compare_ns // 1000,
                    total=total_ns // 1000,
                ),
                dropped=reporter.dropped(),
                rotation=result.rotation,
                roi=result.roi,
                model=facts.model,
                space_id=facts.space_id,
                delegate=facts.delegate,
                unchanged=False,
                engine=facts.engine,
                head=facts.head,
                head_name=facts.head_name,
                dtype=facts.dtype,
                shape=(facts.dimension,),
                norm=facts.norm,
                scale=facts.scale,
                sims=result.matches,
                refs=result.compared,
                vector=result.vector,
            )
        )
