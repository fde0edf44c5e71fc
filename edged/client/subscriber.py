"""``Subscriber``: receives the messages of one or more daemons, one after the other."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping
from importlib import import_module
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, Self, TypedDict, Unpack, cast, overload

from edged.client.connection import StreamConnection
from edged.client.continuity import Continuity
from edged.client.keys import KeyFile, curves
from edged.client.senders import Senders
from edged.errors import WireError
from edged.transport.keys import read_authorized
from edged.wire import (
    KINDS,
    Event,
    Frames,
    Kind,
    Message,
    Status,
    Vec,
    check_address,
    decode,
    default_address,
    is_local,
    subscription,
)

__all__ = ["Delivery", "Subscriber"]

BATCH = 1000  # messages that are read before the clock is
MAX_PENDING = 1000  # topics that may wait in newest-only mode,
MAX_PENDING_BYTES = 64 << 20  # and bytes of their messages


# A plain ``Subscriber`` in an annotation is one to messages of every kind. Only checkers of types look at that: before
# Python 3.13, defaults of type variables are in typing_extensions, which need not be installed.
if TYPE_CHECKING:
    from typing_extensions import TypeVar

    Received_co = TypeVar("Received_co", bound=Message, covariant=True, default=Message)
else:
    from typing import TypeVar

    Received_co = TypeVar("Received_co", covariant=True)


class SubscriberOptions(TypedDict, total=False):
    """The options of a `Subscriber` but for its kinds."""

    node: str | None
    camera: str | None
    region: str | None
    newest_only: bool
    max_age_seconds: float | None
    same_host: bool | None
    queue: int
    queue_bytes: int
    server_key: KeyFile | Mapping[str, KeyFile] | None
    client_key: KeyFile | None
    authorized_clients: KeyFile | None
    nodes: Mapping[str, str] | None


class Delivery(NamedTuple):
    """A message and the three frames that it came as."""

    message: Message
    frames: Frames


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
    ``pub+connect:``. *kinds* are one or more of ``vec``, ``event`` and ``status``; a subscriber to one of them yields
    messages of that type alone: ``Subscriber(kinds=("vec",))``, which is the default, yields `Vec`. *node*, *camera*
    and *region* select messages; a ``status`` is about a whole camera and comes for every region.

    With *newest_only* only the newest message of each topic is delivered; older ones that waited while the program was
    busy are skipped. *max_age_seconds* skips messages that are older than that when their turn comes.
    :meth:`age_seconds` defines the age; *same_host* is whether the daemons share this machine's clocks, and None
    guesses it from the endpoints. Pass False for a loopback endpoint that is a tunnel to another machine.

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
    ) -> None:
        addresses = [check_address(endpoint) for endpoint in endpoints or (default_address(),)]
        _check_positive(max_age_seconds=max_age_seconds, queue=queue, queue_bytes=queue_bytes)
        self.malformed = 0
        """Number of messages that were skipped because they are not of the wire format."""
        self.last_malformed: WireError | None = None
        """Error of the last of these."""
        self.stale = 0
        """Number of messages that were skipped because they were older than ``max_age_seconds``."""
        self.superseded = 0
        """Number of messages that were skipped because a newer one of their topic was there (``newest_only``)."""
        self._continuity = Continuity()
        self._parts = {"node": node, "camera": camera, "region": region}
        self._newest_only = newest_only
        self._max_age = max_age_seconds
        self._same_host = all(map(is_local, addresses)) if same_host is None else same_host
        self._pending: OrderedDict[bytes, Delivery] = OrderedDict()
        self._pending_bytes = 0
        chosen = _checked_kinds(kinds)
        if "vec" in chosen:
            import_module("numpy")  # now, because its import may take a second, and the first message would age by it
        prefixes = [subscription(kind, **self._parts) for kind in chosen]
        self._connection = StreamConnection(
            addresses,
            prefixes,
            queue=queue,
            queue_bytes=queue_bytes,
            curves=curves(addresses, server_key, client_key, authorized_clients),
            authorized={} if authorized_clients is None else read_authorized(authorized_clients),
        )
        self._senders = Senders(nodes or {})

    @property
    def gaps(self) -> Counter[bytes]:
        """Number of messages that were missed between two that came, by topic. ``gaps.total()`` is the sum."""
        return self._continuity.gaps

    @property
    def restarts(self) -> Counter[bytes]:
        """Number of restarts of the daemon (or of a recording), by topic."""
        return self._continuity.restarts

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
        if self._same_host and not isinstance(message, Status):
            return (time.monotonic_ns() // 1000 - message.t_cap_us) / 1e6
        return (time.time_ns() // 1000 - message.t_wall_us) / 1e6

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
            delivery = self._decode(*received)
            if delivery is None:
                continue
            if self._newest_only:
                self._keep_newest(delivery)
                if len(self._pending) >= MAX_PENDING or self._pending_bytes >= MAX_PENDING_BYTES:
                    break
            elif self._is_fresh(delivery.message):
                return delivery
        while self._pending:
            _, delivery = self._pending.popitem(last=False)
            self._pending_bytes -= _size(delivery)
            if self._is_fresh(delivery.message):
                return delivery
        return None

    def _decode(self, frames: list[bytes], sender: str | None) -> Delivery | None:
        try:
            message = decode(frames)
        except WireError as error:
            self.malformed += 1
            self.last_malformed = error
            return None
        if sender is not None and not self._senders.may_send(sender, message.node):
            return None
        # ZeroMQ filters by prefix and knows nothing of "this camera on any node".
        for part, name in self._parts.items():
            if name is not None and getattr(message, part, name) != name:
                return None
        topic, header, payload = frames
        self._continuity.count_message(topic, message.run, message.seq)
        return Delivery(message, (topic, header, payload))

    def _keep_newest(self, delivery: Delivery) -> None:
        topic = delivery.frames[0]
        if (before := self._pending.get(topic)) is not None:
            self.superseded += 1
            self._pending_bytes -= _size(before)
        self._pending_bytes += _size(delivery)
        self._pending[topic] = delivery  # in the place of the message before, so that no topic starves

    def _is_fresh(self, message: Message) -> bool:
        if self._max_age is None or self.age_seconds(message) <= self._max_age:
            return True
        self.stale += 1
        return False


def _size(delivery: Delivery) -> int:
    return sum(map(len, delivery.frames))


def _checked_kinds(kinds: tuple[Kind, ...] | Kind) -> tuple[Kind, ...]:
    chosen = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    if not chosen or not set(chosen) <= set(KINDS):
        raise ValueError(f"kinds must be one or more of {', '.join(KINDS)} (got {kinds!r})")
    return chosen


def _check_positive(**numbers: float | None) -> None:
    for name, number in numbers.items():
        if number is not None and not number > 0:
            raise ValueError(f"{name} must be greater than 0 (got {number})")
