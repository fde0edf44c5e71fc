"""All publishing sockets of a daemon, and the gate that authorizes their clients."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeVar

import zmq

from edged.errors import PublishError, map_exceptions
from edged.pipeline.loading.keyring import Keyring
from edged.pipeline.publisher.pub_socket import PubSocket
from edged.transport.gate import Gate

if TYPE_CHECKING:
    from edged.config import Endpoint

__all__ = ["LostEndpointError", "PubSockets"]

log = logging.getLogger(__name__)

T = TypeVar("T")

TERM_SECONDS = 3.0  # libzmq's own threads end within milliseconds, unless they have a fault
CHANGE_LINGER_SECONDS = 0.3  # for messages queued at an endpoint that is closed


class LostEndpointError(PublishError):
    """Another program has taken an endpoint in the moment in which it was free: the publisher cannot go on."""


class PubSockets:
    """Sends to every endpoint, admits authorized clients, and changes keys. One thread opens, uses and closes them."""

    def __init__(self) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._gate: Gate | None = None
        self._pub_sockets: list[PubSocket] = []

    def open(self, endpoints: Sequence[Endpoint], keys: Keyring, *, queue: int, queue_bytes: int) -> None:
        """Bind or connect each of *endpoints*; ``close`` is called in any case.

        Raises:
            PublishError: one of them cannot be used.
        """
        self._context = zmq.Context()
        self._gate = Gate(self._context, keys.authorized)
        for endpoint in endpoints:
            self._pub_sockets.append(self._open_socket(endpoint, keys, queue, queue_bytes))
        self._log_authorized(keys)

    def change(self, endpoints: Sequence[Endpoint], keys: Keyring, *, queue: int, queue_bytes: int) -> None:
        """Publish at *endpoints* from now on. Subscribers of an endpoint that stays notice nothing.

        Such an endpoint keeps the queue that it was opened with. Keys are not changed here, but by `renew`.

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
            pub_socket.release(CHANGE_LINGER_SECONDS)
        try:
            more = self._open_all(new, lambda endpoint: self._open_socket(endpoint, keys, queue, queue_bytes))
        except PublishError:
            self._pub_sockets = [pub_socket for pub_socket in self._pub_sockets if pub_socket not in in_the_way]
            with _fatal():
                self._pub_sockets += self._open_all(in_the_way, PubSocket.reopen)
            raise
        for pub_socket in gone:
            if pub_socket not in in_the_way:
                pub_socket.release(CHANGE_LINGER_SECONDS)
            log.info("no more publishing: %s", pub_socket.endpoint)
        self._pub_sockets = kept + more

    def _open_all(self, these: Iterable[T], open_one: Callable[[T], PubSocket]) -> list[PubSocket]:
        done: list[PubSocket] = []
        try:
            for each in these:
                done.append(open_one(each))  # noqa: PERF401 - those that were opened before one fails have to be known
        except PublishError:
            for pub_socket in done:
                pub_socket.release(0.0)
            raise
        return done

    def _open_socket(self, endpoint: Endpoint, keys: Keyring, queue: int, queue_bytes: int) -> PubSocket:
        assert self._context is not None, "made by open"
        curve = keys.curves.get(str(endpoint))
        pub_socket = PubSocket(self._context, endpoint, queue=queue, queue_bytes=queue_bytes, curve=curve)
        log.info("publishing: %s %s%s", endpoint.mode, pub_socket.address, ", with keys" if curve else "")
        _warn_of_clear_text(pub_socket)
        return pub_socket

    @property
    def in_clear(self) -> bool:
        """Whether others on the network can read the messages of some endpoint."""
        return any(pub_socket.in_clear for pub_socket in self._pub_sockets)

    @property
    def subscribed(self) -> int:
        """Count of topic prefixes that are subscribed to, over all subscribers."""
        return sum(pub_socket.subscribed for pub_socket in self._pub_sockets)

    @property
    def prefixes(self) -> tuple[frozenset[bytes], ...]:
        """The topic prefixes that are subscribed to at each endpoint."""
        return tuple(pub_socket.prefixes for pub_socket in self._pub_sockets)

    @property
    def refused(self) -> int:
        """Count of clients that were refused because their key is not authorized."""
        return self._gate.refused if self._gate else 0

    def sockets(self) -> Iterator[zmq.Socket[bytes]]:
        """Yield the sockets to poll for reading."""
        if self._gate:
            yield self._gate.socket
        for pub_socket in self._pub_sockets:
            yield pub_socket.socket

    def wait(self, seconds: float) -> None:
        """Wait until one of `sockets` can be read, at most *seconds*."""
        poller = zmq.Poller()
        for socket in self.sockets():
            poller.register(socket, zmq.POLLIN)
        poller.poll(math.ceil(seconds * 1000))

    def send(self, frames: Sequence[bytes | memoryview]) -> None:
        """Send one message to its subscribers at every endpoint; never waits."""
        for pub_socket in self._pub_sockets:
            pub_socket.send(frames)

    def attend(self, *, readable: bool = True) -> list[bytes]:
        """Admit authorized clients, and return the topic prefixes subscribed to since the last call; never waits.

        *readable* is False if it is known that none of `sockets` can be read: that saves reading them.
        """
        for pub_socket in self._pub_sockets:
            pub_socket.attend()
        if not readable:
            return []
        if self._gate:
            self._gate.answer_requests()
        return [prefix for pub_socket in self._pub_sockets for prefix in pub_socket.read_subscriptions()]

    def renew(self, keys: Keyring) -> None:
        """Use *keys* from now on, and cut off clients that were admitted by other keys.

        Where a connected client is no longer authorized, or the server has another key, all clients are cut off: those
        still authorized come back by themselves after some milliseconds, and have lost the messages of that time.

        Raises:
            LostEndpointError: an endpoint cannot be used again.
        """
        assert self._gate is not None, "keys are renewed while it is open"
        revoked = self._gate.replace(keys.authorized)
        for index, pub_socket in enumerate(self._pub_sockets):
            curve = keys.curves.get(str(pub_socket.endpoint))
            if curve != pub_socket.curve or (revoked and curve is not None and curve.server is None):
                with _fatal():
                    renewed = self._pub_sockets[index] = pub_socket.renewed(curve)
                log.info("%s: every connection was cut, to go on with the keys of now", renewed.address)
                _warn_of_clear_text(renewed)
        self._log_authorized(keys)

    def close(self, linger: float) -> None:
        """Close, after *linger* seconds at most for queued messages. Harmless if nothing, or not all, is open."""
        for pub_socket in self._pub_sockets:
            pub_socket.close(linger)
        if self._gate:
            self._gate.close()
        if self._context:
            _end(self._context, linger + TERM_SECONDS)

    def _log_authorized(self, keys: Keyring) -> None:
        if any(curve.server is None for curve in keys.curves.values()):
            names = sorted(keys.authorized.values())
            log.info("authorized to subscribe over tcp: %s", ", ".join(names) or "nobody")


def _warn_of_clear_text(pub_socket: PubSocket) -> None:
    if pub_socket.in_clear:
        log.warning("%s is in clear text: everybody on the network can read along", pub_socket.address)


def _collide(one: Endpoint, other: Endpoint) -> bool:
    """Whether one cannot be bound while the other is: at one port, or one path."""
    place = one.address.rpartition(":")[2]
    return one.mode == other.mode == "bind" and place == other.address.rpartition(":")[2] != "*"


def _fatal() -> AbstractContextManager[None]:
    return map_exceptions({PublishError: LostEndpointError})


def _end(context: zmq.Context[zmq.Socket[bytes]], seconds: float) -> None:
    """Wait until libzmq has sent its queues and its threads have ended, but no longer than *seconds*.

    Its own wait has no limit: one socket or connection that does not go away would make the publisher hang.
    """
    ending = threading.Thread(target=context.term, name="libzmq's end", daemon=True)
    ending.start()
    ending.join(seconds)
    if ending.is_alive():
        log.warning("libzmq did not end within %.1f s and is left behind", seconds)
