"""Ports of the publisher that a test serves itself, and libzmq's subscribers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

import zmq

from edged.transport.curve import Curve, secure
from edged.transport.keys import KeyPair
from edged.transport.poller import Poller
from edged.transport.pub.peers import Peers
from edged.transport.pub.port import Port
from tests.fakes import eventually

__all__ = ["Context", "Served", "Socket", "curve_of", "subscriber"]

Socket: TypeAlias = zmq.Socket[bytes]
Context: TypeAlias = zmq.Context[Socket]

QUEUE = 20


class Served:
    """Peers and their ports."""

    def __init__(self, *, queue: int = QUEUE, most: int = 256) -> None:
        self.poller = Poller()
        self.peers = Peers(self.poller)
        self.peers.queue, self.peers.max_connections = queue, most
        self.ports: list[Port] = []
        self._sent = 0

    def port(
        self,
        address: str = "tcp://127.0.0.1:*",
        curve: Curve | None = None,
        mode: Literal["bind", "connect"] = "bind",
    ) -> Port:
        port = Port(mode, address, peers=self.peers, poller=self.poller, curve=curve, queue_bytes=65536)
        self.ports.append(port)
        return port

    def serve(self) -> None:
        """Do what is to be done now."""
        self.poller.serve()
        self.peers.sweep()
        self.peers.newcomers()
        for port in self.ports:
            port.attend()

    def until(self, condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
        """Serve until *condition* holds."""

        def holds() -> bool:
            self.serve()
            return bool(condition())

        eventually(holds, what, seconds)

    def reaches(self, socket: Socket, topic: bytes = b"a/") -> list[bytes]:
        """Publish under *topic* until *socket* gets a message of it; returns that."""

        def arrives() -> bool:
            self._sent += 1
            self.peers.send([topic, b"%d" % self._sent])
            return socket.poll(20) > 0

        self.until(arrives, f"a message of {topic!r}")
        return socket.recv_multipart()

    @contextmanager
    def in_background(self) -> Iterator[None]:
        """Serve from another thread, which owns everything until the end."""
        enough = threading.Event()

        def go_on() -> None:
            while not enough.is_set():
                self.serve()
                enough.wait(0.002)

        thread = threading.Thread(target=go_on, name="serving")
        thread.start()
        try:
            yield
        finally:
            enough.set()
            thread.join()

    def close(self) -> None:
        for port in self.ports:
            port.close()
        self.peers.close()
        self.poller.close()


def subscriber(context: Context, address: str, *topics: bytes, curve: Curve | None = None) -> Socket:
    """A SUB socket that has connected to *address*, in clear or as the client of *curve*."""
    socket = context.socket(zmq.SUB)
    socket.set(zmq.LINGER, 0)
    socket.set(zmq.IPV6, int("[" in address))
    secure(socket, curve)
    for topic in topics:
        socket.subscribe(topic)
    socket.connect(address)
    return socket


def curve_of(client: KeyPair, server: KeyPair) -> Curve:
    """What a client needs to call a server."""
    return Curve(client, server.public)
