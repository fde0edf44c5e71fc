"""One publishing socket and its subscribers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from edged.config import Endpoint
from edged.pipeline.publisher.pub_socket import PubSocket
from tests.fakes import eventually


@pytest.fixture
def pub_socket(tmp_path: Path) -> Iterator[PubSocket]:
    with zmq.Context() as context:
        endpoint = Endpoint.parse(f"pub+bind:ipc://{tmp_path}/pub.sock", tmp_path)
        pub_socket = PubSocket(context, endpoint, queue=10, queue_bytes=65536)
        yield pub_socket
        pub_socket.close(0.0)


def test_subscriptions_are_counted_while_their_subscribers_are_connected(pub_socket: PubSocket) -> None:
    heard: list[bytes] = []

    def counts(number: int) -> bool:
        heard.extend(pub_socket.read_subscriptions())
        return pub_socket.subscribed == number

    with zmq.Context() as context, context.socket(zmq.SUB) as first, context.socket(zmq.SUB) as second:
        for socket in (first, second):
            socket.subscribe(b"a/")
            socket.connect(pub_socket.endpoint.address)
        first.subscribe(b"b/")
        eventually(lambda: counts(3), "three subscriptions")
        assert sorted(heard) == [b"a/", b"a/", b"b/"]
        first.unsubscribe(b"b/")
        eventually(lambda: counts(2), "one less")
        second.close(0)
        eventually(lambda: counts(1), "who leaves takes them along, though others have the same")
    eventually(lambda: counts(0), "nobody is left")


def test_what_was_never_subscribed_to_cannot_be_taken_back(pub_socket: PubSocket) -> None:
    with zmq.Context() as context, context.socket(zmq.XSUB) as socket:
        socket.connect(pub_socket.endpoint.address)
        for message in (b"\0a/", b"\1b/", b"\1a/"):
            socket.send(message)
        eventually(lambda: pub_socket.read_subscriptions() == [] and pub_socket.subscribed == 2, "both came")
        assert pub_socket.prefixes == {b"a/", b"b/"}
    eventually(lambda: pub_socket.read_subscriptions() == [] and pub_socket.subscribed == 0, "nobody is left")
    assert pub_socket.prefixes == frozenset()
