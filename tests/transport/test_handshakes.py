"""Handshakes that fail: why, for how long, and that libzmq is made to call again where it gives up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import zmq

from edged.transport.curve import Curve, secure
from edged.transport.gate import Gate
from edged.transport.handshakes import HANGS_UP, MISMATCH, REFUSED, Handshakes
from edged.transport.keys import KeyPair, new_pair
from tests.keyed import free_port

SOON = 20.0
BOARD, PHONE = new_pair(), new_pair()


class Server:
    """A socket that is called, and its gate."""

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
    """A socket that calls *address*, again when its handshakes say so."""

    def __init__(self, address: str, server: bytes = BOARD.public) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.SUB)
        self.socket.set(zmq.LINGER, 0)
        self.socket.set(zmq.RECONNECT_IVL, 20)
        self.socket.subscribe(b"")
        secure(self.socket, Curve(PHONE, server))
        self.calls = 0
        self.handshakes = Handshakes(self.context, self.socket, self.dial)
        self.handshakes.watch(address)
        self.dial(address)

    def dial(self, address: str) -> None:
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
    """Attend to both until the trouble with *address* is *trouble*."""
    deadline = time.monotonic() + SOON
    while caller.handshakes.troubles.get(address) != trouble:
        assert time.monotonic() < deadline, caller.handshakes.troubles
        caller.handshakes.monitor.poll(10)
        if server:
            server.gate.answer()
        caller.handshakes.attend()


def heard(caller: Caller, server: Server) -> None:
    deadline = time.monotonic() + SOON
    while not caller.socket.poll(10):
        assert time.monotonic() < deadline, caller.handshakes.troubles
        server.gate.answer()
        server.socket.poll(0)
        server.socket.send(b"hello")
        caller.handshakes.attend()


def test_a_refused_key_is_told_and_tried_again_until_it_is_let_in(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.transport.handshakes.REDIAL_SECONDS", 0.2)
    with serving(address) as server, calling(address) as caller:
        wait(caller, server, REFUSED, address)
        while caller.calls < 4:
            wait(caller, server, REFUSED, address)
            server.gate.answer()
            caller.handshakes.monitor.poll(10)
            caller.handshakes.attend()
        server.gate.replace({PHONE.public: "phone"})
        heard(caller, server)
        wait(caller, server, None, address)


def test_without_another_call_libzmq_would_never_come_back(address: str) -> None:
    """What this module is for. If this fails one day, libzmq has learnt it, and half of the module can go."""
    with serving(address) as server, calling(address) as caller:
        wait(caller, server, REFUSED, address)
        server.gate.replace({PHONE.public: "phone"})
        begin = time.monotonic()
        while time.monotonic() < begin + 2:
            server.gate.answer()
            server.socket.send(b"hello")
            assert not caller.socket.poll(10)


def test_an_end_without_keys_is_told_and_tried_again(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edged.transport.handshakes.REDIAL_SECONDS", 0.2)
    with calling(address) as caller:
        with serving(address, None) as plain:
            wait(caller, plain, MISMATCH, address)
        with serving(address) as server:
            server.gate.replace({PHONE.public: "phone"})
            heard(caller, server)
            wait(caller, server, None, address)


def test_a_server_with_another_key_hangs_up(address: str) -> None:
    with serving(address) as server, calling(address, new_pair().public) as caller:
        wait(caller, server, HANGS_UP, address)
        assert caller.calls == 1  # libzmq does it


def test_nobody_there_is_no_trouble(address: str) -> None:
    with calling(address) as caller:
        assert not caller.handshakes.monitor.poll(200)
        caller.handshakes.attend()
        assert caller.handshakes.troubles == {}
        assert caller.handshakes.seconds_left() > 1e6


def test_thousands_of_handshakes_that_nobody_reads_of_hold_nothing_up() -> None:
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


def test_a_hundred_calls_leave_nothing_behind(address: str) -> None:
    with serving(address) as server, calling(address) as caller:
        for _ in range(100):
            wait(caller, server, REFUSED, address)
            caller.handshakes.troubles.clear()
            caller.handshakes.redial(address)
        server.gate.replace({PHONE.public: "phone"})
        caller.handshakes.redial(address)
        heard(caller, server)
