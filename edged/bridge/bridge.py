"""Loop of the bridge: receives from a daemon, publishes at a broker, and lets neither wait for the other."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from math import inf

from edged.bridge.broker import Broker
from edged.bridge.discovery import OFFLINE, ONLINE
from edged.bridge.link import Link
from edged.bridge.outbox import Outbox
from edged.bridge.topics import Publication
from edged.bridge.translator import Settings, Translator
from edged.client import Subscriber
from edged.errors import PublishError

__all__ = ["Bridge"]

log = logging.getLogger(__name__)

POLL_SECONDS = 0.05
STATUS_SECONDS = 30.0
END_SECONDS = 2.0


class Bridge:
    """Publishes at *broker* what *subscriber* receives, which should be messages of every kind.

    While the broker is away, up to *most_events* events wait for it.
    """

    def __init__(self, subscriber: Subscriber, broker: Broker, settings: Settings, most_events: int = 10_000) -> None:
        topics = settings.topics
        self._subscriber = subscriber
        self._translator = Translator(settings)
        self._outbox = Outbox(most_events)
        self._availability = topics.bridge("availability")
        self._status = topics.bridge("status")
        will = Publication(self._availability, OFFLINE)
        self._link = Link(broker, f"edged-bridge-{topics.name}", will, topics.bridge("known"))
        self._connections = 0
        self._dropped = 0
        self._troubles: Mapping[str, str] = {}
        self._next_status = -inf

    def run(self, has_ended: Callable[[], bool]) -> None:
        """Work until *has_ended*; then publish that all is offline, if the broker is connected.

        Raises:
            PublishError: the thread of the connection has failed.
        """
        self._link.start()
        try:
            self._outbox.put([Publication(self._availability, ONLINE)])
            while not has_ended():
                delivery = self._subscriber.receive_raw(POLL_SECONDS)
                now = time.monotonic()
                if delivery is not None:
                    self._outbox.put(self._translator.translate(delivery, now))
                self._publish_due(now)
            self._publish_end()
        finally:
            self._link.stop()

    def _publish_due(self, now: float) -> None:
        """Publish what is due by time or by a new connection, and send as much as there is room for."""
        if not self._link.is_working:
            raise PublishError("the thread of the connection to the broker has failed")
        self._log_troubles()
        while self._link.inbox:
            self._outbox.put(self._translator.restore(self._link.inbox.popleft(), now))
        self._outbox.put(self._translator.tick(now))
        if not self._link.is_connected:
            self._outbox.forget_scores()
        elif self._connections != self._link.connections:
            self._connections = self._link.connections
            self._outbox.repeat_states()
            self._publish_status(now)
        elif now >= self._next_status:
            self._publish_status(now)
        self._send()

    def _send(self) -> None:
        while self._link.has_room and (publication := self._outbox.next_publication()) is not None:
            self._link.send(publication)

    def _log_troubles(self) -> None:
        """Log why the daemon refuses this subscriber, on a change; mostly because of wrong keys."""
        troubles = self._subscriber.troubles
        if troubles != self._troubles:
            self._troubles = troubles
            for address, trouble in troubles.items():
                log.warning("%s: %s", address, trouble)

    def _publish_status(self, now: float) -> None:
        self._next_status = now + STATUS_SECONDS
        dropped = self._outbox.dropped
        if dropped != self._dropped:
            log.warning("%d events were dropped: the broker was away for too long", dropped - self._dropped)
            self._dropped = dropped
        content = {
            "events_waiting": self._outbox.events,
            "events_dropped": dropped,
            "connections": self._link.connections,
            "messages_lost": self._subscriber.gaps.total(),
        }
        self._outbox.put([Publication(self._status, json.dumps(content).encode())])

    def _publish_end(self) -> None:
        deadline = time.monotonic() + END_SECONDS
        self._outbox.put(self._translator.announce_end())
        self._outbox.put([Publication(self._availability, OFFLINE)])
        while self._link.is_connected and time.monotonic() < deadline:
            self._send()
            if not self._link.in_flight:
                return
            self._subscriber.receive_raw(POLL_SECONDS)  # only as a pause
        if self._outbox.events:
            log.warning("the broker is away at the end: %d events are lost", self._outbox.events)
