"""All publishing sockets of a daemon, and the gate that their clients come through."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import zmq

from edged.pipeline.keyring import Keyring
from edged.pipeline.outlet import Outlet
from edged.wire.gate import Gate

if TYPE_CHECKING:
    from edged.config import Endpoint

__all__ = ["Outlets"]

log = logging.getLogger(__name__)


class Outlets:
    """Sends to every endpoint, lets in who may hear it, and changes keys. One thread opens, uses and closes them."""

    def __init__(self) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._gate: Gate | None = None
        self._outlets: list[Outlet] = []

    def open(self, endpoints: Sequence[Endpoint], keys: Keyring, *, queue: int, queue_bytes: int) -> None:
        """Bind or connect each of *endpoints*; ``close`` is called in any case.

        Raises:
            PublishError: one of them cannot be used.
        """
        self._context = zmq.Context()
        self._gate = Gate(self._context, keys.authorized)
        for endpoint in endpoints:
            curve = keys.curves.get(str(endpoint))
            outlet = Outlet(self._context, endpoint, queue=queue, queue_bytes=queue_bytes, curve=curve)
            self._outlets.append(outlet)
            log.info("publishing: %s %s%s", endpoint.mode, outlet.address, ", with keys" if curve else "")
            if outlet.in_clear:
                log.warning("%s is in clear text: everybody on the network can read along", outlet.address)
        self._tell_who_may(keys)

    @property
    def in_clear(self) -> bool:
        """Whether others on the network can read along at some endpoint."""
        return any(outlet.in_clear for outlet in self._outlets)

    @property
    def refused(self) -> int:
        """How often a client was refused because its key is not authorized."""
        return self._gate.refused if self._gate else 0

    def sockets(self) -> Iterator[zmq.Socket[bytes]]:
        """What has to be polled for reading."""
        if self._gate:
            yield self._gate.socket
        for outlet in self._outlets:
            yield outlet.socket

    def send(self, frames: Sequence[bytes | memoryview]) -> None:
        """Send one message to whom it concerns, everywhere; never waits."""
        for outlet in self._outlets:
            outlet.send(frames)

    def attend(self) -> list[bytes]:
        """Let in who may, and return the topic prefixes that were subscribed to since the last call; never waits."""
        if self._gate:
            self._gate.answer()
        for outlet in self._outlets:
            outlet.attend()
        return [prefix for outlet in self._outlets for prefix in outlet.subscriptions()]

    def renew(self, keys: Keyring) -> None:
        """Go by *keys* from now on, and cut off who got in by others.

        Where a connected client is no longer authorized, or the server has another key, all clients are cut off: who
        still may comes back by itself after some milliseconds, and has lost what was sent in them.

        Raises:
            PublishError: an endpoint cannot be used any more.
        """
        assert self._gate is not None, "keys are renewed while it is open"
        revoked = self._gate.replace(keys.authorized)
        for outlet in self._outlets:
            curve = keys.curves.get(str(outlet.endpoint))
            if curve != outlet.curve or (revoked and curve is not None and curve.server is None):
                outlet.renew(curve)
                log.info("%s: every connection was cut, to go on with the keys of now", outlet.address)
        self._tell_who_may(keys)

    def close(self, linger: float) -> None:
        """Close, after *linger* seconds at most for what is still queued. Harmless if nothing, or not all, is open."""
        for outlet in self._outlets:
            outlet.close(linger)
        if self._gate:
            self._gate.close()
        if self._context:
            self._context.term()

    def _tell_who_may(self, keys: Keyring) -> None:
        if any(curve.server is None for curve in keys.curves.values()):
            names = sorted(keys.authorized.values())
            log.info("authorized to subscribe over tcp: %s", ", ".join(names) or "nobody")
