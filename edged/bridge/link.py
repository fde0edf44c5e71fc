"""Connection to the MQTT broker: a thread of paho-mqtt keeps it up, the thread of the bridge sends messages."""

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
from edged.peer_text import peer_text

if TYPE_CHECKING:
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

__all__ = ["Link"]

log = logging.getLogger(__name__)

KEEPALIVE_SECONDS = 15  # a broker without power is noticed in one and a half of these
SHORTEST_PAUSE, LONGEST_PAUSE = 1, 30  # seconds between two attempts, doubled each time
MAX_IN_FLIGHT = 100


class Link:
    """Connection to *broker*, which is made again after each break; the broker publishes *will* when it breaks.

    Messages of QoS 1 that were not acknowledged when the connection broke are sent again on the next one, before
    anything else. At each connection the retained messages of the topic *subscribed* come into ``inbox``.
    """

    def __init__(self, broker: Broker, client_id: str, will: Publication, subscribed: str) -> None:
        self.inbox: deque[bytes] = deque(maxlen=16)
        self.connections = 0
        """Number of connections so far."""
        self._broker = broker
        self._subscribed = subscribed
        self._trouble: str | None = None
        self._is_connected = threading.Event()
        self._is_stopped = False
        self._thread: threading.Thread | None = None
        self._in_flight: set[int] = set()
        self._acknowledged: deque[int] = deque()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv311)
        self._client.max_inflight_messages_set(MAX_IN_FLIGHT)
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
        """Whether the thread of paho-mqtt is alive: it is from `start` to `stop`, unless paho-mqtt has a bug."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def is_connected(self) -> bool:
        """Whether messages reach the broker now."""
        return self._is_connected.is_set()

    @property
    def has_room(self) -> bool:
        """Whether one more message may be sent now."""
        return self.is_connected and self.in_flight < MAX_IN_FLIGHT

    @property
    def in_flight(self) -> int:
        """Number of messages of QoS 1 that the broker has not acknowledged yet."""
        while self._acknowledged:
            self._in_flight.discard(self._acknowledged.popleft())
        return len(self._in_flight)

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._client.connect_async(self._broker.host, self._broker.port, KEEPALIVE_SECONDS)
        before = set(threading.enumerate())
        self._client.loop_start()
        [self._thread] = set(threading.enumerate()) - before

    def send(self, publication: Publication) -> None:
        """Send one message. With QoS 1 it is sent again until the broker acknowledges it."""
        sent = self._client.publish(publication.topic, publication.payload, publication.qos, publication.retain)
        if publication.qos:
            self._in_flight.add(sent.mid)

    def stop(self) -> None:
        """Disconnect in order, so that the broker does not publish the will.

        A thread that is still connecting is left behind, because nothing can end its call, and the process ends soon.
        """
        was_connected = self.is_connected
        self._is_stopped = True
        self._client.disconnect()
        if was_connected:
            self._client.loop_stop()

    # The thread of paho-mqtt calls the methods below.

    def _on_connect(
        self, client: mqtt.Client, _: object, __: mqtt.ConnectFlags, reason: ReasonCode, ___: Properties | None
    ) -> None:
        if self._is_stopped:
            client.disconnect()
        elif reason.is_failure:
            self._log_trouble(str(reason))
        else:
            # It counts as connected when this is confirmed: by then the messages that were not acknowledged have been
            # sent again, and no newer one has come before them.
            client.subscribe(self._subscribed, qos=1)

    def _on_subscribe(self, *_: object) -> None:
        self._trouble = None
        self.connections += 1
        log.info("connected to %s", self._broker)
        self._is_connected.set()

    def _on_connect_fail(self, client: mqtt.Client, _: object) -> None:
        if self._is_stopped:
            client.disconnect()  # once more: an attempt that has just begun makes paho-mqtt forget the first time
            return
        error = sys.exception()
        self._log_trouble(getattr(error, "strerror", None) or str(error))

    def _on_disconnect(
        self, _: mqtt.Client, __: object, ___: mqtt.DisconnectFlags, reason: ReasonCode, ____: Properties | None
    ) -> None:
        if self._is_connected.is_set():
            self._is_connected.clear()
            if reason.is_failure:
                self._log_trouble("the connection broke")

    def _on_publish(self, _: mqtt.Client, __: object, mid: int, ___: ReasonCode, ____: Properties) -> None:
        self._acknowledged.append(mid)  # without a lock, because paho-mqtt holds its own

    def _on_message(self, _: mqtt.Client, __: object, message: mqtt.MQTTMessage) -> None:
        if message.retain:
            self.inbox.append(bytes(message.payload))

    def _log_trouble(self, reason: str) -> None:
        """Log why the connection is missing, once for each reason, which may be one that the broker gives."""
        trouble = peer_text(reason)
        if trouble != self._trouble:
            self._trouble = trouble
            log.warning("%s: %s; it is tried again", self._broker, trouble)
