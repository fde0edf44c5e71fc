"""A listening socket that keeps accepting when descriptors run out."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import socket
import struct
from collections.abc import Callable

from edged.transport.poller import Poller

__all__ = ["Listener", "listen"]

BACKLOG = 128
MOST_AT_ONCE = 8  # before those that are connected have their turn
SIOCGIFADDR = 0x8915  # linux/sockios.h
IFREQ_BYTES, IFREQ_ADDRESS = 40, slice(20, 24)

Accepted = Callable[[socket.socket, str], None]
"""Gets a new connection and its address."""


def listen(address: str) -> socket.socket:
    """Return a socket that listens at *address*, ``tcp://HOST:PORT``.

    HOST is an address, the name of a network interface, or ``*`` for every IPv4 network; PORT may be ``*`` for any.

    Raises:
        OSError: it cannot be bound.
    """
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    is_v6 = host.startswith("[")
    listening = socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_v6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind((host[1:-1] if is_v6 else _own_address(listening, host), 0 if port == "*" else int(port)))
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def _own_address(probe: socket.socket, host: str) -> str:
    """Return the IPv4 address of *host*."""
    if host == "*":
        return "0.0.0.0"  # noqa: S104 - it is what the configuration says, and beyond this machine it needs keys
    with contextlib.suppress(OSError):
        socket.inet_pton(socket.AF_INET, host)
        return host
    name = struct.pack(f"{IFREQ_BYTES}s", host.encode()[:15])
    return socket.inet_ntoa(fcntl.ioctl(probe, SIOCGIFADDR, name)[IFREQ_ADDRESS])


class Listener:
    """Passes connections to *listening* on to *accepted*; never waits and never fails.

    One descriptor is kept in reserve. When there are no others, a newcomer is accepted with it and disconnected at
    once; otherwise it would wait for ever, and wake the thread again and again. *refused* gets its address.
    """

    def __init__(
        self, listening: socket.socket, poller: Poller, accepted: Accepted, refused: Callable[[str], None]
    ) -> None:
        self._listening = listening
        self._poller = poller
        self._accepted = accepted
        self._refused = refused
        self._reserve = -1
        self._keep_reserve()
        self._is_paused = True
        self.resume()

    def resume(self) -> None:
        """Accept again after a pause; called again and again."""
        if self._is_paused:
            self._is_paused = False
            self._poller.add(self._listening, select.EPOLLIN, lambda _: self._accept())

    def close(self) -> None:
        """Accept no more. The owner closes the listening socket."""
        self._poller.remove(self._listening)
        if self._reserve >= 0:
            os.close(self._reserve)
            self._reserve = -1

    def _accept(self) -> None:
        for _ in range(MOST_AT_ONCE):
            try:
                connection, address = self._listening.accept()
            except OSError as exc:
                if exc.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    self._turn_away()
                return  # nobody waits any more
            self._accepted(connection, _host(address))

    def _turn_away(self) -> None:
        """Disconnect a newcomer with the help of the descriptor in reserve."""
        if self._reserve >= 0:
            os.close(self._reserve)
            self._reserve = -1
        with contextlib.suppress(OSError):
            connection, address = self._listening.accept()
            connection.close()
            self._refused(_host(address))
        self._keep_reserve()
        if self._reserve < 0:  # another thread has taken it: newcomers have to wait
            self._poller.remove(self._listening)
            self._is_paused = True

    def _keep_reserve(self) -> None:
        with contextlib.suppress(OSError):
            self._reserve = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)


def _host(address: object) -> str:
    return str(address[0]).removeprefix("::ffff:") if isinstance(address, tuple) else "this machine"
