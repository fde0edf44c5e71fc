"""Connection to the broker: its settings, its states, and its reaction to a broker that fails."""

from __future__ import annotations

import gc
import logging
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from edged.bridge import Broker
from edged.bridge import link as module
from edged.bridge.link import MAX_IN_FLIGHT, Link
from edged.bridge.topics import Publication
from tests.bridge.conftest import until
from tests.bridge.small_broker import Connect, SmallBroker

WILL = Publication("will", b"gone")
WANTED = "edged/_bridge/rig/known"


@pytest.fixture
def broker() -> Iterator[SmallBroker]:
    """A broker that accepts everything."""
    with SmallBroker() as broker:
        yield broker


def link_to(broker: SmallBroker, username: str | None = None, password: str | None = None) -> Link:
    return Link(Broker("127.0.0.1", broker.port, username, password), "rig", WILL, WANTED)


@pytest.fixture
def link(broker: SmallBroker) -> Iterator[Link]:
    """A link that is connected."""
    link = link_to(broker)
    link.start()
    until(lambda: link.is_connected)
    yield link
    link.stop()


def test_a_connection_has_a_will_a_keepalive_and_a_subscription(broker: SmallBroker, link: Link) -> None:
    assert broker.connects == [Connect("rig", 15, ("will", b"gone", 1, True))]
    assert broker.subscribed == [WANTED]


def test_name_and_password_reach_the_broker(broker: SmallBroker) -> None:
    link = link_to(broker, "me", "geheim")
    link.start()
    until(lambda: link.is_connected)
    link.stop()
    assert broker.connects[0].login == ("me", "geheim")


def test_its_thread_is_alive_between_start_and_stop_only(broker: SmallBroker) -> None:
    link = link_to(broker)
    assert (link.is_working, link.is_connected, link.has_room) == (False, False, False)
    link.start()
    assert link.is_working
    until(lambda: link.is_connected)
    assert link.has_room
    link.stop()
    assert (link.is_working, link.is_connected, link.has_room) == (False, False, False)
    broker.wait(lambda broker: broker.farewells == 1)


def test_it_counts_as_connected_once_the_subscription_is_confirmed(broker: SmallBroker) -> None:
    broker.confirms = False
    link = link_to(broker)
    link.start()
    broker.wait(lambda broker: broker.subscribed == [WANTED])
    assert not link.is_connected
    assert link.connections == 0
    broker.close()
    link.stop()


def test_a_message_arrives_as_it_was_given(broker: SmallBroker, link: Link) -> None:
    for publication in (Publication("a", b"1"), Publication("b", b"2", retain=False), Publication("c", b"3", 0, False)):
        link.send(publication)
    broker.wait(lambda broker: len(broker.published) == 3)
    assert broker.published == [("a", b"1", 1, True), ("b", b"2", 1, False), ("c", b"3", 0, False)]
    until(lambda: link.in_flight == 0)


def test_at_most_a_hundred_messages_are_in_flight(broker: SmallBroker, link: Link) -> None:
    broker.acknowledges = False
    link.send(Publication("score", b"", 0, retain=False))
    assert link.in_flight == 0, "of QoS 0 nothing is acknowledged"
    for number in range(MAX_IN_FLIGHT):
        assert (link.in_flight, link.has_room) == (number, True)
        link.send(Publication("a", b"%d" % number))
    assert (link.in_flight, link.has_room) == (100, False)
    broker.wait(lambda broker: len(broker.payloads("a")) == 100)


def test_after_a_break_it_connects_again_and_sends_what_was_not_acknowledged_first(
    broker: SmallBroker, link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    broker.acknowledges = False
    link.send(Publication("a", b"first"))
    broker.wait(lambda broker: broker.payloads("a") == [b"first"])
    broker.acknowledges = True
    broker.hang_up()
    until(lambda: link.connections == 2 and link.is_connected)
    link.send(Publication("a", b"second"))
    until(lambda: link.in_flight == 0)
    assert broker.payloads("a") == [b"first", b"first", b"second"]
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        f"mqtt://127.0.0.1:{broker.port}: the connection broke; it is tried again",
        f"connected to mqtt://127.0.0.1:{broker.port}",
    ]


def test_only_retained_messages_come_into_the_inbox(broker: SmallBroker) -> None:
    broker.greeting = [(WANTED, b"of before", True), (WANTED, b"of now", False)]
    link = link_to(broker)
    link.start()
    until(lambda: len(link.inbox) > 0)
    link.send(Publication("a", b""))
    until(lambda: link.in_flight == 0)  # both have come by then
    assert list(link.inbox) == [b"of before"]
    link.stop()


def test_a_refusal_is_logged_once_and_tried_again(broker: SmallBroker, caplog: pytest.LogCaptureFixture) -> None:
    broker.refusal = 5
    link = link_to(broker)
    link.start()
    broker.wait(lambda broker: len(broker.connects) == 2)
    assert not link.is_connected
    assert broker.subscribed == []
    assert [record.getMessage() for record in caplog.records if record.name == module.__name__] == [
        f"mqtt://127.0.0.1:{broker.port}: Not authorized; it is tried again"
    ]
    broker.refusal = 0
    until(lambda: link.is_connected)
    broker.close()
    until(lambda: not link.is_connected)
    link.stop()


@pytest.mark.parametrize("listens", [True, False])
def test_an_attempt_that_begins_as_it_is_stopped_is_the_last_one(
    broker: SmallBroker, listens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = link_to(broker)
    link.start()
    until(lambda: link.is_connected)
    reconnect = link._client.reconnect

    def stop_first() -> object:
        monkeypatch.undo()
        link.stop()
        return reconnect()

    monkeypatch.setattr(link._client, "reconnect", stop_first)
    thread = link._thread
    assert thread is not None
    broker.hang_up() if listens else broker.close()
    thread.join(20)
    assert not thread.is_alive()


def test_where_nobody_listens_the_reason_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with SmallBroker() as broker:
        pass
    link = link_to(broker)
    link.start()
    until(lambda: bool(caplog.records))
    link.stop()
    assert caplog.records[0].getMessage().endswith(": Connection refused; it is tried again")


def has_connected(link: Link, count: int) -> bool:
    return link.connections == count and link.is_connected


def test_the_same_trouble_after_a_connection_is_logged_again(
    broker: SmallBroker, link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    for count in (2, 3):
        broker.hang_up()
        until(partial(has_connected, link, count))
    assert [record.getMessage().partition("; ")[0] for record in caplog.records] == [
        f"mqtt://127.0.0.1:{broker.port}: the connection broke"
    ] * 2


def _time_out() -> None:
    raise TimeoutError("timed out")


def test_a_failure_without_a_number_is_logged_in_its_own_words(caplog: pytest.LogCaptureFixture) -> None:
    link = Link(Broker("broker", 1883), "rig", WILL, WANTED)
    try:
        _time_out()
    except TimeoutError:
        link._on_connect_fail(link._client, None)
    assert caplog.records[0].getMessage() == "mqtt://broker:1883: timed out; it is tried again"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of localhost, signed by itself, and its key."""
    certificate, key = tmp_path / "broker.pem", tmp_path / "broker.key"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run([*new, *subject, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60)
    return certificate, key


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho-mqtt leaves a refused socket open
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on this machine")
@pytest.mark.parametrize(
    ("host", "is_known", "expected"),
    [
        ("localhost", True, "connected to mqtts://localhost"),
        ("localhost", False, "self-signed certificate"),
        ("127.0.0.1", True, "IP address mismatch"),
    ],
)
def test_over_tls_only_the_broker_of_the_certificate_is_spoken_to(
    certificate: tuple[Path, Path], host: str, is_known: bool, expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, module.__name__)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    with SmallBroker(tls) as broker:
        ca_file = str(certificate[0]) if is_known else None
        link = Link(Broker.parse(f"mqtts://{host}:{broker.port}", ca_file=ca_file), "rig", WILL, WANTED)
        link.start()
        until(lambda: bool(caplog.records))
        link.stop()
        assert bool(broker.connects) == expected.startswith("connected")
    assert expected in caplog.records[0].getMessage().replace("self signed", "self-signed")
    del link
    gc.collect()  # that socket, while its warning is expected


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on this machine")
def test_a_client_may_bring_a_certificate_and_its_key(certificate: tuple[Path, Path]) -> None:
    cert_file, key_file = map(str, certificate)
    assert Broker.parse("mqtts://localhost", cert_file=cert_file, key_file=key_file).tls is not None
    with pytest.raises(ValueError, match="cannot be used with the key in it"):
        Broker.parse("mqtts://localhost", cert_file=cert_file)
