"""The pauses between attempts to connect to a hub."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from edged.errors import PeerError
from edged.transport.handshakes import DISCONNECTS, MISMATCH, REFUSED
from edged.transport.poller import Poller
from edged.transport.pub import dialer as module
from edged.transport.pub.dialer import FIRST_PAUSE, JITTER, LONGEST_PAUSE, STEADY_SECONDS, Dialer
from edged.transport.pub.peer import Peer
from edged.transport.pub.peers import Lost
from edged.transport.zmtp.mechanism import Null
from tests.fakes import Clock, eventually


class Hub:
    """A hub that accepts, and what becomes of its connections."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.poller = Poller()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.lost: list[Lost] = []
        self.peers: list[Peer] = []
        self.dialer = Dialer(f"tcp://127.0.0.1:{self.listening.getsockname()[1]}", self.poller, self._connected)

    def _connected(self, connection: socket.socket, lost: Lost) -> Peer:
        self.lost.append(lost)
        self.peers.append(Peer(connection, Null(), self, "hub", 16))
        return self.peers[-1]

    def connects(self) -> None:
        """Wait until the next connection is there; the clock stands still."""
        count = len(self.peers)

        def came() -> bool:
            self.dialer.attend()
            self.poller.serve()
            return len(self.peers) > count

        eventually(came, "a connection")

    def pause_after(self, why: PeerError | None) -> float:
        """End the connection; returns for how long the next attempt waits, and lets that pass."""
        self.lost[-1](why)
        self.peers[-1].close()
        seconds = self.dialer.seconds_left
        self.clock.advance(seconds + 0.001)
        return seconds

    def close(self) -> None:
        self.dialer.close()
        for peer in self.peers:
            peer.close()
        self.listening.close()
        self.poller.close()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    hub = Hub(clock)
    yield hub
    hub.close()


def test_the_pauses_grow_up_to_a_limit_and_differ_by_chance(hub: Hub) -> None:
    pauses = []
    for _ in range(12):
        hub.connects()
        pauses.append(hub.pause_after(None))
    assert FIRST_PAUSE * (1 - JITTER) <= pauses[0] <= FIRST_PAUSE * (1 + JITTER)
    assert pauses[6] > 2 * pauses[0]
    for pause in pauses[-2:]:
        assert LONGEST_PAUSE * (1 - JITTER) <= pause <= LONGEST_PAUSE * (1 + JITTER)
    assert len(set(pauses)) == len(pauses)


@pytest.mark.parametrize(
    ("why", "problem"),
    [(PeerError("key", "refused"), REFUSED), (PeerError("protocol", "no ZMTP"), MISMATCH)],
)
def test_a_refusal_is_reported_at_once_and_tried_again_after_the_longest_pause(
    why: PeerError, problem: str, hub: Hub
) -> None:
    hub.connects()
    assert hub.pause_after(why) >= LONGEST_PAUSE * (1 - JITTER)
    assert hub.dialer.problem == problem
    hub.connects()


def test_one_lost_handshake_is_no_problem_yet(hub: Hub) -> None:
    hub.connects()
    hub.pause_after(None)
    assert hub.dialer.problem is None
    hub.connects()
    hub.pause_after(PeerError("handshake", "it takes too long"))
    assert hub.dialer.problem == DISCONNECTS


def test_after_a_steady_connection_the_pauses_begin_anew_and_after_a_short_one_they_do_not(hub: Hub) -> None:
    for _ in range(12):
        hub.connects()
        hub.pause_after(None)
    for seconds, is_short in ((STEADY_SECONDS / 2, False), (STEADY_SECONDS + 1, True)):
        hub.connects()
        hub.peers[-1].end._mechanism.is_ready = True
        hub.dialer.attend()
        assert hub.dialer.problem is None
        hub.clock.advance(seconds)
        assert (hub.pause_after(None) < 1.0) is is_short
