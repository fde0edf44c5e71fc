"""A little HTTP server: one thread, a few connections, and a time limit for each."""

from __future__ import annotations

import errno
import logging
import selectors
import socket
import time
from collections.abc import Callable, Container
from functools import partial
from typing import TYPE_CHECKING

from edged.bell import Bell
from edged.errors import PublishError
from edged.pipeline.stage import Stage
from edged.service.metrics.request import LONGEST_REQUEST, Pages, answer, is_complete

if TYPE_CHECKING:
    from edged.config.sections.metrics import HttpAddress

__all__ = ["Server"]

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 16
BACKLOG = 64  # so that no client has to connect twice, which takes a second
CLIENT_SECONDS = 5.0  # for the request, the response and the end of the connection
POLL_SECONDS = 0.5
REST = 2  # times as long as an answer took the processor the stage pauses: no flood gets more of it than a third


class Server(Stage):
    """Answers GET and HEAD on the paths of *pages*, which are made in this stage's thread, for requests to *hosts*.

    A client that takes longer than ``CLIENT_SECONDS`` is cut off; of more than ``MOST_CONNECTIONS``, the oldest one is.
    """

    def __init__(self, address: HttpAddress, pages: Pages, hosts: Container[bytes]) -> None:
        super().__init__("metrics")
        self._address = address
        self._answer = partial(answer, pages=pages, hosts=hosts)
        self._bell = Bell()
        self._selector: selectors.BaseSelector | None = None
        self._listener: socket.socket | None = None
        self._clients: dict[int, _HttpClient] = {}
        self.port = 0
        """The port on which it listens, once it is open."""

    def open(self) -> None:
        """Listen.

        Raises:
            PublishError: the address cannot be bound, mostly because another program has it.
        """
        family = socket.AF_INET6 if ":" in self._address.host else socket.AF_INET
        listener = self._listener = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            listener.setsockopt(
                socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
            )  # the port of a connection that has just ended is free
            listener.bind((self._address.host, self._address.port))
            listener.listen(BACKLOG)
        except OSError as exc:
            raise PublishError(f"metrics.listen: cannot listen on {self._address}: {exc.strerror}") from exc
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(self._bell, selectors.EVENT_READ)
        log.info("figures: http://%s/metrics", str(self._address).replace("*", str(self.port)))

    def step(self) -> None:
        assert self._selector is not None, "steps come after open"
        begin = time.thread_time()
        for key, _ in self._selector.select(POLL_SECONDS):
            if key.fileobj is self._bell:
                self._bell.silence()
            elif key.fileobj is self._listener:
                self._accept()
            elif (client := self._clients.get(key.fd)) is not None:
                self._go_on(client)
        now = time.monotonic()
        for client in [client for client in self._clients.values() if now >= client.due]:
            self._drop(client)
        self.pause(REST * (time.thread_time() - begin))

    def wake(self) -> None:
        self._bell.ring()

    def close(self) -> None:
        for client in list(self._clients.values()):
            self._drop(client)
        if self._selector is not None:
            self._selector.close()
        if self._listener is not None:
            self._listener.close()
        self._bell.close()

    def _accept(self) -> None:
        assert self._listener is not None
        assert self._selector is not None
        try:
            connection, _ = self._listener.accept()
        except OSError as exc:
            if exc.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                self.pause(POLL_SECONDS)  # the selector would return at once, again and again
            return
        connection.setblocking(False)
        if len(self._clients) >= MOST_CONNECTIONS:
            self._drop(min(self._clients.values(), key=lambda client: client.due))
        self._clients[connection.fileno()] = _HttpClient(connection, time.monotonic() + CLIENT_SECONDS)
        self._selector.register(connection, selectors.EVENT_READ)

    def _go_on(self, client: _HttpClient) -> None:
        assert self._selector is not None
        try:
            if client.to_send:
                client.send()
            elif not client.receive():
                self._drop(client)
            elif not client.answered and is_complete(client.received):
                client.reply(self._answer)
                self._selector.modify(client.connection, selectors.EVENT_WRITE)
            if client.answered and not client.to_send and client.connection.fileno() >= 0:
                self._selector.modify(client.connection, selectors.EVENT_READ)
        except BlockingIOError:
            return
        except OSError:  # the client is gone
            self._drop(client)

    def _drop(self, client: _HttpClient) -> None:
        assert self._selector is not None
        if self._clients.pop(client.connection.fileno(), None) is not None:
            self._selector.unregister(client.connection)
        client.connection.close()


class _HttpClient:
    """One connection: bytes received, bytes still to send, and its deadline on the monotonic clock."""

    def __init__(self, connection: socket.socket, due: float) -> None:
        self.connection = connection
        self.due = due
        self.received = b""
        self.to_send = memoryview(b"")
        self.answered = False

    def receive(self) -> bool:
        """Read on; returns whether the client may send more. What comes after its request is dropped.

        The connection is read until its end, because to close one with something unread is to reset it, and the
        answer could be lost with that.
        """
        more = self.connection.recv(4096)
        if not self.answered and len(self.received) <= LONGEST_REQUEST:
            self.received += more
        return bool(more)

    def reply(self, answer: Callable[[bytes], bytes]) -> None:
        self.to_send = memoryview(answer(self.received))
        self.answered = True

    def send(self) -> None:
        self.to_send = self.to_send[self.connection.send(self.to_send) :]
        if not self.to_send:
            self.connection.shutdown(socket.SHUT_WR)
