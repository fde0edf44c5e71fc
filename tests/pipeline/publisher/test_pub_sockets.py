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
from edged.pipeline.publisher import pub_sockets as module
from edged.pipeline.publisher.pub_sockets import PubSockets
from tests.fakes import eventually
from tests.stopwatch import stopwatch


def test_its_end_is_waited_for_with_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """libzmq waits for ever for a socket that is not closed, or a message not sent; the publisher must not."""
    monkeypatch.setattr(module, "TERM_SECONDS", 0.2)
    pub_sockets = PubSockets()
    pub_sockets.open([endpoint(f"ipc://{tmp_path}/pub.sock")], Keyring(), queue=16, queue_bytes=9999)
    assert pub_sockets._context is not None
    forgotten = pub_sockets._context.socket(zmq.PUSH)
    with stopwatch() as watch:
        pub_sockets.close(0.0)
    assert watch.seconds < 2
    assert "libzmq did not end within 0.2 s and is left behind" in caplog.text
    forgotten.close(0)  # and so its thread ends


def test_subscriptions_wait_until_they_are_read(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/pub.sock"
    with (
        publishing(address, linger=0.0) as pub_sockets,
        zmq.Context() as context,
        context.socket(zmq.SUB) as subscriber,
    ):
        _, socket = pub_sockets.sockets()
        subscriber.subscribe(b"a/")
        subscriber.connect(address)
        assert socket.poll(20_000)
        assert pub_sockets.attend(readable=False) == []
        pub_sockets.send([b"a/", b"it hears this all the same"])
        assert subscriber.poll(20_000)
        assert pub_sockets.attend() == [b"a/"]
        assert pub_sockets.prefixes == (frozenset({b"a/"}),)


@pytest.mark.once
def test_a_crowd_that_hangs_up_while_it_closes_is_got_rid_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each round is a throw of the dice: with libzmq's default for LINGER, one in some twenty never came to its end."""
    for index in range(60):
        address = f"ipc://{tmp_path}/{index}.sock"
        with zmq.Context() as context:
            with publishing(address, linger=0.3) as pub_sockets:
                crowd = [deaf(context, address) for _ in range(60)]
                flood(pub_sockets, hearers=len(crowd))
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
        pub_sockets.open([endpoint(address)], Keyring(), queue=80, queue_bytes=4096)
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


def flood(pub_sockets: PubSockets, hearers: int) -> None:
    """Send more than gets through to this many that do not read."""

    def all_are_there() -> bool:
        pub_sockets.attend()
        return pub_sockets.subscribed == hearers

    eventually(all_are_there, "all subscribers")
    for _ in range(60):
        pub_sockets.send([b"topic", b"header", bytes(5000)])
