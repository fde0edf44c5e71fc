"""The publisher stage: owns the sockets, and publishes results, events and conditions in their order."""

from __future__ import annotations

import logging
import math
import select
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future

from edged import wire
from edged.bell import Bell
from edged.board import Health
from edged.events import EventRules
from edged.pipeline.call_queue import CallQueue
from edged.pipeline.camera_stats import CameraStats, Condition
from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.loading.keyring import Keyring
from edged.pipeline.placed_set import PlacedSet
from edged.pipeline.publisher.board_health import HealthWatch
from edged.pipeline.publisher.event_messages import EventMessages
from edged.pipeline.publisher.message_builder import MessageBuilder
from edged.pipeline.publisher.on_demand import wanted_places
from edged.pipeline.publisher.pub_sockets import LostEndpointError, PubSockets
from edged.pipeline.publisher.settings import PublisherSettings
from edged.pipeline.publisher.slow_down import SlowDown
from edged.pipeline.publisher.state_messages import DecidedState, StateMessages
from edged.pipeline.publisher.status_messages import CameraStatus, StatusMessages
from edged.pipeline.result import ModelFacts, Result
from edged.pipeline.stage import Stage

__all__ = ["Publisher"]

log = logging.getLogger(__name__)

BATCH = 64  # results sent before the sockets are polled again
BYE_SECONDS = 0.3  # for what is queued when the daemon is told to stop
DRAIN_SECONDS = 5.0  # for what is queued when the cameras have come to their end


class Publisher(Stage):
    """Publishes results as ``vec`` messages, decided states, events, and conditions as ``status``, at every endpoint.

    *rules* make events at first; `use_rules` changes them. The sets of states are those of the hand-over. Other
    threads change it through its call queue.
    """

    def __init__(
        self,
        settings: PublisherSettings,
        handover: Handover,
        bell: Bell,
        all_stats: Sequence[CameraStats],
        demand: Demand,
        rules: EventRules | None = None,
    ) -> None:
        super().__init__("publisher")
        self._settings = settings
        self._handover = handover
        self._bell = bell
        self._demand = demand
        self._builder = MessageBuilder(settings.node, settings.config_hash)
        self._health = HealthWatch(settings.board)
        self._slow_down = SlowDown()
        self._pub_sockets = PubSockets()
        self._calls = CallQueue(bell.ring, fatal=(LostEndpointError,))
        self._audience: tuple[str, EventRules, Sequence[PlacedSet], frozenset[bytes]] | None = None
        self._keys = Keyring()
        self._is_hurried = False
        self._event_messages = EventMessages(self._builder, rules or EventRules())
        self._state_messages = StateMessages(self._builder)
        self._status_messages = StatusMessages(
            all_stats, self._event_messages, self._state_messages, self._build_status
        )

    @property
    def health(self) -> Health:
        """The board's health as it was last read for a status."""
        return self._health.latest

    @property
    def facts(self) -> ModelFacts | None:
        """The model in use; None until the first one is loaded."""
        return self._handover.facts

    @property
    def waiting(self) -> int:
        """Count of results that wait to be published."""
        return self._handover.waiting

    @property
    def subscriptions(self) -> int:
        """Count of topic prefixes that are subscribed to, over all subscribers."""
        return self._pub_sockets.subscribed

    @property
    def decided_states(self) -> Sequence[DecidedState]:
        """The decided state of each set of states in each place that has had an answer."""
        return self._state_messages.decided

    @property
    def keys(self) -> Keyring:
        """The keys in use."""
        return self._keys

    @property
    def refused_keys(self) -> int:
        """Count of clients that were refused because their key is not authorized."""
        return self._pub_sockets.refusals["key"]

    @property
    def connections(self) -> int:
        """Count of peers that are connected to the publish ports."""
        return self._pub_sockets.connections

    @property
    def refusals(self) -> Mapping[str, int]:
        """Count of peers of the publish ports that were refused or cut off, by the reason."""
        return self._pub_sockets.refusals

    def reload_keys(self) -> Future[None]:
        """Read the key files again and use them soon, as `PubSockets.renew` does; may be called from any thread.

        Raises:
            ConfigFileError: a file is wrong; nothing has changed.
        """
        keys = self._settings.read_keys()
        return self._calls.submit(lambda: self._use(self._settings, keys))

    def use(self, settings: PublisherSettings, keys: Keyring) -> Future[None]:
        """Publish as *settings* say, with these keys; may be called from any thread, and returns at once.

        Subscribers of an endpoint that stays notice nothing, and the numbers continue. The rules are not part of this,
        see `use_rules`. If it fails, the future has the `PublishError`, and nothing has changed.
        """
        return self._calls.submit(lambda: self._use(settings, keys))

    def use_cameras(self, all_stats: Sequence[CameraStats]) -> Future[None]:
        """Publish only these cameras from now on; may be called from any thread, and returns at once.

        A camera that is no longer among them gets its last status. Where a camera gets other stats, their count of
        published messages continues.
        """
        return self._calls.submit(lambda: self._send(self._status_messages.change_cameras(all_stats)))

    def report_problem(self, problem: str | None) -> Future[None]:
        """Publish in every status, and at once, why the configuration could not be changed; None: no problem."""
        return self._calls.submit(lambda: self._report_problem(problem))

    def use_rules(self, rules: EventRules) -> Future[None]:
        """Make events by *rules*, soon; may be called from any thread, and returns at once.

        *rules* replace all rules, and name every place: a place that they leave out is gone. An open event continues
        where its reference still has a rule, by the new thresholds; any other is ended, with ``reference-removed``
        where its reference or region is gone and with ``stopped`` where its camera is. Several calls take effect one
        after the other: to end the events of a reference that gets other pictures under the same name, call once
        without and once with it.

        It may be called before or after the inference gets its references: a score without a rule makes no event, and a
        rule without a score does nothing.
        """
        return self._calls.submit(lambda: self._send(self._event_messages.use_rules(rules)))

    def hurry(self) -> None:
        """Wait for no subscriber in the end; called from any thread, when the daemon is told to stop.

        The publisher may end by itself before it is told to stop, and a subscriber that does not read would delay that.
        This is a flag, and not a call, because the queue is not run any more when the publisher ends.
        """
        self._is_hurried = True

    def open(self) -> None:
        settings = self._settings
        log.info("publishing as node %s", settings.node)
        queue, size = settings.queue, settings.queue_bytes
        self._keys = settings.read_keys()
        self._pub_sockets.open(
            settings.endpoints, self._keys, queue=queue, queue_bytes=size, max_connections=settings.max_connections
        )
        self._poll = select.poll()
        for waker in (self._bell, self._pub_sockets):
            self._poll.register(waker, select.POLLIN)

    def step(self) -> None:
        seconds = min(self._status_messages.seconds_to_wait, self._pub_sockets.seconds_left)
        self._poll.poll(math.ceil(seconds * 1000))
        self._bell.silence()
        self._run_calls()
        self._follow_sets()
        self._greet_subscribers()
        self._update_demand()
        self._send(self._status_messages.report())
        self._send_results()

    def wake(self) -> None:
        self._bell.ring()

    def close(self) -> None:
        try:
            self._send(self._status_messages.end_all())
        finally:
            self._calls.close()
            self._pub_sockets.close(BYE_SECONDS if self.stopping or self._is_hurried else DRAIN_SECONDS)
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
        stats = self._status_messages.stats_of(result.camera)
        if stats is None:
            return  # the last frames of a camera that is gone, and has had its last status
        # A float32 has no more than these digits; the rest would be noise that costs bytes.
        scores = [wire.Match(each.reference, round(each.similarity, 6), each.label) for each in result.matches]
        message = self._builder.vec(result, scores, stats)
        self._send([message])
        stats.published += 1
        if stats.latencies is not None:
            stats.latencies.observe(message.lat_us)
        self._send(self._state_messages.follow_result(message, result.states))
        self._send(self._event_messages.follow_result(message, scores))

    def _run_calls(self) -> None:
        while self._calls.run_next():
            self.progress()

    def _use(self, settings: PublisherSettings, keys: Keyring) -> None:
        queue, size = settings.queue, settings.queue_bytes
        self._pub_sockets.change(
            settings.endpoints, keys, queue=queue, queue_bytes=size, max_connections=settings.max_connections
        )
        self._pub_sockets.renew(keys)
        if settings.node != self._settings.node:
            self._send(self._status_messages.end_topics("the node has another name now"))
            self._builder.node = settings.node
            log.info("publishing as node %s", settings.node)
        self._settings, self._keys = settings, keys
        self._builder.config_hash = settings.config_hash

    def _report_problem(self, problem: str | None) -> None:
        if problem != self._builder.config_problem:
            self._builder.config_problem = problem
            self._status_messages.make_due()

    def _follow_sets(self) -> None:
        """Decide by the sets of states that the inference has, before its next results."""
        if self._handover.sets is not self._state_messages.sets:
            self._send(self._state_messages.use_sets(self._handover.sets))
            self._status_messages.make_due()

    def _greet_subscribers(self) -> None:
        if prefixes := self._pub_sockets.attend():
            self._event_messages.greet_subscribers(prefixes)
            self._state_messages.greet_subscribers(prefixes)
            self._status_messages.greet_subscribers(self._builder.node, prefixes)

    def _update_demand(self) -> None:
        """Set the wanted places, if the subscriptions, the rules or the sets have changed."""
        audience = (
            self._settings.node,
            self._event_messages.rules,
            self._state_messages.sets,
            self._pub_sockets.prefixes,
        )
        if audience != self._audience:
            self._audience = audience
            self._demand.set_wanted(wanted_places(*audience))

    def _build_status(self, status: CameraStatus, condition: Condition, bye: bool) -> wire.Status:
        return self._builder.status(
            status.stats,
            condition,
            rates=status.rates(),
            facts=self._handover.facts,
            health=self._read_health(),
            insecure=self._pub_sockets.in_clear,
            bye=bye,
            sets=self._state_messages.at(status.stats.camera),
        )

    def _read_health(self) -> Health:
        health = self._health.read()
        slow_down = self._slow_down
        is_on = self._settings.slow_when_hot
        self._demand.halvings = slow_down.follow(health, time.monotonic()) if is_on else slow_down.end()
        return health

    def _send(self, messages: Iterable[wire.Message]) -> None:
        for message in messages:
            self._pub_sockets.send(wire.encode(message))
