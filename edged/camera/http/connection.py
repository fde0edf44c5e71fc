"""A connection to a web server or an RTSP server that never blocks for longer than told."""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from edged.bell import Bell
from edged.camera.http.address import Address

__all__ = ["HttpConnection", "Woken", "tls_context"]


class Woken(Exception):  # noqa: N818 - not an error: somebody wants the wait to end
    """A wait was ended from another thread."""


class HttpConnection:
    """A connected TCP or TLS socket.

    Every method raises ``OSError`` (``TimeoutError`` past the *deadline*, on the monotonic clock) when the connection
    fails, and ``Woken`` once *bell* has rung.
    """

    def __init__(self, address: Address, tls: ssl.SSLContext | None, bell: Bell, deadline: float) -> None:
        self._bell = bell
        self._is_encrypted = tls is not None
        self._is_drained = False
        self._socket = self._connect(address, deadline)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                self._socket = tls.wrap_socket(
                    self._socket, server_hostname=address.name, do_handshake_on_connect=False
                )
                self._shake_hands(self._socket, deadline)
        except BaseException:
            self.close()
            raise

    def send(self, request: bytes, deadline: float) -> None:
        """Send all of *request*."""
        left = memoryview(request)
        while left:
            try:
                left = left[self._socket.send(left) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._await(self._socket, select.POLLOUT, deadline)
            except ssl.SSLWantReadError:
                self._await(self._socket, select.POLLIN, deadline)

    def receive(self, into: memoryview, *, saves_calls: bool = False) -> int | None:
        """Read what has arrived, and do not wait: the number of bytes, 0 at the end, None if there are none now.

        With *saves_calls* there are none after a read that did not fill *into*, without another question. What had to
        wait at the peer until that read made room for it is only seen later then.
        """
        if self._is_drained:
            self._is_drained = False
            return None
        try:
            count = self._socket.recv_into(into)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        self._is_drained = saves_calls and 0 < count < len(into) and not self._is_encrypted
        return count

    def rest(self, deadline: float) -> None:
        """Wait until *deadline*, whatever arrives meanwhile: a few large reads cost less than many small ones."""
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        if poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise Woken

    def wait(self, deadline: float, also: Iterable[socket.socket] = ()) -> None:
        """Wait until something may have arrived, at one of the sockets in *also* too."""
        self._await(self._socket, select.POLLIN, deadline, also)

    @property
    def own_end(self) -> tuple[Any, ...]:
        """The address of this end, as sockets have it."""
        return tuple(self._socket.getsockname())

    @property
    def other_end(self) -> tuple[Any, ...]:
        """The address of the peer, as sockets have it."""
        return tuple(self._socket.getpeername())

    def close(self) -> None:
        """Close the connection; harmless when done twice."""
        self._socket.close()

    def _connect(self, address: Address, deadline: float) -> socket.socket:
        # The one wait that has no limit of ours but the resolver's own, usually 10 s.
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        failure: OSError = OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))
        for index, (family, kind, protocol, _, place) in enumerate(found):
            # One address that does not answer must not use up the time of the next.
            share = (deadline - time.monotonic()) / (len(found) - index)
            attempt = socket.socket(family, kind, protocol)
            try:
                self._connect_one(attempt, place, time.monotonic() + share)
            except OSError as exc:
                attempt.close()
                failure = exc
            except BaseException:
                attempt.close()
                raise
            else:
                return attempt
        try:
            raise failure
        finally:
            del failure  # it refers to this frame, which refers to it

    def _connect_one(self, attempt: socket.socket, place: tuple[object, ...], deadline: float) -> None:
        attempt.setblocking(False)
        with suppress(BlockingIOError):
            attempt.connect(place)
        self._await(attempt, select.POLLOUT, deadline)
        problem = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            raise OSError(problem, os.strerror(problem))

    def _shake_hands(self, tls: ssl.SSLSocket, deadline: float) -> None:
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self._await(tls, select.POLLIN, deadline)
            except ssl.SSLWantWriteError:
                self._await(tls, select.POLLOUT, deadline)
            else:
                return

    def _await(self, awaited: socket.socket, event: int, deadline: float, also: Iterable[socket.socket] = ()) -> None:
        poll = select.poll()
        poll.register(awaited, event)
        for other in also:
            poll.register(other, select.POLLIN)
        poll.register(self._bell, select.POLLIN)
        ready = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
        if any(fd == self._bell.fileno() for fd, _ in ready):
            raise Woken
        # Past it even what is ready counts no more: a peer that always has one more byte would never be given up.
        if not ready or time.monotonic() >= deadline:
            raise TimeoutError


def tls_context(*, verify: bool) -> ssl.SSLContext:
    """The settings of an encrypted connection; without *verify* any certificate is taken."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
