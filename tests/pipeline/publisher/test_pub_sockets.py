"""All sockets of a daemon together, and their end."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

from edged.config import Endpoint
from edged.pipeline.loading.keyring import Keyring
from edged.pipeline.publisher.pub_sockets import PubSockets
from tests.fakes import eventually
from tests.stopwatch import stopwatch


def test_its_end_is_waited_for_with_a_limit(tmp_path: Path) -> None:
    """A subscriber that does not read must not hold it up."""
    address = f"ipc://{tmp_path}/pub.sock"
    with zmq.Context() as context, stopwatch() as watch:
        with publishing(address, linger=0.3) as pub_sockets:
            unread = deaf(context, address)
            flood(pub_sockets, subscribers=1)
        unread.close()
    assert 0.3 <= watch.seconds < 10
    assert not Path(address.removeprefix("ipc://")).exists()


def test_subscriptions_are_counted_and_reported_once(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/pub.sock"
    with publishing(address, linger=0.0) as pub_sockets, zmq.Context() as context, context.socket(zmq.SUB) as first:
        came: list[bytes] = []

        def counts(number: int) -> bool:
            pub_sockets.wait(0.05)
            came.extend(pub_sockets.attend())
            return pub_sockets.subscribed == number

        first.subscribe(b"a/")
        first.connect(address)
        with context.socket(zmq.SUB) as second:
            second.subscribe(b"a/")
            second.subscribe(b"b/")
            second.connect(address)
            eventually(lambda: counts(3), "three subscriptions")
            assert sorted(came) == [b"a/", b"a/", b"b/"]
            assert pub_sockets.prefixes == {b"a/", b"b/"}
            assert pub_sockets.connections == 2
        eventually(lambda: counts(1), "a subscriber takes its subscriptions along, though another has one of them too")
        assert pub_sockets.prefixes == {b"a/"}


@pytest.mark.once
def test_a_crowd_that_hangs_up_while_it_closes_is_got_rid_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whether a subscriber hangs up before, while or after it is written to differs by the round."""
    for index in range(20):
        address = f"ipc://{tmp_path}/{index}.sock"
        with zmq.Context() as context:
            with publishing(address, linger=0.3) as pub_sockets:
                crowd = [deaf(context, address) for _ in range(60)]
                flood(pub_sockets, subscribers=len(crowd))
                leaving = threading.Thread(target=close_all, args=(crowd,))
                leaving.start()
            leaving.join()
    assert not caplog.records


def close_all(sockets: Iterable[zmq.Socket[bytes]]) -> None:
    for socket in sockets:
        socket.close()


def endpoint(address: str) -> Endpoint:
    return Endpoint.parse(f"pub+bind:{address}", Path("/"))


@contextmanager
def publishing(address: str, linger: float) -> Iterator[PubSockets]:
    pub_sockets = PubSockets()
    try:
        pub_sockets.open([endpoint(address)], Keyring(), queue=80, queue_bytes=4096, max_connections=256)
        yield pub_sockets
    finally:
        pub_sockets.close(linger)


def deaf(context: zmq.Context[zmq.Socket[bytes]], address: str) -> zmq.Socket[bytes]:
    """A subscriber that never reads, so that most of its messages wait at the other end."""
    socket = context.socket(zmq.SUB)
    socket.set(zmq.LINGER, 0)
    socket.set(zmq.RCVHWM, 1)
    socket.set(zmq.RCVBUF, 4096)
    socket.subscribe(b"")
    socket.connect(address)
    return socket


def flood(pub_sockets: PubSockets, subscribers: int) -> None:
    """Send more than gets through to this many that do not read."""

    def all_are_there() -> bool:
        pub_sockets.attend()
        return pub_sockets.subscribed == subscribers

    eventually(all_are_there, "all subscribers")
    for _ in range(60):
        pub_sockets.send([b"topic", b"header", bytes(5000)])
