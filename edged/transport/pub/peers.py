"""Peers of all publish ports: their limits, and the audience of each message."""

from __future__ import annotations

import logging
import select
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from zmq.utils import z85

from edged.errors import PeerError
from edged.transport.keys import Client, Key
from edged.transport.poller import Poller
from edged.transport.pub.peer import READABLE, WRITABLE, Message, Peer
from edged.transport.refusals import Refusals
from edged.transport.zmtp.mechanism import Mechanism

__all__ = ["MAX_ALL_SUBSCRIPTIONS", "REASONS", "Lost", "Peers", "Secure"]

HANDSHAKE_SECONDS = 3.0
MAX_ALL_SUBSCRIPTIONS = 10_000
MAX_KNOWN_TOPICS = 4096
SWEEP_SECONDS = 0.25

REASONS = (
    "descriptors", "flood", "full", "handshake", "key", "message", "protocol", "revoked", "silent", "size",
    "subscriptions",
)  # fmt: skip
"""Why peers are cut, as they are counted."""

log = logging.getLogger(__name__)

Secure: TypeAlias = Callable[[Callable[[bytes], bool]], Mechanism]
"""Makes a mechanism, which asks whether the peer with that key (32 bytes) may come in."""

Lost: TypeAlias = Callable[[PeerError | None], None]
"""Called when a connection is over: why, unless the peer has hung up."""


class Peers:
    """Connections of all ports. One thread uses it, calls `Poller.serve` of *poller* and now and then `sweep`."""

    def __init__(self, poller: Poller) -> None:
        self.refusals = Refusals(REASONS)
        self.queue = 16
        """Count of messages that are kept for a slow peer, for those that connect from now on."""
        self.max_connections = 256
        """Largest count of peers of one port."""
        self.authorized: Mapping[Key, Client] = {}
        """Clients by key; `authorize` changes it."""
        self.subscribed = 0
        """Count of topic prefixes that are subscribed to, over all peers."""
        self._poller = poller
        self._peers: dict[Peer, Lost | None] = {}
        self._newcomers: list[bytes] = []
        self._prefixes: frozenset[bytes] | None = frozenset()
        self._audiences: dict[bytes, list[Peer]] = {}
        self._next_sweep = 0.0

    def __len__(self) -> int:
        return len(self._peers)

    # -- coming and going ---------------------------------------------------------------------------------------------

    def admit(
        self, connection: socket.socket, secure: Secure, port: object, where: str, lost: Lost | None = None
    ) -> Peer | None:
        """Serve *connection* from now on, and return its peer; *lost* is called when it ends.

        Where *port* is full, a peer is cut that has not finished its handshake, or that subscribes to nothing. Without
        such a peer the newcomer is refused; then it returns None.
        """
        mechanism = secure(lambda key: self._knows(peer, key))
        peer = Peer(connection, mechanism, port, where, self.queue)
        here = [other for other in self._peers if other.port is port]
        if len(here) >= self.max_connections:
            self._cut(_weakest(here) or peer, PeerError("full", f"the port has its {self.max_connections} connections"))
            if not peer.is_open:
                return None
        try:
            self._poller.add(peer, peer.events, lambda events: self._serve(peer, events))
        except OSError:  # the kernel has no memory for it
            self._cut(peer, PeerError("descriptors", "the kernel has no room for it"))
            return None
        self._peers[peer] = lost
        self._flush(peer)
        return peer

    def authorize(self, authorized: Mapping[Key, Client]) -> None:
        """Use *authorized* from now on: clients that are no longer among them are cut off, and no others."""
        self.authorized = authorized
        for peer in list(self._peers):
            if peer.key is None:
                continue
            if (client := authorized.get(peer.key)) is None:
                self._cut(peer, PeerError("revoked", "its key is no longer authorized"))
            else:
                peer.subscriptions.allow(client.topics)
        self._changed()

    def cut(self, port: object, why: PeerError | None = None) -> None:
        """Cut off all peers of *port*."""
        for peer in self.at(port):
            self._cut(peer, why)

    def at(self, port: object) -> list[Peer]:
        """Return the peers of *port*."""
        return [peer for peer in self._peers if peer.port is port]

    def sweep(self) -> None:
        """Cut off peers whose time is over; cheap to call often."""
        now = time.monotonic()
        if now < self._next_sweep:
            return
        self._next_sweep = now + SWEEP_SECONDS
        for peer in list(self._peers):
            if not peer.is_ready and now - peer.since > HANDSHAKE_SECONDS:
                self._cut(peer, PeerError("handshake", f"its handshake takes more than {HANDSHAKE_SECONDS:.0f} s"))
            elif peer.is_ready and peer.end.ttl_seconds and now - peer.last_received > peer.end.ttl_seconds:
                self._cut(peer, PeerError("silent", "it sends nothing for longer than it promised"))

    @property
    def seconds_left(self) -> float:
        """Seconds until `sweep` may have something to do."""
        timed = any(not peer.is_ready or peer.end.ttl_seconds for peer in self._peers)
        return max(0.0, self._next_sweep - time.monotonic()) if timed else float("inf")

    # -- messages -----------------------------------------------------------------------------------------------------

    def send(self, frames: Sequence[bytes | memoryview]) -> None:
        """Send one message to the peers that subscribe to its topic; never waits."""
        topic = bytes(frames[0])
        audience = self._audiences.get(topic)
        if audience is None:
            audience = [peer for peer in self._peers if topic.startswith(peer.subscriptions.effective)]
            if len(self._audiences) >= MAX_KNOWN_TOPICS:
                self._audiences.clear()
            self._audiences[topic] = audience
        if not audience:
            return
        message = Message(frames)
        for peer in audience:
            try:
                peer.put(message)
            except OSError:
                self._cut(peer)
            if peer.waits or peer.events != READABLE:
                self._watch(peer)

    @property
    def prefixes(self) -> frozenset[bytes]:
        """The topic prefixes that are subscribed to and allowed, each once; another object after each change."""
        if self._prefixes is None:
            self._prefixes = frozenset(each for peer in self._peers for each in peer.subscriptions.effective)
        return self._prefixes

    def newcomers(self) -> list[bytes]:
        """Return the topic prefixes that were subscribed to since the last call."""
        came, self._newcomers = self._newcomers, []
        return came

    def drain(self, seconds: float, port: object = None) -> None:
        """Wait until everything is sent to the peers of *port* (None: of all), but no longer than *seconds*."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            poll = select.poll()
            slow = {
                peer.fileno(): peer
                for peer in self._peers
                if peer.is_ready and peer.waits and port in (None, peer.port)
            }
            for number in slow:
                poll.register(number, select.POLLOUT)
            if not slow:
                return
            for number, _ in poll.poll(left * 1000):
                self._flush(slow[number])

    def close(self) -> None:
        """Cut off all peers."""
        for peer in list(self._peers):
            self._cut(peer)

    # -- one peer -----------------------------------------------------------------------------------------------------

    def _serve(self, peer: Peer, events: int) -> None:
        try:
            if events & ~select.EPOLLOUT:
                for begins, prefix in peer.read():
                    self._subscribe(peer, prefix, begins=begins)
                    if not peer.is_open:
                        return
        except PeerError as exc:
            self._cut(peer, exc)
        except OSError:
            self._cut(peer)
        self._flush(peer)

    def _knows(self, peer: Peer, raw_key: bytes) -> bool:
        key = z85.encode(raw_key)
        if (client := self.authorized.get(key)) is None:
            return False
        peer.key = key
        peer.subscriptions.allow(client.topics)
        log.debug("client %s of %s is let in", client.name, peer.where)
        return True

    def _subscribe(self, peer: Peer, prefix: bytes, *, begins: bool) -> None:
        before = len(peer.subscriptions)
        if begins:
            self._newcomers += peer.subscriptions.add(prefix)
        else:
            peer.subscriptions.remove(prefix)
        if (more := len(peer.subscriptions) - before) == 0:
            return
        self.subscribed += more
        self._changed()
        if self.subscribed > MAX_ALL_SUBSCRIPTIONS:
            greediest = max(self._peers, key=lambda each: len(each.subscriptions))
            self._cut(greediest, PeerError("subscriptions", "there are too many subscriptions, and most are its own"))

    def _flush(self, peer: Peer) -> None:
        if not peer.is_open:
            return
        try:
            peer.flush()
            self._watch(peer)
        except PeerError as exc:
            self._cut(peer, exc)
        except OSError:
            self._cut(peer)

    def _watch(self, peer: Peer) -> None:
        """Wait for the moment at which the rest can be sent, where there is a rest."""
        events = WRITABLE if peer.waits else READABLE
        if peer.is_open and events != peer.events:
            peer.events = events
            self._poller.change(peer, events)

    def _cut(self, peer: Peer, why: PeerError | None = None) -> None:
        """Disconnect *peer*, and count and log *why*; None: it has disconnected itself."""
        if not peer.is_open:
            return
        if why is not None:
            self.refusals.note(why.reason, f"{peer.where} {why.reason}", f"client of {peer.where} is refused: {why}")
        lost = self._peers.pop(peer, None)
        self._poller.remove(peer)
        peer.close(why.answer if why else b"")
        self.subscribed -= len(peer.subscriptions)
        self._changed()
        if lost is not None:
            lost(why)

    def _changed(self) -> None:
        """Forget what is derived from the subscriptions."""
        self._prefixes = None
        self._audiences.clear()


def _weakest(peers: Sequence[Peer]) -> Peer | None:
    """Return the peer to cut where a port is full; None if all have finished the handshake and subscribe to something.

    Of those in a handshake it is the oldest from the address that has most of them: a crowd from one address does not
    push out others.
    """
    crowd: dict[str, int] = {}
    for peer in peers:
        if not peer.is_ready:
            crowd[peer.where] = crowd.get(peer.where, 0) + 1
    weak = [peer for peer in peers if not (peer.is_ready and len(peer.subscriptions))]
    return min(weak, key=lambda peer: (peer.is_ready, -crowd.get(peer.where, 0), peer.last_received), default=None)
