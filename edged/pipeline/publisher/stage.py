"""The publisher stage: owns the sockets, and tells results, events and each camera's condition in their order."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import zmq

from edged import wire
from edged.bell import Bell
from edged.board import Board, Health
from edged.events import EventRules
from edged.pipeline.call_queue import CallQueue
from edged.pipeline.camera_stats import CameraStats, Condition
from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.loading.keyring import Keyring
from edged.pipeline.publisher.board_health import HealthWatch
from edged.pipeline.publisher.camera_status import CameraStatus
from edged.pipeline.publisher.event_messages import EventMessages
from edged.pipeline.publisher.message_builder import MessageBuilder
from edged.pipeline.publisher.on_demand import wanted_places
from edged.pipeline.publisher.pub_sockets import LostEndpointError, PubSockets
from edged.pipeline.publisher.status_messages import StatusMessages
from edged.pipeline.result import ModelFacts, Result
from edged.pipeline.stage import Stage

if TYPE_CHECKING:
    from edged.config import Endpoint

__all__ = ["Publisher", "PublisherSettings"]

log = logging.getLogger(__name__)

BATCH = 64  # results sent before the sockets are looked at again
BYE_SECONDS = 0.3  # for what is queued when the daemon is told to stop
DRAIN_SECONDS = 5.0  # for what is queued when the cameras have come to their end
MESSAGE_BYTES = 8192  # a header and a vector of 1280 float32, roughly: what the kernel's buffer is sized by


@dataclass(frozen=True, slots=True)
class PublisherSettings:
    """What the publisher is told.

    ``messages_per_second`` is what is expected at most; two seconds of it are kept for a subscriber that is slow.
    ``read_keys`` reads the key files, at the start and at each reload.
    """

    node: str
    endpoints: Sequence[Endpoint]
    messages_per_second: float
    config_hash: str
    read_keys: Callable[[], Keyring] = Keyring
    board: Board = field(default_factory=Board)


class Publisher(Stage):
    """Sends results as ``vec`` messages, what they come to as ``event`` and conditions as ``status``, everywhere.

    *rules* say what makes events at first; `use_rules` changes them.
    """

    def __init__(
        self,
        settings: PublisherSettings,
        handover: Handover,
        bell: Bell,
        tallies: Sequence[CameraStats],
        demand: Demand,
        rules: EventRules | None = None,
    ) -> None:
        super().__init__("publisher")
        self._settings = settings
        self._handover = handover
        self._bell = bell
        self._demand = demand
        self._scribe = MessageBuilder(settings.node, settings.config_hash)
        self._health = HealthWatch(settings.board)
        self._outlets = PubSockets()
        self._calls = CallQueue(bell.ring, fatal=(LostEndpointError,))
        self._audience: tuple[str, EventRules, tuple[frozenset[bytes], ...]] | None = None
        self._keys = Keyring()
        self._is_hurried = False
        self._announcer = EventMessages(self._scribe, rules or EventRules())
        self._reporters = StatusMessages(tallies, self._announcer, self._describe)

    @property
    def health(self) -> Health:
        """How the board was when it was read last, for a status."""
        return self._health.latest

    @property
    def facts(self) -> ModelFacts | None:
        """What the model is that works now; None until the first one is loaded."""
        return self._handover.facts

    @property
    def waiting(self) -> int:
        """How many results wait to be published."""
        return self._handover.waiting

    @property
    def subscriptions(self) -> int:
        """How many topic prefixes are subscribed to, over all subscribers."""
        return self._outlets.subscribed

    @property
    def keys(self) -> Keyring:
        """The keys that it goes by."""
        return self._keys

    @property
    def refused_keys(self) -> int:
        """How often a client was refused because its key is not authorized."""
        return self._outlets.refused

    def reload_keys(self) -> Future[None]:
        """Read the key files again and go by them, soon; called from any thread. `PubSockets.renew` says what it does.

        Raises:
            ConfigFileError: a file is wrong; nothing has changed.
        """
        keys = self._settings.read_keys()
        return self._calls.submit(lambda: self._use(self._settings, keys))

    def use(self, settings: PublisherSettings, keys: Keyring) -> Future[None]:
        """Publish as *settings* say, with these keys; called from any thread, returns at once.

        Whoever listens at an endpoint that stays notices nothing, and the counting goes on. The rules are no part of
        this, see `use_rules`. The future has the `PublishError` if that cannot be; then nothing has changed.
        """
        return self._calls.submit(lambda: self._use(settings, keys))

    def report_on(self, tallies: Sequence[CameraStats]) -> Future[None]:
        """Publish of these cameras from now on; called from any thread, returns at once.

        One that is no longer among them gets its last status. Where another tally comes for a camera, what was
        published is counted on.
        """
        return self._calls.submit(lambda: self._send(self._reporters.change(tallies)))

    def report_problem(self, problem: str | None) -> Future[None]:
        """Say in every status, and at once, why the configuration could not be changed; None: there is no problem."""
        return self._calls.submit(lambda: self._report_problem(problem))

    def use_rules(self, rules: EventRules) -> Future[None]:
        """Make events by *rules*, soon; may be called from any thread, and returns at once.

        *rules* are all there are from then on, and name every place: what they leave out is no longer there. Events
        that are open go on where their reference still has a rule, by the thresholds of now; the others are ended, with
        ``reference-removed`` where their reference or region is gone and with ``stopped`` where their camera is.
        Several calls take effect one after the other: to end the events of a reference that gets other pictures under
        the same name, call once without and once with it.

        It does not matter whether it is called before or after the references change that the inference compares with:
        a score without a rule makes no event, and a rule without a score does nothing.
        """
        return self._calls.submit(lambda: self._send(self._announcer.use(rules)))

    def hurry(self) -> None:
        """Wait for no subscriber in the end; called from any thread, when the daemon is told to stop.

        It may come to its own end before anybody tells it to stop, and one who does not read would hold that up.
        """
        self._is_hurried = True

    def open(self) -> None:
        settings = self._settings
        log.info("publishing as node %s", settings.node)
        queue, size = _queue(settings)
        self._keys = settings.read_keys()
        self._outlets.open(settings.endpoints, self._keys, queue=queue, queue_bytes=size)
        self._poll_sockets()

    def _poll_sockets(self) -> None:
        self._poller = zmq.Poller()
        self._poller.register(self._bell.fileno(), zmq.POLLIN)
        for socket in self._outlets.sockets():
            self._poller.register(socket, zmq.POLLIN)

    def step(self) -> None:
        ready = self._poller.poll(math.ceil(self._reporters.seconds_to_wait * 1000))
        self._bell.silence()
        self._run_calls()
        self._greet_newcomers(any(where != self._bell.fileno() for where, _ in ready))
        self._tell_wanted()
        self._send(self._reporters.report())
        self._send_results()

    def wake(self) -> None:
        self._bell.ring()

    def close(self) -> None:
        try:
            self._send(self._reporters.stop())
        finally:
            self._calls.close()
            self._outlets.close(BYE_SECONDS if self.stopping or self._is_hurried else DRAIN_SECONDS)
            self._bell.close()

    def _send_results(self) -> None:
        for _ in range(BATCH):
            result = self._handover.get()
            if result is None:
                return
            self._send_vec(result)
            self._handover.give_back(result.vector)
        self._bell.ring()  # there may be more

    def _send_vec(self, result: Result) -> None:
        reporter = self._reporters.of(result.camera)
        if reporter is None:
            return  # the last frames of a camera that is there no more, and has had its last status
        # A float32 has no more than these digits; the rest would be noise that costs bytes.
        scores = [wire.Match(each.reference, round(each.similarity, 6), each.label) for each in result.matches]
        message = self._scribe.vec(result, scores, reporter.drops())
        self._send([message])
        reporter.tally.published += 1
        if reporter.tally.latencies is not None:
            reporter.tally.latencies.observe(message.lat_us)
        self._send(self._announcer.see(message, scores))

    def _run_calls(self) -> None:
        while self._calls.run_next():
            self.progress()

    def _use(self, settings: PublisherSettings, keys: Keyring) -> None:
        queue, size = _queue(settings)
        try:
            self._outlets.change(settings.endpoints, keys, queue=queue, queue_bytes=size)
            self._outlets.renew(keys)
        finally:
            self._poll_sockets()
        if settings.node != self._settings.node:
            self._send(self._reporters.part("the node has another name now"))
            self._scribe.node = settings.node
            log.info("publishing as node %s", settings.node)
        self._settings, self._keys = settings, keys
        self._scribe.config_hash = settings.config_hash

    def _report_problem(self, problem: str | None) -> None:
        if problem != self._scribe.config_problem:
            self._scribe.config_problem = problem
            self._reporters.make_due()

    def _greet_newcomers(self, readable: bool) -> None:
        if prefixes := self._outlets.attend(readable=readable):
            self._announcer.greet(prefixes)
            self._reporters.greet(self._scribe.node, prefixes)

    def _tell_wanted(self) -> None:
        """Let the inference know which regions somebody needs, where that has changed."""
        audience = (self._settings.node, self._announcer.rules, self._outlets.prefixes)
        if audience != self._audience:
            self._audience = audience
            self._demand.set_wanted(wanted_places(*audience))

    def _describe(self, reporter: CameraStatus, condition: Condition, bye: bool) -> wire.Status:
        return self._scribe.status(
            reporter,
            condition,
            facts=self._handover.facts,
            health=self._health.look(),
            insecure=self._outlets.in_clear,
            bye=bye,
        )

    def _send(self, messages: Iterable[wire.Message]) -> None:
        for message in messages:
            self._outlets.send(wire.encode(message))


def _queue(settings: PublisherSettings) -> tuple[int, int]:
    """How many messages, and how many bytes in the kernel, are kept for a subscriber that is slow."""
    queue = max(16, round(2 * settings.messages_per_second))
    return queue, queue * MESSAGE_BYTES // 2
