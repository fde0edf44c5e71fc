"""Handshakes that fail: their reason, their duration, and new attempts where libzmq gives up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import zmq

from edged.transport.curve import Curve, secure
from edged.transport.gate import Gate
from edged.transport.handshakes import DISCONNECTS, MISMATCH, REFUSED, Handshakes
from edged.transport.keys import Client, KeyPair, new_pair
from tests.keyed import free_port

SOON = 20.0
BOARD, PHONE = new_pair(), new_pair()


class Server:
    """A server's socket, and its gate."""

    def __init__(self, address: str, pair: KeyPair | None = BOARD) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.gate = Gate(self.context, {})
        self.socket = self.context.socket(zmq.XPUB)
        self.socket.set(zmq.LINGER, 0)
        secure(self.socket, Curve(pair) if pair else None)
        self.socket.bind(address)

    def close(self) -> None:
        self.socket.close()
        self.gate.close()
        self.context.term()


class Caller:
    """A socket that connects to *address*, again where its handshakes require it."""

    def __init__(self, address: str, server: bytes = BOARD.public) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.SUB)
        self.socket.set(zmq.LINGER, 0)
        self.socket.set(zmq.RECONNECT_IVL, 20)
        self.socket.subscribe(b"")
        secure(self.socket, Curve(PHONE, server))
        self.calls = 0
        self.handshakes = Handshakes(self.context, self.socket, self.connect)
        self.handshakes.add_address(address)
        self.connect(address)

    def connect(self, address: str) -> None:
        self.calls += 1
        self.socket.connect(address)

    def close(self) -> None:
        self.handshakes.close()
        self.socket.close()
        self.context.term()


@pytest.fixture
def address() -> str:
    return f"tcp://127.0.0.1:{free_port()}"


@contextmanager
def serving(address: str, pair: KeyPair | None = BOARD) -> Iterator[Server]:
    server = Server(address, pair)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def calling(address: str, server: bytes = BOARD.public) -> Iterator[Caller]:
    caller = Caller(address, server)
    try:
        yield caller
    finally:
        caller.close()


def wait(caller: Caller, server: Server | None, trouble: str | None, address: str) -> None:
    """Serve both until the trouble with *address* is *trouble*."""
    deadline = time.monotonic() + SOON
    while caller.handshakes.troubles.get(address) != trouble:
        assert time.monotonic() < deadline, caller.handshakes.troubles
        caller.handshakes.monitor.poll(10)
        if server:
            server.gate.answer_requests()
        caller.handshakes.read_events()


def heard(caller: Caller, server: Server) -> None:
    deadline = time.monotonic() + SOON
    while not caller.socket.poll(10):
        assert time.monotonic() < deadline, caller.handshakes.troubles
        server.gate.answer_requests()
        server.socket.poll(0)
        server.socket.send(b"hello")
        caller.handshakes.read_events()


def test_a_refused_key_is_reported_and_tried_again_until_it_is_let_in(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.transport.handshakes.RECONNECT_SECONDS", 0.2)
    with serving(address) as server, calling(address) as caller:
        wait(caller, server, REFUSED, address)
        while caller.calls < 4:
            wait(caller, server, REFUSED, address)
            server.gate.answer_requests()
            caller.handshakes.monitor.poll(10)
            caller.handshakes.read_events()
        server.gate.authorized = {PHONE.public: Client("phone")}
        heard(caller, server)
        wait(caller, server, None, address)


def test_without_a_reconnect_libzmq_never_connects_again(address: str) -> None:
    """The reason for this module. If this fails one day, libzmq connects again, and half of the module can go."""
    with serving(address) as server, calling(address) as caller:
        wait(caller, server, REFUSED, address)
        server.gate.authorized = {PHONE.public: Client("phone")}
        begin = time.monotonic()
        while time.monotonic() < begin + 2:
            server.gate.answer_requests()
            server.socket.send(b"hello")
            assert not caller.socket.poll(10)


def test_an_end_without_keys_is_reported_and_tried_again(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edged.transport.handshakes.RECONNECT_SECONDS", 0.2)
    with calling(address) as caller:
        with serving(address, None) as plain:
            wait(caller, plain, MISMATCH, address)
        with serving(address) as server:
            server.gate.authorized = {PHONE.public: Client("phone")}
            heard(caller, server)
            wait(caller, server, None, address)


def test_a_server_with_another_key_disconnects(address: str) -> None:
    with serving(address) as server, calling(address, new_pair().public) as caller:
        wait(caller, server, DISCONNECTS, address)
        assert caller.calls == 1  # libzmq does it


def test_a_missing_server_is_not_a_trouble(address: str) -> None:
    with calling(address) as caller:
        assert not caller.handshakes.monitor.poll(200)
        caller.handshakes.read_events()
        assert caller.handshakes.troubles == {}
        assert caller.handshakes.seconds_left() > 1e6


def test_thousands_of_unread_events_block_nothing() -> None:
    port = free_port()
    with serving(f"tcp://*:{port}") as server, calling(f"tcp://127.0.0.1:{port}", new_pair().public) as caller:
        server.socket.monitor("inproc://failed", zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
        with server.context.socket(zmq.PAIR) as failed:
            failed.connect("inproc://failed")
            caller.socket.set(zmq.RECONNECT_IVL, 1)
            for host in range(2, 12):
                caller.socket.connect(f"tcp://127.0.0.{host}:{port}")
            for _ in range(2500):  # more than the thousand at each end that there usually is room for
                assert failed.poll(10_000), "libzmq's thread waits for us to read of its handshakes"
                failed.recv_multipart()
            server.socket.monitor(None, 0)


def test_a_hundred_reconnects_leak_nothing(address: str) -> None:
    with serving(address) as server, calling(address) as caller:
        for _ in range(100):
            wait(caller, server, REFUSED, address)
            caller.handshakes.troubles.clear()
            caller.handshakes.reconnect(address)
        server.gate.authorized = {PHONE.public: Client("phone")}
        caller.handshakes.reconnect(address)
        heard(caller, server)
