"""Sockets that the page listens on: an address of its own, or those that systemd passes on."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from edged.errors import ConfigError, PublishError

__all__ = ["PageAddress", "address_of", "listen", "passed_sockets"]

BACKLOG = 64
FIRST_DESCRIPTOR = 3  # SD_LISTEN_FDS_START

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:]+\]|[^:\[\]]+):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class PageAddress:
    """An IP address and a port; port 0: any that is free."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> PageAddress:
        """Return the address in *text*: ``127.0.0.1:8080`` or ``[::1]:8080``.

        Raises:
            ValueError: it is not one.
        """
        match = _ADDRESS.fullmatch(text)
        if match is not None and int(match[2]) <= 65_535:
            host = "127.0.0.1" if match[1] == "localhost" else match[1].strip("[]")
            try:
                return cls(str(ip_address(host)), int(match[2]))
            except ValueError:
                pass
        raise ValueError(f"must be ADDRESS:PORT, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080 (got {text!r})")

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this machine can connect."""
        return ip_address(self.host).is_loopback


def listen(address: PageAddress) -> socket.socket:
    """Return a socket that listens on *address*.

    Raises:
        PublishError: the address cannot be bound, mostly because another program has it.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
        listener.listen(BACKLOG)
    except OSError as exc:
        listener.close()
        raise PublishError(f"cannot listen on {address.host}:{address.port}: {exc.strerror}") from exc
    return listener


def passed_sockets(environ: Mapping[str, str] = os.environ) -> list[socket.socket]:
    """Return the listening sockets that systemd has passed to this process (sd_listen_fds(3)); mostly none."""
    count = environ.get("LISTEN_FDS", "")
    if environ.get("LISTEN_PID") != str(os.getpid()) or not re.fullmatch("[0-9]{1,3}", count, re.ASCII):
        return []
    sockets = []
    for descriptor in range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + int(count)):
        os.set_inheritable(descriptor, False)
        sockets.append(socket.socket(fileno=descriptor))
    return sockets


def address_of(listener: socket.socket) -> PageAddress:
    """Return the address on which *listener* listens.

    Raises:
        ConfigError: it is no socket of IP, but a file, say.
    """
    if listener.family not in (socket.AF_INET, socket.AF_INET6):
        raise ConfigError("the page listens on addresses of IP only: ListenStream=ADDRESS:PORT, and not a file")
    host, port = listener.getsockname()[:2]
    return PageAddress(host, port)
