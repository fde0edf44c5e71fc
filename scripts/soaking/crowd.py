"""Subscribers: one that reads everything, one that stalls, and some that come and go."""

from __future__ import annotations

import itertools
import socket
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

import zmq

from edged.client import Subscriber
from edged.wire import Event, Status, Vec

__all__ = ["Crowd", "Reader"]

ARRIVAL_SECONDS = 1.5
STAYS = (0.2, 1.0, 4.0, 9.0)  # seconds that a visitor stays, in turn
GARBAGE = b"GET / HTTP/1.1\r\n\r\n"
"""Bytes of a stranger that takes the port for something else."""


class Reader:
    """Reads every message, and counts what arrived and, by ``seq``, what did not."""

    def __init__(self, address: str) -> None:
        self._subscriber = Subscriber(address, kinds=("vec", "event", "status"), queue=1000, queue_bytes=1 << 20)
        self.received = 0
        self.vectors = 0
        self.events = 0
        self.goodbyes = 0
        self.dropped: dict[str, int] = {}
        """By camera, how many frames the daemon reports as dropped before they became messages."""

    @property
    def lost(self) -> int:
        """The number of missed messages, by ``seq``."""
        return self._subscriber.gaps.total()

    @property
    def restarts(self) -> int:
        """Number of restarts of the daemon."""
        return self._subscriber.restarts.total()

    @property
    def malformed(self) -> int:
        """The number of malformed messages."""
        return self._subscriber.malformed

    def read(self, seconds: float) -> bool:
        """Read one message, if one arrives within *seconds*; returns whether one did."""
        message = self._subscriber.receive(seconds)
        if message is None:
            return False
        self.received += 1
        if isinstance(message, Vec):
            self.vectors += 1
        elif isinstance(message, Event):
            self.events += 1
        elif isinstance(message, Status):
            self.goodbyes += message.bye
            self.dropped[message.camera] = sum(asdict(message.dropped).values())
        return True

    def close(self) -> None:
        """Close the subscriber."""
        self._subscriber.close()


@dataclass(frozen=True, slots=True)
class _Visitor:
    subscriber: Subscriber
    leaves: float


class Crowd:
    """The other clients: one that never reads, *residents* that stay and read everything, and visitors, of which every
    fifth sends nonsense.
    """

    def __init__(self, address: str, port: int, residents: int = 0) -> None:
        self._address = address
        self._port = port
        self._count = residents
        self._residents: list[zmq.Socket[bytes]] = []
        self._visitors: list[_Visitor] = []
        self._stays = itertools.cycle(STAYS)
        self._next_arrival = 0.0
        self.visits = 0
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        context = self._closing.enter_context(zmq.Context())
        self._subscribe(context).set(zmq.RCVHWM, 1)
        self._residents = [self._subscribe(context) for _ in range(self._count)]
        return self

    def _subscribe(self, context: zmq.Context[zmq.Socket[bytes]]) -> zmq.Socket[bytes]:
        socket = self._closing.enter_context(context.socket(zmq.SUB))
        socket.set(zmq.LINGER, 0)
        socket.subscribe(b"")
        socket.connect(f"tcp://127.0.0.1:{self._port}")
        return socket

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for visitor in self._visitors:
            visitor.subscriber.close()
        self._closing.close()

    def move(self, seconds: float) -> None:
        """Open and close the visitors that are due *seconds* after the beginning."""
        for visitor in [each for each in self._visitors if each.leaves <= seconds]:
            visitor.subscriber.close()
            self._visitors.remove(visitor)
        for visitor in self._visitors:
            visitor.subscriber.receive(0)
        for resident in self._residents:
            with suppress(zmq.Again):
                while True:
                    resident.recv(zmq.NOBLOCK)
        if seconds >= self._next_arrival:
            self._next_arrival += ARRIVAL_SECONDS
            self._arrive(seconds)

    def _arrive(self, seconds: float) -> None:
        self.visits += 1
        if self.visits % 5 == 0:
            with socket.create_connection(("127.0.0.1", self._port), timeout=5) as stranger:
                stranger.sendall(GARBAGE)
            return
        address = self._address if self.visits % 2 else f"tcp://127.0.0.1:{self._port}"
        self._visitors.append(_Visitor(Subscriber(address, kinds=("vec", "status")), seconds + next(self._stays)))
