"""``Subscriber``: receives the messages of one or more daemons, one after the other."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import import_module
from math import inf
from types import TracebackType
from typing import Generic, Literal, Self, Unpack, cast, overload

from edged.client.connection import StreamConnection
from edged.client.delivery import Delivery
from edged.client.keys import KeyFile, curves
from edged.client.message_age import AgeLimit
from edged.client.message_filter import MessageFilter
from edged.client.newest import NewestDeliveries
from edged.client.options import Received_co, SubscriberOptions, check_positive, checked_kinds
from edged.client.senders import Senders
from edged.errors import WireError
from edged.transport.keys import read_authorized
from edged.wire import (
    Event,
    Kind,
    Message,
    State,
    Status,
    Vec,
    check_address,
    default_address,
    is_local,
    subscription,
)

__all__ = ["Subscriber"]

BATCH = 1000  # messages that are read before the clock is


class Subscriber(Generic[Received_co]):
    """Receives messages: iterate over it, or call :meth:`receive`.

    ::

        with Subscriber("tcp://127.0.0.1:5556", camera="street") as subscriber:
            for message in subscriber:
                print(message.region, message.sims, message.vector.shape)

    The daemon need not run yet: the subscriber connects as soon as it does, and again after every break. Messages that
    are not of the wire format are counted and skipped.

    *endpoints* are ZeroMQ addresses, ``tcp://HOST:PORT`` or ``ipc://PATH``; the default is the address of a daemon on
    this machine. With ``sub+bind:`` before it, an address is one to which daemons connect that have it as their
    ``pub+connect:``. *kinds* are one or more of ``vec``, ``event``, ``state`` and ``status``; a subscriber to one of
    them yields messages of that type alone: ``Subscriber(kinds=("vec",))``, which is the default, yields `Vec`. *node*,
    *camera* and *region* select messages; a ``status`` is about a whole camera and comes for every region.

    With *newest_only* only the newest message of each topic is delivered, and the newest ``state`` of each set; older
    ones that waited while the program was busy are skipped. *max_age_seconds* skips messages that are older than that
    when their turn comes. :meth:`age_seconds` defines the age; *same_host* is whether the daemons share this machine's
    clocks, and None guesses it from the endpoints. Pass False for a loopback endpoint that is a tunnel to another
    machine.

    *queue* messages for each endpoint, and *queue_bytes* in the kernel, wait for a program that is busy. After that
    they wait in the daemon, for two seconds, and then are lost, which :attr:`gaps` counts. A connection with a long
    round trip and many messages needs more *queue_bytes*: the messages of one round trip.

    A daemon with keys needs *server_key*, the file of its public key, and *client_key*, the file of our secret key,
    whose public half is among the daemon's ``authorized_clients``. Several daemons have a key each:
    ``server_key={"tcp://porch:5556": "porch.public", …}``. A ``sub+bind:`` endpoint is the server itself: there
    *server_key* is the file of our secret key, and *authorized_clients* the folder with the public keys of the daemons
    that may connect. :attr:`troubles` reports refused connections. ``docs/keys.md`` explains all of it.

    What comes in at such an endpoint counts only if the key of its sender is that of its node: the file of the key is
    ``NODE.public`` or ``NODE-client.public``, or *nodes* has the node of that file (``{"board-17": "porch"}``). Other
    messages are dropped, counted in :attr:`refused` and reported in :attr:`troubles`.

    A program that wants the scores of ``vec`` messages and not their vectors passes ``vectors=False``. Then numpy,
    which takes 25 MiB and a second on a small board, is loaded only if it asks for a vector all the same.

    One thread uses it; :meth:`close` may be called by any thread, and by a signal handler.

    Raises:
        ValueError: an endpoint, kind or name is not valid, a number is out of range, or keys do not go together.
        ConfigError: a key file cannot be used; the text names the rule.
        PublishError: an endpoint cannot be used, mostly because another program has bound it.
    """

    @overload
    def __init__(
        self: Subscriber[Vec],
        *endpoints: str,
        kinds: Literal["vec"] | tuple[Literal["vec"]] = ...,
        **options: Unpack[SubscriberOptions],
    ) -> None: ...

    @overload
    def __init__(
        self: Subscriber[Event],
        *endpoints: str,
        kinds: Literal["event"] | tuple[Literal["event"]],
        **options: Unpack[SubscriberOptions],
    ) -> None: ...

    @overload
    def __init__(
        self: Subscriber[State],
        *endpoints: str,
        kinds: Literal["state"] | tuple[Literal["state"]],
        **options: Unpack[SubscriberOptions],
    ) -> None: ...

    @overload
    def __init__(
        self: Subscriber[Status],
        *endpoints: str,
        kinds: Literal["status"] | tuple[Literal["status"]],
        **options: Unpack[SubscriberOptions],
    ) -> None: ...

    @overload
    def __init__(
        self: Subscriber[Message],
        *endpoints: str,
        kinds: tuple[Kind, ...] | Kind,
        **options: Unpack[SubscriberOptions],
    ) -> None: ...

    def __init__(
        self,
        *endpoints: str,
        kinds: tuple[Kind, ...] | Kind = ("vec",),
        node: str | None = None,
        camera: str | None = None,
        region: str | None = None,
        newest_only: bool = False,
        max_age_seconds: float | None = None,
        same_host: bool | None = None,
        queue: int = 20,
        queue_bytes: int = 16_384,
        server_key: KeyFile | Mapping[str, KeyFile] | None = None,
        client_key: KeyFile | None = None,
        authorized_clients: KeyFile | None = None,
        nodes: Mapping[str, str] | None = None,
        vectors: bool = True,
    ) -> None:
        addresses = [check_address(endpoint) for endpoint in endpoints or (default_address(),)]
        check_positive(max_age_seconds=max_age_seconds, queue=queue, queue_bytes=queue_bytes)
        chosen = checked_kinds(kinds)
        parts = {"node": node, "camera": camera, "region": region}
        prefixes = [subscription(kind, **parts) for kind in chosen]
        is_near = all(map(is_local, addresses)) if same_host is None else same_host
        self._senders = Senders(nodes or {})
        self._filter = MessageFilter(parts, self._senders)
        self._ages = AgeLimit(max_age_seconds, same_host=is_near)
        self._newest_only = newest_only
        self._newest = NewestDeliveries()
        if vectors and "vec" in chosen:
            import_module("numpy")  # now, because its import may take a second, and the first message would age by it
        self._connection = StreamConnection(
            addresses,
            prefixes,
            queue=queue,
            queue_bytes=queue_bytes,
            curves=curves(addresses, server_key, client_key, authorized_clients),
            authorized={} if authorized_clients is None else read_authorized(authorized_clients),
        )

    @property
    def malformed(self) -> int:
        """Number of messages that were skipped because they are not of the wire format."""
        return self._filter.malformed

    @property
    def last_malformed(self) -> WireError | None:
        """Error of the last of these."""
        return self._filter.last_malformed

    @property
    def stale(self) -> int:
        """Number of messages that were skipped because they were older than ``max_age_seconds``."""
        return self._ages.stale

    @property
    def gaps(self) -> Counter[bytes]:
        """Number of messages that were missed between two that came, by topic. ``gaps.total()`` is the sum."""
        return self._filter.continuity.gaps

    @property
    def restarts(self) -> Counter[bytes]:
        """Number of restarts of the daemon (or of a recording), by topic."""
        return self._filter.continuity.restarts

    @property
    def superseded(self) -> int:
        """Number of messages that were skipped because a newer one of the same was there (``newest_only``)."""
        return self._newest.superseded

    @property
    def troubles(self) -> Mapping[str, str]:
        """By endpoint, why no messages come although a peer answers; mostly because of wrong keys.

        It is updated while messages are received, and an entry disappears when its trouble is over. By the name of a
        key, ``key porch``, that its messages are refused, until this is closed.
        """
        return {**self._connection.troubles, **self._senders.troubles}

    @property
    def refused(self) -> int:
        """Number of messages that named a node which is not that of their sender's key."""
        return self._senders.refused

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._connection.closed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Received_co]:
        """Yield every message until it is closed: in the loop, by another thread, or by a signal handler.

        Raises:
            ValueError: it was closed before.
            RuntimeError: another thread is receiving.
        """
        self._check_open()
        while (delivery := self._deliver(inf)) is not None:
            yield cast("Received_co", delivery.message)  # of no other kind than what it is subscribed to

    def receive(self, timeout: float | None = None) -> Received_co | None:
        """Return the next message; None when none came within *timeout* seconds, or when another thread closed this.

        Without *timeout* it waits for as long as it takes; 0 returns at once.

        Raises:
            ValueError: it was closed before.
            RuntimeError: another thread is receiving.
        """
        delivery = self.receive_raw(timeout)
        return None if delivery is None else cast("Received_co", delivery.message)

    def receive_raw(self, timeout: float | None = None) -> Delivery | None:
        """Return the next message as `receive` does, with its frames, for programs that record or forward them."""
        self._check_open()
        return self._deliver(inf if timeout is None else time.monotonic() + timeout)

    def age_seconds(self, message: Message) -> float:
        """Return the seconds since the frame of *message* was captured, or since a ``status`` was made.

        On the same host a capture time is compared with CLOCK_MONOTONIC, which both share. Between hosts, and for a
        ``status``, it is wall clock against wall clock, and no better than these agree: see ``clock_synced``.
        """
        return self._ages.age_seconds(message)

    def close(self) -> None:
        """Disconnect. A thread that waits for a message stops waiting. Harmless when done twice."""
        self._connection.close()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("the subscriber is closed")

    def _deliver(self, deadline: float) -> Delivery | None:
        with self._connection.use():
            while not self.closed:
                self._connection.serve_handshakes()
                delivery = self._next_delivery()
                if delivery is not None:
                    return delivery
                seconds = deadline - time.monotonic()
                if seconds <= 0:
                    return None
                self._connection.wait(seconds)
        return None

    def _next_delivery(self) -> Delivery | None:
        """Return the next message of those that have arrived already."""
        for _ in range(BATCH):
            received = self._connection.read()
            if received is None:
                break
            delivery = self._filter.decode(*received)
            if delivery is None:
                continue
            if self._newest_only:
                self._newest.put(delivery)
                if self._newest.is_full:
                    break
            elif self._ages.admits(delivery.message):
                return delivery
        while (delivery := self._newest.take()) is not None:
            if self._ages.admits(delivery.message):
                return delivery
        return None
