"""The connection to the broker: kept up by a thread of paho-mqtt, handed messages by the bridge's own."""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edged.bridge.broker import Broker
from edged.bridge.topics import Publication

if TYPE_CHECKING:
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

__all__ = ["Link"]

log = logging.getLogger(__name__)

KEEPALIVE_SECONDS = 15  # a broker without power is noticed in one and a half of these
SHORTEST_PAUSE, LONGEST_PAUSE = 1, 30  # seconds between two attempts, doubled each time
MOST_ON_THE_WAY = 100


class Link:
    """Connects to *broker*, again and again, with *will* as the last message that the broker sends in our name.

    Messages of QoS 1 that were not acknowledged when the connection broke are sent again on the next one, before
    anything else. Those of the topic *wanted* that the broker has retained come into ``inbox`` at each connection.
    """

    def __init__(self, broker: Broker, client_id: str, will: Publication, wanted: str) -> None:
        self.inbox: deque[bytes] = deque(maxlen=16)
        self.connections = 0
        """How often it was connected."""
        self._broker = broker
        self._wanted = wanted
        self._trouble: str | None = None
        self._is_up = threading.Event()
        self._thread: threading.Thread | None = None
        self._on_the_way: set[int] = set()
        self._acknowledged: deque[int] = deque()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv311)
        self._client.max_inflight_messages_set(MOST_ON_THE_WAY)
        self._client.reconnect_delay_set(SHORTEST_PAUSE, LONGEST_PAUSE)
        self._client.will_set(will.topic, will.payload, will.qos, will.retain)
        if broker.username is not None:
            self._client.username_pw_set(broker.username, broker.password)
        if broker.tls is not None:
            self._client.tls_set_context(broker.tls)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message

    @property
    def is_working(self) -> bool:
        """Whether the thread lives that connects: it does from `start` to `stop`, unless paho-mqtt has a bug."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def is_up(self) -> bool:
        """Whether the broker can be told something now."""
        return self._is_up.is_set()

    @property
    def has_room(self) -> bool:
        """Whether one more message may be on its way."""
        return self.is_up and self.on_the_way < MOST_ON_THE_WAY

    @property
    def on_the_way(self) -> int:
        """How many messages of QoS 1 the broker has not acknowledged yet."""
        while self._acknowledged:
            self._on_the_way.discard(self._acknowledged.popleft())
        return len(self._on_the_way)

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._client.connect_async(self._broker.host, self._broker.port, KEEPALIVE_SECONDS)
        before = set(threading.enumerate())
        self._client.loop_start()
        [self._thread] = set(threading.enumerate()) - before

    def send(self, publication: Publication) -> None:
        """Send one message; of QoS 1 it is sure to arrive, sooner or later."""
        sent = self._client.publish(publication.topic, publication.payload, publication.qos, publication.retain)
        if publication.qos:
            self._on_the_way.add(sent.mid)

    def stop(self) -> None:
        """Disconnect in order, so that the broker keeps the will to itself.

        A thread that is still calling a broker is left behind: nobody can end its call, and the process is about to.
        """
        was_up = self.is_up
        self._client.disconnect()
        if was_up:
            self._client.loop_stop()

    # What follows is called by the thread of paho-mqtt.

    def _on_connect(
        self, client: mqtt.Client, _: object, __: mqtt.ConnectFlags, reason: ReasonCode, ___: Properties | None
    ) -> None:
        if reason.is_failure:
            self._tell(str(reason))
        else:
            # Up from when this is confirmed: what had not been acknowledged has been sent again by then, and nothing
            # newer has come before it.
            client.subscribe(self._wanted, qos=1)

    def _on_subscribe(self, *_: object) -> None:
        self._trouble = None
        self.connections += 1
        log.info("connected to %s", self._broker)
        self._is_up.set()

    def _on_connect_fail(self, _: mqtt.Client, __: object) -> None:
        error = sys.exception()
        self._tell(getattr(error, "strerror", None) or str(error))

    def _on_disconnect(
        self, _: mqtt.Client, __: object, ___: mqtt.DisconnectFlags, reason: ReasonCode, ____: Properties | None
    ) -> None:
        if self._is_up.is_set():
            self._is_up.clear()
            if reason.is_failure:
                self._tell("the connection broke")

    def _on_publish(self, _: mqtt.Client, __: object, mid: int, ___: ReasonCode, ____: Properties) -> None:
        self._acknowledged.append(mid)  # and no lock here: paho-mqtt holds its own

    def _on_message(self, _: mqtt.Client, __: object, message: mqtt.MQTTMessage) -> None:
        if message.retain:
            self.inbox.append(bytes(message.payload))

    def _tell(self, trouble: str) -> None:
        """Log why there is no connection, once for each reason."""
        if trouble != self._trouble:
            self._trouble = trouble
            log.warning("%s: %s; it is tried again", self._broker, trouble)
