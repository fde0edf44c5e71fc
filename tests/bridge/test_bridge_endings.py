"""The bridge between a subscriber and a broker that both fail on cue: its publications and its endings."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, cast

import pytest

from edged.bridge import Broker, Settings
from edged.bridge import bridge as module
from edged.bridge.bridge import Bridge
from edged.bridge.topics import Topics
from edged.client import Delivery, Subscriber
from edged.errors import PublishError
from edged.wire import Message, encode
from tests.bridge.conftest import until
from tests.bridge.small_broker import SmallBroker
from tests.bridge.test_bridge import event
from tests.publishing import status, vec

CAMERA = "edged/porch/street"
PLACE = f"{CAMERA}/path/path-empty"
OWN = "edged/_bridge/rig"


class Source:
    """Stand-in for a subscriber: returns what a test puts in."""

    def __init__(self) -> None:
        self.troubles: dict[str, str] = {}
        self.gaps: Counter[bytes] = Counter()
        self.asked = 0
        """How often something was asked for."""
        self._messages: SimpleQueue[Message] = SimpleQueue()

    def give(self, *messages: Message) -> None:
        for message in messages:
            self._messages.put(message)

    def receive_raw(self, timeout: float) -> Delivery | None:
        self.asked += 1
        try:
            message = self._messages.get(timeout=timeout)
        except Empty:
            return None
        topic, header, payload = encode(message)
        return Delivery(message, (topic, header, payload))

    def wait_for_rounds(self, count: int = 2) -> None:
        """Wait until everything has been looked at *count* times from now on."""
        asked = self.asked
        until(lambda: self.asked > asked + count)


class Working:
    """A bridge in a thread of its own."""

    def __init__(self, source: Source, port: int, most_events: int) -> None:
        settings = Settings(Topics("rig"), score_seconds=0.1)
        self.bridge = Bridge(cast(Subscriber, source), Broker("127.0.0.1", port), settings, most_events)
        self.error: PublishError | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.bridge.run(self._ended.is_set)
        except PublishError as exc:
            self.error = exc


@contextmanager
def working(source: Source, broker: SmallBroker, most_events: int = 100) -> Iterator[Working]:
    bridge = Working(source, broker.port, most_events)
    try:
        yield bridge
    finally:
        bridge.end()


@pytest.fixture
def broker() -> Iterator[SmallBroker]:
    with SmallBroker() as broker:
        yield broker


def report(broker: SmallBroker) -> dict[str, Any]:
    """Return the last status that the bridge published of itself."""
    return dict(json.loads(broker.payloads(f"{OWN}/status")[-1]))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == module.__name__]


def test_messages_are_published_between_online_and_offline(
    broker: SmallBroker, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source()
    with working(source, broker):
        source.give(status(0), vec(0), event(0))
        broker.wait(lambda broker: bool(broker.payloads(f"{PLACE}/score")) and bool(broker.payloads(f"{PLACE}/event")))
    assert broker.connects[0].client_id == "edged-bridge-rig"
    assert broker.connects[0].will == (f"{OWN}/availability", b"offline", 1, True)
    assert broker.subscribed == [f"{OWN}/known"]
    assert broker.payloads(f"{OWN}/availability") == [b"online", b"offline"]
    assert broker.payloads(f"{CAMERA}/availability") == [b"online", b"offline"]
    assert set(broker.payloads(f"{PLACE}/score")) == {b"0.75"}
    broker.wait(lambda broker: broker.farewells == 1)  # its thread may read the DISCONNECT after the bridge has ended
    assert warnings(caplog) == []


def test_the_bridge_publishes_its_status_at_each_connection(broker: SmallBroker) -> None:
    assert module.STATUS_SECONDS == 30.0
    source = Source()
    source.gaps = Counter({b"a": 2, b"b": 3})
    with working(source, broker):
        broker.wait(lambda broker: bool(broker.payloads(f"{OWN}/status")))
        assert report(broker) == {"events_waiting": 0, "events_dropped": 0, "connections": 1, "messages_lost": 5}
        source.gaps[b"a"] = 4
        source.wait_for_rounds(5)
        assert len(broker.payloads(f"{OWN}/status")) == 1, "the next comes in half a minute"
        broker.hang_up()
        broker.wait(lambda broker: len(broker.payloads(f"{OWN}/status")) > 1 and report(broker)["connections"] == 2)
        assert report(broker)["messages_lost"] == 7
        assert broker.payloads(f"{OWN}/availability").count(b"online") > 1, "states are repeated"


def test_the_bridge_publishes_its_status_every_few_seconds(
    broker: SmallBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STATUS_SECONDS", 0.1)
    source = Source()
    with working(source, broker):
        for lost in range(1, 4):
            source.gaps[b"a"] = lost
            broker.wait(partial(has_lost, lost))


def has_lost(count: int, broker: SmallBroker) -> bool:
    return bool(broker.payloads(f"{OWN}/status")) and bool(report(broker)["messages_lost"] == count)


def test_what_the_last_bridge_published_comes_from_the_broker(broker: SmallBroker) -> None:
    known = b'{"cameras":[["porch","yard"]],"places":[],"sets":[]}'
    broker.greeting = [(f"{OWN}/known", known, True)]
    with working(Source(), broker):
        broker.wait(lambda broker: known in broker.payloads(f"{OWN}/known"))
    assert broker.payloads("edged/porch/yard/availability") == [b"offline"]


def test_scores_do_not_wait_for_a_broker_and_events_do(broker: SmallBroker, caplog: pytest.LogCaptureFixture) -> None:
    source = Source()
    with working(source, broker, most_events=2):
        broker.wait(lambda broker: bool(broker.payloads(f"{OWN}/status")))
        broker.refusal = 3
        broker.hang_up()
        broker.wait(lambda broker: len(broker.connects) == 2)
        source.give(status(0), vec(0), *(event(seq, "update") for seq in range(5)))
        source.wait_for_rounds(9)
        source.give(status(1, state="lost"))  # no new score from now on
        source.wait_for_rounds()
        broker.refusal = 0
        broker.wait(lambda broker: report(broker)["events_dropped"] == 3)
        broker.wait(lambda broker: len(broker.payloads(f"{PLACE}/event")) == 2)
        source.wait_for_rounds()
    assert [json.loads(payload)["seq"] for payload in broker.payloads(f"{PLACE}/event")] == [3, 4]
    assert broker.payloads(f"{PLACE}/score") == []
    assert warnings(caplog) == ["3 events were dropped: the broker was away for too long"]


def test_troubles_of_the_subscriber_are_logged_when_they_change(
    broker: SmallBroker, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source()
    with working(source, broker):
        for troubles in ({"tcp://a": "wrong keys"}, {}, {"tcp://a": "wrong keys"}):
            source.troubles = troubles
            source.wait_for_rounds(3)
    assert warnings(caplog) == ["tcp://a: wrong keys"] * 2


def test_a_dead_thread_of_paho_ends_the_bridge(broker: SmallBroker) -> None:
    source = Source()
    with working(source, broker) as bridge:
        until(lambda: bridge.bridge._link.is_connected)
        bridge.bridge._link._client.loop_stop()  # as if it had failed
        until(lambda: bridge.error is not None)
    assert str(bridge.error) == "the thread of the connection to the broker has failed"


def test_it_waits_at_the_end_for_messages_in_flight(broker: SmallBroker) -> None:
    broker.acknowledges = False
    source = Source()
    bridge = Working(source, broker.port, 100)
    broker.wait(lambda broker: bool(broker.payloads(f"{OWN}/availability")))
    bridge._ended.set()
    broker.wait(lambda broker: b"offline" in broker.payloads(f"{OWN}/availability"))
    source.wait_for_rounds(3)
    assert bridge._thread.is_alive()
    assert broker.farewells == 0
    bridge._thread.join(module.END_SECONDS + 10)
    assert not bridge._thread.is_alive(), "it waits for two seconds, and not for ever"


def test_events_that_are_never_sent_are_counted_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    source = Source()
    with SmallBroker() as broker:
        pass  # nobody listens there any more
    with working(source, broker):
        source.give(status(0), event(0), event(1, "end"))
        source.wait_for_rounds(5)
    assert warnings(caplog) == ["the broker is away at the end: 2 events are lost"]
