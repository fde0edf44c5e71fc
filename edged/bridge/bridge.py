"""The bridge at work: hears a daemon, tells a broker, and never lets one wait for the other."""

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
from edged.bridge.watch import Settings, Watch
from edged.client import Subscriber
from edged.errors import PublishError

__all__ = ["Bridge"]

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.05
STATUS_SECONDS = 30.0
END_SECONDS = 2.0


class Bridge:
    """Publishes at *broker* what *subscriber* hears, which should be messages of every kind.

    While the broker is away, up to *most_events* events wait for it.
    """

    def __init__(self, subscriber: Subscriber, broker: Broker, settings: Settings, most_events: int = 10_000) -> None:
        topics = settings.topics
        self._subscriber = subscriber
        self._watch = Watch(settings)
        self._outbox = Outbox(most_events)
        self._availability = topics.own("availability")
        self._status = topics.own("status")
        will = Publication(self._availability, OFFLINE)
        self._link = Link(broker, f"edged-bridge-{topics.name}", will, topics.own("known"))
        self._connections = 0
        self._dropped = 0
        self._troubles: Mapping[str, str] = {}
        self._next_status = -inf

    def run(self, has_ended: Callable[[], bool]) -> None:
        """Work until *has_ended*; then say that it is the end, as far as the broker is there to hear it.

        Raises:
            PublishError: the connection cannot be kept up any more.
        """
        self._link.start()
        try:
            self._outbox.put([Publication(self._availability, ONLINE)])
            while not has_ended():
                delivery = self._subscriber.receive_raw(LOOK_SECONDS)
                now = time.monotonic()
                if delivery is not None:
                    self._outbox.put(self._watch.see(delivery, now))
                self._attend(now)
            self._say_goodbye()
        finally:
            self._link.stop()

    def _attend(self, now: float) -> None:
        """Do what time and the broker ask for, and send what there is room for."""
        if not self._link.is_working:
            raise PublishError("the thread that talks to the broker has failed")
        self._tell_troubles()
        while self._link.inbox:
            self._outbox.put(self._watch.recall(self._link.inbox.popleft(), now))
        self._outbox.put(self._watch.tick(now))
        if not self._link.is_up:
            self._outbox.forget_scores()
        elif self._connections != self._link.connections:
            self._connections = self._link.connections
            self._outbox.repeat()
            self._tell_status(now)
        elif now >= self._next_status:
            self._tell_status(now)
        self._send()

    def _send(self) -> None:
        while self._link.has_room and (publication := self._outbox.take()) is not None:
            self._link.send(publication)

    def _tell_troubles(self) -> None:
        """Log what keeps the daemon from letting us in, on a change: wrong keys, mostly."""
        troubles = self._subscriber.troubles
        if troubles != self._troubles:
            self._troubles = troubles
            for address, trouble in troubles.items():
                log.warning("%s: %s", address, trouble)

    def _tell_status(self, now: float) -> None:
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

    def _say_goodbye(self) -> None:
        deadline = time.monotonic() + END_SECONDS
        self._outbox.put(self._watch.farewell())
        self._outbox.put([Publication(self._availability, OFFLINE)])
        while self._link.is_up and time.monotonic() < deadline:
            self._send()
            if not self._link.on_the_way:
                return
            self._subscriber.receive_raw(LOOK_SECONDS)  # which is nothing but a pause now
        if self._outbox.events:
            log.warning("the broker was away in the end: %d events are lost", self._outbox.events)
