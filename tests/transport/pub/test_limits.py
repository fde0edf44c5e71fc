"""No peer of the publish port costs more than its share, whatever it sends, and those beside it notice nothing."""

from __future__ import annotations

import os
import resource
import socket
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from edged.transport.curve import Curve
from edged.transport.keys import Client, new_pair
from edged.transport.pub import peers as peers_module
from edged.transport.pub.peer import COMMANDS_AT_ONCE
from edged.transport.pub.peers import MAX_ALL_SUBSCRIPTIONS
from edged.transport.pub.subscriptions import MAX_SUBSCRIPTIONS
from edged.transport.zmtp.frames import MORE, command, frame
from edged.transport.zmtp.pub_end import MAX_TOPIC_BYTES
from tests.raw_subscriber import HELLO, RawSubscriber, connected, subscribe
from tests.transport.pub.serving import QUEUE, Context, Served, curve_of, subscriber

LONG_TOPICS = b"".join(subscribe(b"%04d" % number + bytes(60_000)) for number in range(20))


@contextmanager
def attacking(served: Served, address: str, content: bytes) -> Iterator[RawSubscriber]:
    """A peer that sends *content* after its handshake, as far as it is let."""
    attacker = RawSubscriber(address)
    served.until(lambda: any(peer.is_ready for peer in served.peers.at(served.ports[0])), "it is through")
    attacker.connection.setblocking(False)
    rest = memoryview(content)

    def goes_on() -> bool:
        nonlocal rest
        try:
            rest = rest[attacker.connection.send(rest[:65536]) :]
        except BlockingIOError:
            pass
        except OSError:
            return True
        return not rest

    served.until(goes_on, "it has sent everything, or was cut")
    attacker.connection.setblocking(True)
    attacker.connection.settimeout(20)
    yield attacker
    attacker.close()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (frame(b"x" * 100) * 1000, "message"),
        (frame(b"hello"), "message"),
        (frame(b"\1" + b"topic", MORE), "message"),
        (frame(bytes(1 << 20)) * 100, "size"),
        (LONG_TOPICS, "size"),
        (subscribe(bytes(MAX_TOPIC_BYTES + 1)), "size"),
        (b"".join(subscribe(b"%d" % number) for number in range(300_000)), "subscriptions"),
        ((subscribe(b"a") + frame(b"\0a")) * 100_000, "flood"),
        (command(b"PING", b"\0\0") * 100_000, "flood"),
        (command(b"NOTHING") * 100_000, "flood"),
        (b"\x04\x01\x05", "protocol"),
    ],
)
def test_who_does_too_much_is_cut_and_counted_once(
    content: bytes, reason: str, served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    port = served.port()
    with attacking(served, port.address, content):
        served.until(lambda: not served.peers, "it is cut")
    assert {key: count for key, count in served.peers.refusals.counts.items() if count} == {reason: 1}
    assert served.peers.subscribed == 0
    [line] = caplog.messages
    assert line.startswith("client of 127.0.0.1 is refused: ")


def test_an_attack_costs_little_memory_and_its_end_neither(served: Served) -> None:
    port = served.port()
    tracemalloc.start()
    try:
        many = b"".join(subscribe(b"%04d" % number + bytes(508)) for number in range(MAX_SUBSCRIPTIONS))
        with attacking(served, port.address, many):
            served.until(lambda: served.peers.subscribed == MAX_SUBSCRIPTIONS, "all of them")
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
        served.until(lambda: not served.peers, "it is gone")
        assert served.peers.prefixes == frozenset()
        after, peak = tracemalloc.get_traced_memory()
        assert before < 2e6
        assert peak < 2e6
        assert after < before - 5e5
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "hello",
    [b"", HELLO[:5], HELLO[:64], HELLO[:-1], HELLO[:64] + b"\x06" + (2048).to_bytes(8, "big") + b"\5READY" + bytes(99)],
)
@pytest.mark.parametrize("secured", [False, True])
def test_a_handshake_takes_three_seconds_at_most(
    hello: bytes, secured: bool, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert peers_module.HANDSHAKE_SECONDS == 3
    monkeypatch.setattr(peers_module, "HANDSHAKE_SECONDS", 0.3)
    port = served.port(curve=Curve(new_pair()) if secured else None)
    silent = RawSubscriber(port.address, hello.replace(b"NULL\0", b"CURVE") if secured else hello)
    served.until(lambda: served.peers, "it is there")
    served.until(lambda: not served.peers, "it is cut")
    counts = served.peers.refusals.counts
    assert counts["handshake"] == 1 or (secured and counts["protocol"] == 1)
    silent.close()


def test_who_promises_to_say_something_and_does_not_is_cut(served: Served) -> None:
    port = served.port()
    silent = RawSubscriber(port.address, HELLO + subscribe(b"a") + command(b"PING", b"\0\2"))
    served.until(lambda: served.peers.refusals.counts["silent"], "it is cut")
    silent.close()


def test_the_greediest_goes_where_there_are_too_many_subscriptions_in_all(served: Served, context: Context) -> None:
    port = served.port()
    phone = subscriber(context, port.address, b"a/")
    served.reaches(phone)
    with ExitStack() as crowd:
        for name in range(MAX_ALL_SUBSCRIPTIONS // 900 + 3):
            greedy = RawSubscriber(port.address)
            crowd.callback(greedy.close)
            greedy.send(b"".join(subscribe(b"%d %d" % (name, number)) for number in range(900)))
            served.until(lambda: not any(len(peer.subscriptions) % 900 > 1 for peer in served.peers.at(port)), "all")
            assert served.peers.subscribed <= MAX_ALL_SUBSCRIPTIONS
        served.until(lambda: served.peers.refusals.counts["subscriptions"] >= 2, "somebody is cut")
        served.reaches(phone)
    assert served.peers.refusals.counts["subscriptions"] <= 3


# -- a crowd ----------------------------------------------------------------------------------------------------------


def test_a_crowd_of_silent_connections_keeps_nobody_out(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers_module, "HANDSHAKE_SECONDS", 3600.0)  # which would make room too, after a while
    served = Served(most=10)
    port = served.port()
    with ExitStack() as crowd:
        for _ in range(50):
            crowd.enter_context(connected(port.address))
            served.serve()
            assert len(served.peers) <= 10
        phone = subscriber(context, port.address, b"a/")
        served.reaches(phone)
        for _ in range(50):
            crowd.enter_context(connected(port.address))
            served.serve()
        served.reaches(phone)
        assert served.peers.refusals.counts["full"] >= 90
    served.close()


def test_where_all_subscribe_to_something_the_newcomer_goes(context: Context) -> None:
    served = Served(most=5)
    port, other = served.port(), served.port()
    phones = [subscriber(context, port.address, b"a/") for _ in range(5)]
    for phone in phones:
        served.reaches(phone)
    newcomer = RawSubscriber(port.address, HELLO + subscribe(b"a/"))
    served.until(lambda: served.peers.refusals.counts["full"] == 1, "it is refused")
    for phone in [*phones, subscriber(context, other.address, b"a/")]:  # another port has its own places
        served.reaches(phone)
    newcomer.close()
    served.close()


def test_without_descriptors_newcomers_are_refused_and_nobody_else_notices(
    served: Served, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    port = served.port()
    phone = subscriber(context, port.address, b"a/")
    served.reaches(phone)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as crowd:
        waiting = [crowd.enter_context(socket.socket()) for _ in range(20)]
        highest = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
        crowd.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        spare = crowd.enter_context(ExitStack())
        while True:  # every gap below is filled
            try:
                spare.callback(os.close, os.open(os.devnull, os.O_RDONLY))
            except OSError:
                break
        host, _, number = port.address.removeprefix("tcp://").partition(":")
        for each in waiting:
            each.connect((host, int(number)))
        served.until(lambda: served.peers.refusals.counts["descriptors"] == 20, "all are refused")
        served.reaches(phone)
        # Not even the one in reserve can be had again: whoever comes has to wait.
        spare.close()
        served.until(lambda: len(served.peers) == 1, "nobody else is in")
    late = RawSubscriber(port.address, HELLO + subscribe(b"a/"))
    served.until(lambda: served.peers.subscribed == 2, "there is room again")
    late.close()
    assert caplog.messages == ["client of 127.0.0.1 is refused: the daemon has no more file descriptors"]


# -- who does not read ------------------------------------------------------------------------------------------------


def test_who_does_not_read_loses_the_oldest_and_holds_nobody_up(served: Served, context: Context) -> None:
    port = served.port()
    phone = subscriber(context, port.address, b"a/")
    served.reaches(phone)
    slow = RawSubscriber(port.address, HELLO + subscribe(b"n"))
    served.until(lambda: served.peers.subscribed == 2, "it is there")
    count = 3000
    for number in range(count):
        served.peers.send([b"n%06d" % number, bytes(5000)])
        served.peers.send([b"a/", b""])
        served.serve()
    [late] = [peer for peer in served.peers.at(port) if peer.waits]
    assert len(late._queue) <= QUEUE
    served.reaches(phone)
    with served.in_background():
        came = bytearray()
        while b"n%06d" % (count - 1) not in came:
            came += slow.hears()
    numbers = [number for number in range(count) if b"n%06d" % number in came]
    assert numbers[-QUEUE:] == list(range(count - QUEUE, count))  # the newest are those that wait
    assert len(numbers) < count
    slow.close()


def are_subscribed(served: Served, count: int) -> bool:
    return served.peers.subscribed == count


def test_many_who_do_not_read_keep_the_same_few_messages(served: Served) -> None:
    port = served.port()
    with ExitStack() as crowd:
        for number in range(100):
            crowd.callback(RawSubscriber(port.address, HELLO + subscribe(b"")).close)
            served.until(partial(are_subscribed, served, number + 1), "it is there")
            for _ in range(2):
                served.peers.send([b"a", os.urandom(100_000)])
        tracemalloc.start()
        for _ in range(3 * QUEUE):
            served.peers.send([b"a", os.urandom(100_000)])
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert kept < 3 * QUEUE * 100_000 + 2e6


def test_questions_whose_answers_are_not_taken_are_not_kept(served: Served) -> None:
    port = served.port()
    nosy = RawSubscriber(port.address, HELLO + subscribe(b""))
    nosy.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    served.until(lambda: served.peers.subscribed, "it is there")
    [peer] = served.peers.at(port)
    while not peer.waits:
        served.peers.send([b"a", bytes(100_000)])
    nosy.send(command(b"PING", b"\0\0" + bytes(16)) * (COMMANDS_AT_ONCE - 10))
    served.until(lambda: served.peers.refusals.counts["flood"] == 1, "it is cut")
    nosy.close()


def test_a_flood_of_handshakes_with_keys_leaves_the_others_their_messages(served: Served, context: Context) -> None:
    server, phone_keys = new_pair(), new_pair()
    served.peers.authorize({phone_keys.public: Client("phone")})
    port = served.port(curve=Curve(server))
    phone = subscriber(context, port.address, b"a/", curve=curve_of(phone_keys, server))
    served.reaches(phone)
    with ExitStack() as crowd:
        for _ in range(30):
            crowd.callback(subscriber(context, port.address, b"", curve=curve_of(new_pair(), server)).close)
        served.until(lambda: served.peers.refusals.counts["key"] >= 30, "all are refused")
        served.reaches(phone)
