"""Connections: how many there may be, and what one gets."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

from edged.page.http import LONGEST_HEAD, Request, RequestError, read_request, text_response

if TYPE_CHECKING:
    from edged.page.http import PageResponse

__all__ = ["PageConnection", "PageConnections"]

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 96  # of which viewers are at most 16
HEAD_SECONDS = 5.0  # also of the handshake of TLS
SEND_SECONDS = 30.0
REST_SECONDS = 0.5
UNREAD_BYTES = 1 << 17  # that the kernel keeps for the other end; by itself it would keep megabytes


class PageConnection:
    """One connection: its request, and where it came in.

    Attributes:
        is_viewer: whether a tab is connected by it, so that it gives way to nobody.
        local: the address of this machine that it came in at; *peer* is the other end's.
        head: the bytes of its request.
    """

    def __init__(self, accepted: socket.socket) -> None:
        self.is_viewer = False
        self.local = _plain_address(accepted.getsockname()[0])
        self.peer = _plain_address(accepted.getpeername()[0])
        self.head = b""
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES)
        self._socket = accepted
        self.reader = asyncio.StreamReader(limit=LONGEST_HEAD)
        self.writer: asyncio.StreamWriter

    async def open(self, tls: ssl.SSLContext | None) -> None:
        """Make the streams; with *tls* after its handshake.

        Raises:
            OSError: the handshake fails or takes too long.
        """
        loop = asyncio.get_running_loop()
        protocol = asyncio.StreamReaderProtocol(self.reader)
        seconds = None if tls is None else HEAD_SECONDS
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol, self._socket, ssl=tls, ssl_handshake_timeout=seconds, ssl_shutdown_timeout=seconds
        )
        self.writer = asyncio.StreamWriter(transport, protocol, self.reader, loop)

    async def read_request(self) -> Request:
        """Return the request.

        Raises:
            RequestError: it is malformed or too long.
            OSError: none comes in time.
        """
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                self.head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError as exc:
            raise RequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) from exc
        except asyncio.IncompleteReadError as exc:
            raise ConnectionResetError("the request is not complete") from exc
        if len(self.head) > LONGEST_HEAD:
            raise RequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        return read_request(self.head)

    async def respond(self, response: PageResponse, usual: dict[str, str]) -> None:
        """Send the whole *response* and end the connection.

        Raises:
            OSError: the other end has gone, or takes it too slowly.
        """
        async with asyncio.timeout(SEND_SECONDS):
            self.writer.write(response.head(usual) + response.body)
            await self.writer.drain()
            if not self.writer.can_write_eof():  # TLS has an end of its own, which the other end answers
                self.writer.close()
                await self.writer.wait_closed()
                return
            self.writer.write_eof()
            # Closing with something unread would reset the connection, and the response could be lost with it.
            while await self.reader.read(LONGEST_HEAD):
                pass

    def abort(self) -> None:
        """End the connection at once."""
        if hasattr(self, "writer"):
            self.writer.transport.abort()
        self._socket.close()


class PageConnections:
    """Accepts connections of *listeners* and has *serve* called with each, in a task of its own.

    At most ``MOST_CONNECTIONS`` are open: of more, the oldest that is not a viewer is ended. *usual* are the fields of
    every response.
    """

    def __init__(
        self,
        listeners: list[socket.socket],
        tls: ssl.SSLContext | None,
        serve: Callable[[PageConnection, Request], Awaitable[None]],
        usual: dict[str, str],
    ) -> None:
        self._listeners = listeners
        self._tls = tls
        self._serve = serve
        self._usual = usual
        self._open: dict[PageConnection, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Accept until it is cancelled."""
        for listener in self._listeners:
            listener.setblocking(False)
        await asyncio.gather(*(self._accept(listener) for listener in self._listeners))

    async def close(self) -> None:
        """End every connection; their tasks are over then."""
        tasks = list(self._open.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(listener)
            except OSError as exc:
                if exc.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    self._end_oldest()
                    await asyncio.sleep(REST_SECONDS)
                continue
            try:
                connection = PageConnection(accepted)
            except OSError:  # it has ended already
                accepted.close()
                continue
            if len(self._open) >= MOST_CONNECTIONS:
                self._end_oldest()
            task = asyncio.create_task(self._handle(connection))
            self._open[connection] = task
            await asyncio.sleep(0)  # a flood of connections leaves time for the others

    def _end_oldest(self) -> None:
        oldest = next((connection for connection in self._open if not connection.is_viewer), None)
        if oldest is not None:
            self._open.pop(oldest).cancel()

    async def _handle(self, connection: PageConnection) -> None:
        begin = time.monotonic()
        try:
            await connection.open(self._tls)
            try:
                request = await connection.read_request()
            except RequestError as exc:
                await connection.respond(text_response(exc.status, str(exc)), self._usual)
            else:
                await self._serve(connection, request)
        except OSError as exc:  # of the network, or too slow; TLS has its own, which are OSErrors too
            log.debug("a connection from %s ended after %.1f s: %s", connection.peer, time.monotonic() - begin, exc)
        except asyncio.CancelledError:
            with suppress(OSError):
                connection.abort()
            raise
        finally:
            self._open.pop(connection, None)
            connection.abort()


def _plain_address(address: str) -> str:
    return address.removeprefix("::ffff:").partition("%")[0]
