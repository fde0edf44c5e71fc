"""The gate: decisions, counters, and few log lines for many clients."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

import pytest
import zmq
from zmq.utils import z85

from edged.transport.curve import Curve, secure
from edged.transport.gate import MAX_AT_ONCE, Gate
from edged.transport.keys import Client, Key, new_pair
from edged.transport.refusals import MOST_LINES

Context = zmq.Context["zmq.Socket[bytes]"]

PHONE, TABLET = new_pair().public, new_pair().public


@pytest.fixture
def context() -> Iterator[Context]:
    with zmq.Context() as context:
        yield context


class Asking:
    """libzmq's end of the gate."""

    def __init__(self, context: Context, authorized: Mapping[Key, Client]) -> None:
        self.gate = Gate(context, authorized)
        self.socket = context.socket(zmq.DEALER)
        self.socket.set(zmq.LINGER, 0)
        self.socket.connect("inproc://zeromq.zap.01")

    def ask(self, key: Key, mechanism: bytes = b"CURVE") -> None:
        credentials = [z85.decode(key)] if key else []
        question = [b"", b"1.0", b"7", b"edged", b"192.168.1.7", b"", mechanism, *credentials]
        self.socket.send_multipart(question)

    def answers(self) -> list[list[bytes]]:
        """What has been answered: version, request, status, text, name, metadata."""
        self.gate.answer_requests()
        given = []
        while self.socket.poll(50):
            given.append(self.socket.recv_multipart()[1:])
        return given

    def close(self) -> None:
        self.socket.close()
        self.gate.close()


@pytest.fixture
def asking(context: Context) -> Iterator[Asking]:
    asking = Asking(context, {PHONE: Client("phone")})
    yield asking
    asking.close()


def test_a_key_on_the_list_is_let_in_under_its_name(asking: Asking) -> None:
    asking.ask(PHONE)
    assert asking.answers() == [[b"1.0", b"7", b"200", b"", b"phone", b""]]
    assert asking.gate.refused == 0


def test_a_key_that_is_not_on_the_list_is_refused_and_counted(asking: Asking) -> None:
    asking.ask(TABLET)
    asking.ask(TABLET)
    assert [answer[:3] for answer in asking.answers()] == [[b"1.0", b"7", b"400"]] * 2
    assert asking.gate.refused == 2


@pytest.mark.parametrize("mechanism", [b"NULL", b"PLAIN", b"GSSAPI", b""])
def test_a_client_without_a_key_is_refused(asking: Asking, mechanism: bytes) -> None:
    asking.ask(b"", mechanism)
    asking.ask(PHONE, mechanism)
    assert [answer[2] for answer in asking.answers()] == [b"400", b"400"]


def test_a_new_list_is_used_at_once(asking: Asking) -> None:
    asking.ask(PHONE)
    asking.answers()
    asking.gate.authorized = {TABLET: Client("tablet")}
    asking.ask(PHONE)
    asking.ask(TABLET)
    assert [answer[2] for answer in asking.answers()] == [b"400", b"200"]


def test_without_the_gate_no_client_gets_in(context: Context) -> None:
    """libzmq admits every key where no gate answers, unless a setting forbids it."""
    server, phone = new_pair(), new_pair()
    with context.socket(zmq.XPUB) as unguarded, context.socket(zmq.SUB) as subscriber:
        secure(unguarded, Curve(server))
        unguarded.bind("tcp://127.0.0.1:*")
        secure(subscriber, Curve(phone, server.public))
        subscriber.subscribe(b"")
        subscriber.connect(unguarded.get_string(zmq.LAST_ENDPOINT))
        assert not unguarded.poll(500)


def test_a_bounded_number_of_requests_is_answered_at_a_time(asking: Asking) -> None:
    for _ in range(MAX_AT_ONCE + 10):
        asking.ask(PHONE)
    assert len(asking.answers()) == MAX_AT_ONCE
    assert len(asking.answers()) == 10
    assert asking.answers() == []


def test_a_key_is_logged_once_a_minute(asking: Asking, caplog: pytest.LogCaptureFixture, clock: list[float]) -> None:
    for _ in range(5):
        asking.ask(TABLET)
    asking.answers()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert TABLET.decode() in caplog.text
    assert "192.168.1.7" in caplog.text
    clock[0] += 61
    asking.ask(TABLET)
    asking.answers()
    assert len(caplog.records) == 2


def test_many_keys_make_few_lines(asking: Asking, caplog: pytest.LogCaptureFixture, clock: list[float]) -> None:
    for _ in range(60):
        asking.ask(new_pair().public)
        asking.answers()
        clock[0] += 0.5
    assert asking.gate.refused == 60
    assert len(caplog.records) == MOST_LINES + 1
    assert "more clients are refused" in caplog.records[-1].message


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr("edged.transport.refusals.time.monotonic", lambda: now[0])
    return now
