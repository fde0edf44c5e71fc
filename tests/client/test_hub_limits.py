"""Peers that connect to a hub and misbehave: each is cut at a limit, and the board beside them is received."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edged.client import Subscriber
from edged.client.connection import HANDSHAKE_SECONDS
from edged.transport.zmtp.commands import from_properties
from edged.transport.zmtp.frames import COMMAND, LONG, command
from edged.transport.zmtp.greeting import greeting
from edged.wire import MAX_PAYLOAD_BYTES, Vec
from tests.fakes import eventually
from tests.keyed import Keys, free_port, publishing
from tests.raw_subscriber import RawSubscriber
from tests.stopwatch import stopwatch

IN_CLEAR = greeting(b"NULL", minor=0) + command(b"READY", from_properties({b"Socket-Type": b"PUB"}))
WITH_KEYS = greeting(b"CURVE", minor=0)
CROWD = 100


class Hub:
    """A hub with keys, and a board that publishes to it."""

    def __init__(self, subscriber: Subscriber, address: str) -> None:
        self.subscriber = subscriber
        self.address = address

    def receives_until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Receive messages until *condition* holds, none of them lost."""
        with stopwatch() as watch:
            while not condition():
                assert isinstance(self.subscriber.receive(20), Vec)
                assert watch.seconds < seconds
        assert self.subscriber.gaps.total() == 0


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    keys = Keys(tmp_path, "hub", "board")
    keys.authorize("board")
    address = f"tcp://127.0.0.1:{free_port()}"
    publish = f"endpoints: ['pub+connect:{address}'], hub_key: hub.public, client_key: board.secret"
    with (
        Subscriber(
            f"sub+bind:{address}",
            server_key=keys.secret("hub"),
            authorized_clients=tmp_path / "authorized",
            nodes={"board": "porch"},
            queue=1000,
        ) as subscriber,
        publishing(tmp_path, publish),
    ):
        yield Hub(subscriber, address)


def is_cut(connection: socket.socket) -> bool:
    """Whether the hub has hung up; takes what it has sent."""
    connection.setblocking(False)
    try:
        return connection.recv(65536) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


@pytest.mark.timed
def test_silent_connections_are_cut_and_the_board_is_received_meanwhile(hub: Hub) -> None:
    with ExitStack() as crowd:
        connections = []
        for number in range(CROWD):
            raw = RawSubscriber(hub.address, WITH_KEYS[: number % 64])
            crowd.callback(raw.close)
            connections.append(raw.connection)

        def all_are_cut() -> bool:
            connections[:] = [connection for connection in connections if not is_cut(connection)]
            return not connections

        hub.receives_until(all_are_cut, 3 * HANDSHAKE_SECONDS)


@pytest.mark.parametrize(
    "start",
    [
        WITH_KEYS + struct.pack(">BQ", LONG | COMMAND, MAX_PAYLOAD_BYTES + 1),
        IN_CLEAR,
        b"GET / HTTP/1.1\r\n\r\n" * 4,
    ],
    ids=["a huge command", "without keys", "another protocol"],
)
def test_a_peer_that_begins_wrongly_is_cut_at_once(start: bytes, hub: Hub) -> None:
    raw = RawSubscriber(hub.address, start)
    try:
        hub.receives_until(lambda: is_cut(raw.connection), HANDSHAKE_SECONDS / 2)
    finally:
        raw.close()


def test_a_message_that_is_larger_than_any_is_refused_before_it_comes(tmp_path: Path) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    with Subscriber(f"sub+bind:{address}") as subscriber:
        raw = RawSubscriber(address, IN_CLEAR)
        raw.claim(MAX_PAYLOAD_BYTES + 1)
        eventually(lambda: subscriber.receive(0.01) is None and is_cut(raw.connection), "it is cut")
        raw.close()
