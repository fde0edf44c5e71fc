"""All endpoints of a daemon, and the peers that are connected to them."""

from __future__ import annotations

import logging
import math
import select
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeVar

from edged.errors import PublishError, map_exceptions
from edged.pipeline.loading.keyring import Keyring
from edged.pipeline.publisher.pub_socket import PubSocket
from edged.transport.poller import Poller
from edged.transport.pub.peers import Peers

if TYPE_CHECKING:
    from edged.config import Endpoint

__all__ = ["LostEndpointError", "PubSockets"]

log = logging.getLogger(__name__)

T = TypeVar("T")

CHANGE_LINGER_SECONDS = 0.3  # for messages queued at an endpoint that is closed


class LostEndpointError(PublishError):
    """Another program has taken an endpoint in the moment in which it was free: the publisher cannot go on."""


class PubSockets:
    """Sends to every endpoint, admits authorized clients, and changes keys. One thread opens, uses and closes them.

    Other threads may read the counts.
    """

    def __init__(self) -> None:
        self._poller = Poller()
        self._peers = Peers(self._poller)
        self._pub_sockets: list[PubSocket] = []

    def open(
        self, endpoints: Sequence[Endpoint], keys: Keyring, *, queue: int, queue_bytes: int, max_connections: int
    ) -> None:
        """Bind or connect each of *endpoints*; ``close`` is called in any case.

        A slow peer is kept *queue* messages, and *queue_bytes* in the kernel. Each endpoint has at most
        *max_connections* peers.

        Raises:
            PublishError: one of them cannot be used.
        """
        self._peers.queue, self._peers.max_connections = queue, max_connections
        self._peers.authorize(keys.authorized)
        for endpoint in endpoints:
            self._pub_sockets.append(self._open_socket(endpoint, keys, queue_bytes))
        self._log_authorized(keys)

    def change(
        self, endpoints: Sequence[Endpoint], keys: Keyring, *, queue: int, queue_bytes: int, max_connections: int
    ) -> None:
        """Publish at *endpoints* from now on. Subscribers of an endpoint that stays notice nothing.

        A connection keeps the queue that it was opened with. Keys are not changed here, but by `renew`.

        Raises:
            PublishError: a new one cannot be used; the old ones are still in use.
            LostEndpointError: an old one cannot be used again either.
        """
        new = list(endpoints)
        kept, gone = [], []
        for pub_socket in self._pub_sockets:
            if pub_socket.endpoint in new:
                new.remove(pub_socket.endpoint)
                kept.append(pub_socket)
            else:
                gone.append(pub_socket)

        in_the_way = [pub_socket for pub_socket in gone if any(_collide(pub_socket.endpoint, other) for other in new)]
        for pub_socket in in_the_way:
            self._release(pub_socket)
        try:
            more = self._open_all(new, lambda endpoint: self._open_socket(endpoint, keys, queue_bytes))
        except PublishError:
            self._pub_sockets = [pub_socket for pub_socket in self._pub_sockets if pub_socket not in in_the_way]
            with _fatal():
                self._pub_sockets += self._open_all(in_the_way, lambda old: self._reopen(old, queue_bytes))
            raise
        for pub_socket in gone:
            if pub_socket not in in_the_way:
                self._release(pub_socket)
            log.info("no more publishing: %s", pub_socket.endpoint)
        self._pub_sockets = kept + more
        self._peers.queue, self._peers.max_connections = queue, max_connections

    def _open_all(self, these: Iterable[T], open_one: Callable[[T], PubSocket]) -> list[PubSocket]:
        done: list[PubSocket] = []
        try:
            for each in these:
                done.append(open_one(each))  # noqa: PERF401 - those that were opened before one fails have to be known
        except PublishError:
            for pub_socket in done:
                pub_socket.close()
            raise
        return done

    def _open_socket(self, endpoint: Endpoint, keys: Keyring, queue_bytes: int) -> PubSocket:
        curve = keys.curves.get(str(endpoint))
        return PubSocket(endpoint, peers=self._peers, poller=self._poller, curve=curve, queue_bytes=queue_bytes)

    def _reopen(self, old: PubSocket, queue_bytes: int) -> PubSocket:
        return PubSocket(old.endpoint, peers=self._peers, poller=self._poller, curve=old.curve, queue_bytes=queue_bytes)

    def _release(self, pub_socket: PubSocket) -> None:
        """Close *pub_socket* after what its peers still wait for."""
        self._peers.drain(CHANGE_LINGER_SECONDS, pub_socket)
        pub_socket.close()

    @property
    def in_clear(self) -> bool:
        """Whether others on the network can read the messages of some endpoint."""
        return any(pub_socket.in_clear for pub_socket in self._pub_sockets)

    @property
    def subscribed(self) -> int:
        """Count of topic prefixes that are subscribed to, over all subscribers."""
        return self._peers.subscribed

    @property
    def connections(self) -> int:
        """Count of peers that are connected now."""
        return len(self._peers)

    @property
    def prefixes(self) -> frozenset[bytes]:
        """The topic prefixes that are subscribed to and allowed, each once; another object after each change."""
        return self._peers.prefixes

    @property
    def refusals(self) -> Mapping[str, int]:
        """Count of peers that were refused or cut off, by the reason."""
        return self._peers.refusals.counts

    def fileno(self) -> int:
        """Return the descriptor to poll for reading."""
        return self._poller.fileno()

    @property
    def seconds_left(self) -> float:
        """Seconds until `attend` has something to do, though its descriptor cannot be read."""
        return min([self._peers.seconds_left, *(pub_socket.seconds_left for pub_socket in self._pub_sockets)])

    def wait(self, seconds: float) -> None:
        """Wait until `attend` has something to do, at most *seconds*."""
        poll = select.poll()
        poll.register(self, select.POLLIN)
        poll.poll(math.ceil(min(seconds, self.seconds_left) * 1000))

    def send(self, frames: Sequence[bytes | memoryview]) -> None:
        """Send one message to its subscribers at every endpoint; never waits."""
        self._peers.send(frames)

    def attend(self) -> list[bytes]:
        """Do what the connections need, and return the topic prefixes that were subscribed to; never waits."""
        self._poller.serve()
        self._peers.sweep()
        for pub_socket in self._pub_sockets:
            pub_socket.attend()
        return self._peers.newcomers()

    def renew(self, keys: Keyring) -> None:
        """Use *keys* from now on, and cut off clients that were admitted by other keys.

        A client whose key is no longer authorized is cut off alone. Where the key of an endpoint has changed, all its
        clients are: those still authorized come back by themselves.
        """
        self._peers.authorize(keys.authorized)
        for pub_socket in self._pub_sockets:
            curve = keys.curves.get(str(pub_socket.endpoint))
            if curve != pub_socket.curve:
                pub_socket.secure(curve)
        self._log_authorized(keys)

    def close(self, linger: float) -> None:
        """Close, after *linger* seconds at most for queued messages. Harmless if nothing, or not all, is open."""
        self._peers.drain(linger)
        for pub_socket in self._pub_sockets:
            pub_socket.close()
        self._poller.close()

    def _log_authorized(self, keys: Keyring) -> None:
        if any(curve.server is None for curve in keys.curves.values()):
            names = sorted(client.name for client in keys.authorized.values())
            log.info("authorized to subscribe over tcp: %s", ", ".join(names) or "nobody")


def _collide(one: Endpoint, other: Endpoint) -> bool:
    """Whether one cannot be bound while the other is: at one port, or one path."""
    place = one.address.rpartition(":")[2]
    return one.mode == other.mode == "bind" and place == other.address.rpartition(":")[2] != "*"


def _fatal() -> AbstractContextManager[None]:
    return map_exceptions({PublishError: LostEndpointError})
