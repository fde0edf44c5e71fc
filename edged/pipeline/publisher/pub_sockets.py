"""All publishing sockets of a daemon, and the gate that their clients come through."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import zmq

from edged.errors import PublishError
from edged.pipeline.loading.keyring import Keyring
from edged.pipeline.publisher.pub_socket import PubSocket
from edged.transport.gate import Gate

if TYPE_CHECKING:
    from edged.config import Endpoint

__all__ = ["LostEndpointError", "PubSockets"]

log = logging.getLogger(__name__)

T = TypeVar("T")

TERM_SECONDS = 3.0  # libzmq's own threads end within milliseconds, unless something is wrong with them
CHANGE_LINGER_SECONDS = 0.3  # for what is queued at an endpoint that is given up


class LostEndpointError(PublishError):
    """Somebody else has taken an endpoint in the moment in which it was free: the publisher cannot go on."""


class PubSockets:
    """Sends to every endpoint, lets in who may hear it, and changes keys. One thread opens, uses and closes them."""

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
            self._pub_sockets.append(self._opened(endpoint, keys, queue, queue_bytes))
        self._tell_who_may(keys)

    def change(self, endpoints: Sequence[Endpoint], keys: Keyring, *, queue: int, queue_bytes: int) -> None:
        """Publish at *endpoints* from now on. Whoever listens at one that stays notices nothing.

        One that stays keeps the queue that it was opened with. Keys are not changed here, but by `renew`.

        Raises:
            PublishError: a new one cannot be used; then it publishes where it did before.
            LostEndpointError: nor can it go back to an old one.
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
            more = self._all_opened(new, lambda endpoint: self._opened(endpoint, keys, queue, queue_bytes))
        except PublishError:
            self._pub_sockets = [pub_socket for pub_socket in self._pub_sockets if pub_socket not in in_the_way]
            with _fatal():
                self._pub_sockets += self._all_opened(in_the_way, PubSocket.again)
            raise
        for pub_socket in gone:
            if pub_socket not in in_the_way:
                pub_socket.release(CHANGE_LINGER_SECONDS)
            log.info("no more publishing: %s", pub_socket.endpoint)
        self._pub_sockets = kept + more

    def _all_opened(self, these: Iterable[T], how: Callable[[T], PubSocket]) -> list[PubSocket]:
        done: list[PubSocket] = []
        try:
            for each in these:
                done.append(how(each))  # noqa: PERF401 - what was opened before one fails has to be known
        except PublishError:
            for pub_socket in done:
                pub_socket.release(0.0)
            raise
        return done

    def _opened(self, endpoint: Endpoint, keys: Keyring, queue: int, queue_bytes: int) -> PubSocket:
        assert self._context is not None, "made by open"
        curve = keys.curves.get(str(endpoint))
        pub_socket = PubSocket(self._context, endpoint, queue=queue, queue_bytes=queue_bytes, curve=curve)
        log.info("publishing: %s %s%s", endpoint.mode, pub_socket.address, ", with keys" if curve else "")
        _warn_of_clear_text(pub_socket)
        return pub_socket

    @property
    def in_clear(self) -> bool:
        """Whether others on the network can read along at some endpoint."""
        return any(pub_socket.in_clear for pub_socket in self._pub_sockets)

    @property
    def subscribed(self) -> int:
        """How many topic prefixes are subscribed to, over all subscribers."""
        return sum(pub_socket.subscribed for pub_socket in self._pub_sockets)

    @property
    def prefixes(self) -> tuple[frozenset[bytes], ...]:
        """The topic prefixes that are subscribed to at each endpoint."""
        return tuple(pub_socket.prefixes for pub_socket in self._pub_sockets)

    @property
    def refused(self) -> int:
        """How often a client was refused because its key is not authorized."""
        return self._gate.refused if self._gate else 0

    def sockets(self) -> Iterator[zmq.Socket[bytes]]:
        """What has to be polled for reading."""
        if self._gate:
            yield self._gate.socket
        for pub_socket in self._pub_sockets:
            yield pub_socket.socket

    def send(self, frames: Sequence[bytes | memoryview]) -> None:
        """Send one message to whom it concerns, everywhere; never waits."""
        for pub_socket in self._pub_sockets:
            pub_socket.send(frames)

    def attend(self, *, readable: bool = True) -> list[bytes]:
        """Let in who may, and return the topic prefixes that were subscribed to since the last call; never waits.

        *readable* is False where it is known that none of `sockets` can be read: that saves looking.
        """
        for pub_socket in self._pub_sockets:
            pub_socket.attend()
        if not readable:
            return []
        if self._gate:
            self._gate.answer()
        return [prefix for pub_socket in self._pub_sockets for prefix in pub_socket.subscriptions()]

    def renew(self, keys: Keyring) -> None:
        """Go by *keys* from now on, and cut off who got in by others.

        Where a connected client is no longer authorized, or the server has another key, all clients are cut off: who
        still may comes back by itself after some milliseconds, and has lost what was sent in them.

        Raises:
            LostEndpointError: an endpoint cannot be used any more.
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
        self._tell_who_may(keys)

    def close(self, linger: float) -> None:
        """Close, after *linger* seconds at most for what is still queued. Harmless if nothing, or not all, is open."""
        for pub_socket in self._pub_sockets:
            pub_socket.close(linger)
        if self._gate:
            self._gate.close()
        if self._context:
            _end(self._context, linger + TERM_SECONDS)

    def _tell_who_may(self, keys: Keyring) -> None:
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


@contextmanager
def _fatal() -> Iterator[None]:
    try:
        yield
    except PublishError as exc:
        raise LostEndpointError(str(exc)) from exc


def _end(context: zmq.Context[zmq.Socket[bytes]], seconds: float) -> None:
    """Wait until libzmq has sent what is queued and its threads have ended, but no longer than *seconds*.

    Its own wait has no limit: one socket or connection that it does not get rid of would be a publisher that hangs.
    """
    ending = threading.Thread(target=context.term, name="libzmq's end", daemon=True)
    ending.start()
    ending.join(seconds)
    if ending.is_alive():
        log.warning("libzmq did not end within %.1f s and is left behind", seconds)
