"""The publish port as libzmq's subscribers find it: in clear and with keys, called and calling."""

from __future__ import annotations

import logging
import select
import socket
import threading
from pathlib import Path

import pytest
import zmq

from edged.errors import PublishError
from edged.transport.curve import Curve, secure
from edged.transport.gate import Gate
from edged.transport.handshakes import REFUSED, Handshakes
from edged.transport.keys import Client, new_pair
from edged.transport.pub import resolver
from edged.transport.pub.port import Port
from edged.transport.zmtp import pub_end
from tests.keyed import free_port
from tests.raw_subscriber import RawSubscriber, subscribe
from tests.stopwatch import stopwatch
from tests.transport.pub.serving import Context, Served, Socket, curve_of, subscriber

SERVER, PHONE, TABLET = (new_pair() for _ in range(3))
PLACES = ["tcp://127.0.0.1:*", "tcp://[::1]:*", "tcp://lo:*", "ipc"]


def place(name: str, folder: Path) -> str:
    return f"ipc://{folder}/pub.sock" if name == "ipc" else name


def there(port: Port) -> str:
    return port.address.replace("tcp://lo:", "tcp://127.0.0.1:")


@pytest.mark.parametrize("secured", [False, True])
@pytest.mark.parametrize("name", PLACES)
def test_a_subscriber_gets_what_it_subscribes_to_until_it_cancels(
    name: str, secured: bool, served: Served, context: Context, tmp_path: Path
) -> None:
    served.peers.authorize({PHONE.public: Client("phone")})
    port = served.port(place(name, tmp_path), Curve(SERVER) if secured else None)
    phone = subscriber(context, there(port), b"a/", b"b/", curve=curve_of(PHONE, SERVER) if secured else None)
    assert served.reaches(phone, b"a/x")[0] == b"a/x"
    big = bytes(range(256)) * 400
    served.peers.send([b"b/y", b"", big])
    served.until(lambda: phone.poll(10), "a large one")
    while (message := phone.recv_multipart())[0] != b"b/y":
        pass
    assert message == [b"b/y", b"", big]
    phone.unsubscribe(b"a/")
    served.until(lambda: served.peers.subscribed == 1, "it is cancelled")
    served.peers.send([b"a/x", b"never"])
    served.reaches(phone, b"b/z")
    assert served.peers.prefixes == {b"b/"}
    phone.close()
    served.until(lambda: not served.peers, "it is gone")
    assert (served.peers.subscribed, served.peers.prefixes) == (0, frozenset())
    assert not any(served.peers.refusals.counts.values())


@pytest.mark.parametrize("minor", [0, 1])
@pytest.mark.parametrize("secured", [False, True])
def test_it_understands_subscriptions_of_both_versions(
    minor: int, secured: bool, served: Served, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libzmq sends messages to an end of 3.0, and commands to one of 3.1."""
    monkeypatch.setattr(pub_end, "MINOR", minor)
    served.peers.authorize({PHONE.public: Client("phone")})
    port = served.port(curve=Curve(SERVER) if secured else None)
    phone = subscriber(context, port.address, b"a/", curve=curve_of(PHONE, SERVER) if secured else None)
    served.reaches(phone)
    phone.unsubscribe(b"a/")
    served.until(lambda: served.peers.subscribed == 0, "it is cancelled")


@pytest.mark.parametrize("secured", [False, True])
@pytest.mark.parametrize("name", ["tcp://127.0.0.1", "tcp://[::1]", "tcp://localhost", "ipc"])
def test_a_hub_is_called_and_gets_what_it_subscribes_to(
    name: str, secured: bool, served: Served, context: Context, tmp_path: Path
) -> None:
    hub = context.socket(zmq.SUB)
    hub.set(zmq.IPV6, int("[" in name))
    hub.subscribe(b"a/")
    if secured:
        hub.set(zmq.CURVE_SERVER, 1)
        hub.set(zmq.CURVE_SECRETKEY, SERVER.secret)
    hub.bind(place(name, tmp_path) if name == "ipc" else f"{name.replace('localhost', '127.0.0.1')}:*")
    address = hub.get_string(zmq.LAST_ENDPOINT).replace("127.0.0.1", name.removeprefix("tcp://").strip("[]"))
    port = served.port(address, curve_of(PHONE, SERVER) if secured else None, mode="connect")
    served.reaches(hub)
    assert port.problem is None


def test_a_hub_that_comes_back_is_called_again(served: Served, context: Context) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    served.port(address, mode="connect")
    for _ in range(3):
        hub = context.socket(zmq.SUB)
        hub.set(zmq.LINGER, 0)
        hub.subscribe(b"a/")
        hub.bind(address)
        served.reaches(hub)
        hub.close()
        served.until(lambda: not served.peers, "it is gone")


def test_a_host_name_is_looked_up_while_everything_goes_on(
    served: Served, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered = threading.Event(), threading.Event()
    look_up = resolver.targets

    def slow(host: str, port: int, flags: int = 0) -> list[resolver.Target]:
        asked.set()
        assert answered.wait(20)
        return look_up("127.0.0.1", port)

    monkeypatch.setattr(resolver, "targets", slow)
    hub = context.socket(zmq.SUB)
    hub.subscribe(b"a/")
    port = hub.bind_to_random_port("tcp://127.0.0.1")
    served.port(f"tcp://hub.example.org:{port}", mode="connect")
    phone = subscriber(context, served.port().address, b"a/")
    served.until(asked.is_set, "it is looked up")
    served.reaches(phone)
    assert not hub.poll(0)
    answered.set()
    served.reaches(hub)


def test_a_host_that_there_is_not_is_asked_for_again(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def nowhere(host: str, port: int, flags: int = 0) -> list[resolver.Target]:
        asked.append(host)
        raise socket.gaierror

    monkeypatch.setattr(resolver, "targets", nowhere)
    served.port("tcp://hub.example.org:5557", mode="connect")
    served.until(lambda: len(asked) > 2, "it is asked again")


@pytest.mark.parametrize(
    ("answers", "word"),
    [
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "the other end is not edged or not ZeroMQ"),
        ([b"", b""], "it disconnects during the handshake"),
    ],
)
def test_a_peer_that_is_not_a_hub_is_reported_in_words(served: Served, answers: list[bytes], word: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = served.port(f"tcp://127.0.0.1:{listening.getsockname()[1]}", mode="connect")
        for answer in answers:
            served.until(lambda: select.select([listening], [], [], 0)[0], "it calls")
            with listening.accept()[0] as caller:
                caller.sendall(answer)
        served.until(lambda: word in (port.problem or ""), "it is told")


def test_a_hub_that_refuses_our_key_is_reported_in_words(served: Served, context: Context) -> None:
    gate = Gate(context, {})
    hub = context.socket(zmq.SUB)
    secure(hub, Curve(SERVER))
    hub.bind("tcp://127.0.0.1:*")
    port = served.port(hub.get_string(zmq.LAST_ENDPOINT), curve_of(PHONE, SERVER), mode="connect")

    def told() -> bool:
        gate.answer_requests()
        return port.problem == REFUSED

    served.until(told, "it is told")
    assert len(served.peers) == 0


# -- keys -------------------------------------------------------------------------------------------------------------


def troubled(served: Served, context: Context, phone: Socket, address: str) -> str:
    """What a subscriber of edged would report."""

    def dial(address: str) -> None:
        phone.connect(address)

    handshakes = Handshakes(context, phone, dial)
    handshakes.add_address(address)
    handshakes.reconnect(address)

    def told() -> bool:
        handshakes.read_events()
        return bool(handshakes.troubles)

    served.until(told, "a trouble")
    handshakes.close()
    return handshakes.troubles[address]


def test_a_key_that_is_not_authorized_is_refused_as_libzmq_would(
    served: Served, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    served.peers.authorize({PHONE.public: Client("phone")})
    address = served.port(curve=Curve(SERVER)).address
    tablet = subscriber(context, address, b"", curve=curve_of(TABLET, SERVER))
    assert troubled(served, context, tablet, address) == REFUSED
    assert served.peers.refusals.counts["key"] > 0
    assert caplog.messages == [
        f"client of 127.0.0.1 is refused: its public key {TABLET.public.decode()} is not authorized"
    ]


@pytest.mark.parametrize(
    ("curve", "word"),
    [(None, "one end uses CURVE keys"), (curve_of(PHONE, TABLET), "our copy of its public key may be wrong")],
)
def test_a_subscriber_with_a_wrong_key_or_none_is_refused_as_by_libzmq(
    curve: Curve | None, word: str, served: Served, context: Context
) -> None:
    address = served.port(curve=Curve(SERVER)).address
    assert word in troubled(served, context, subscriber(context, address, b"", curve=curve), address)


def test_a_key_that_is_revoked_is_cut_off_and_no_other(
    served: Served, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    both = {PHONE.public: Client("phone"), TABLET.public: Client("tablet")}
    served.peers.authorize(both)
    port = served.port(curve=Curve(SERVER))
    phone, tablet = (subscriber(context, port.address, b"", curve=curve_of(each, SERVER)) for each in (PHONE, TABLET))
    for each in (phone, tablet):
        served.reaches(each)
    numbers: list[int] = []
    for number in range(200):
        served.peers.send([b"n", b"%d" % number])
        if number == 100:
            served.peers.authorize({TABLET.public: Client("tablet")})
        served.serve()
        while tablet.poll(2):
            topic, content = tablet.recv_multipart()
            numbers += [int(content)] if topic == b"n" else []
    served.until(lambda: served.peers.refusals.counts["key"] > 0, "it comes back, and is refused")
    assert numbers == list(range(200))
    assert served.peers.refusals.counts["revoked"] == 1


def test_each_client_gets_what_its_key_allows_and_a_new_list_counts_at_once(served: Served, context: Context) -> None:
    served.peers.authorize({PHONE.public: Client("phone", (b"a/", b"c/d/")), TABLET.public: Client("tablet", ())})
    port = served.port(curve=Curve(SERVER))
    phone = subscriber(context, port.address, b"", b"b/", b"c/", curve=curve_of(PHONE, SERVER))
    tablet = subscriber(context, port.address, b"", curve=curve_of(TABLET, SERVER))
    served.reaches(phone)
    served.until(lambda: served.peers.subscribed == 4, "all subscriptions")
    assert served.peers.prefixes == {b"a/", b"c/d/"}
    for topic in (b"b/1", b"c/e", b"c/d/1"):
        served.peers.send([topic])
    served.until(lambda: phone.poll(10), "what is allowed")
    while (message := phone.recv_multipart())[0] == b"a/":
        pass
    assert message == [b"c/d/1"]
    served.peers.authorize({PHONE.public: Client("phone", (b"b/",)), TABLET.public: Client("tablet", ())})
    served.peers.send([b"a/1"])
    assert served.reaches(phone, b"b/1") == [b"b/1", b"%d" % served._sent]
    assert not tablet.poll(50)


def test_other_keys_of_the_port_cut_everybody_off(served: Served, context: Context) -> None:
    port = served.port()
    plain = subscriber(context, port.address, b"a/")
    served.reaches(plain)
    served.peers.authorize({PHONE.public: Client("phone")})
    port.secure(Curve(SERVER))
    assert len(served.peers) == 0
    served.reaches(subscriber(context, port.address, b"a/", curve=curve_of(PHONE, SERVER)))


# -- endings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tcp://127.0.0.1:*", "ipc"])
def test_an_address_that_is_taken_is_refused_and_is_free_again_at_once(
    name: str, served: Served, tmp_path: Path
) -> None:
    port = served.port(place(name, tmp_path))
    with pytest.raises(PublishError, match=rf"publish\.endpoints: cannot bind {port.address}: "):
        served.port(port.address)
    port.close()
    served.port(port.address).close()


@pytest.mark.parametrize("address", ["tcp://192.0.2.1:*", "tcp://nosuch0:*", "ipc:///proc/pub.sock"])
def test_an_address_that_is_not_ours_is_refused(address: str, served: Served) -> None:
    with pytest.raises(PublishError, match=r"publish\.endpoints: cannot bind"):
        served.port(address)


def test_a_subscriber_with_heartbeats_stays(served: Served, context: Context) -> None:
    port = served.port()
    phone = context.socket(zmq.SUB)
    phone.set(zmq.HEARTBEAT_IVL, 30)
    phone.set(zmq.HEARTBEAT_TIMEOUT, 500)
    phone.set(zmq.HEARTBEAT_TTL, 1000)
    phone.subscribe(b"a/")
    phone.connect(port.address)
    served.reaches(phone)
    [peer] = served.peers.at(port)
    served.until(lambda: peer.end.frames > 20, "many beats")
    assert peer.is_open
    served.reaches(phone)


def test_what_was_sent_arrives_though_the_port_is_closed_at_once(served: Served, context: Context) -> None:
    port = served.port()
    phone = subscriber(context, port.address, b"a/")
    served.reaches(phone)
    for number in range(10):
        served.peers.send([b"a/bye", b"%d" % number])
    served.peers.drain(5)
    port.close()
    last = b""
    while phone.poll(5000):
        topic, last = phone.recv_multipart()
        if (topic, last) == (b"a/bye", b"9"):
            break
    assert last == b"9"


def test_a_subscriber_that_never_reads_is_waited_for_with_a_limit(served: Served) -> None:
    port = served.port()
    deaf = RawSubscriber(port.address)
    deaf.send(subscribe(b""))
    served.until(lambda: served.peers.subscribed, "a subscription")
    [peer] = served.peers.at(port)
    while not peer.waits:
        served.peers.send([b"a", bytes(100_000)])
    with stopwatch() as watch:
        served.peers.drain(0.2)
    assert 0.15 < watch.seconds < 5
    deaf.close()
