"""ZeroMQ addresses of a daemon: valid ones, those on this machine, and the default."""

from __future__ import annotations

import os
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BIND", "DEFAULT_SOCKET_NAME", "DEFAULT_TCP_ADDRESS", "check_address", "default_address", "is_local"]

DEFAULT_SOCKET_NAME = "pub.sock"
"""The file of the default ``ipc://`` endpoint, in the daemon's runtime directory."""

DEFAULT_TCP_ADDRESS = "tcp://127.0.0.1:5556"

BIND = "sub+bind:"
"""Prefix of an address that a subscriber binds, and to which daemons connect."""

SYSTEM_DIRECTORY = Path("/run/edged")  # RuntimeDirectory=edged of the service


def check_address(address: str) -> str:
    """Return *address* if a subscriber can use it.

    That is ``tcp://HOST:PORT`` or ``ipc://PATH``, the address of a daemon; or one of these after ``sub+bind:``. Daemons
    with a ``pub+connect:`` endpoint connect there, and HOST is an address of this machine, or ``*`` for all of them.

    Raises:
        ValueError: a subscriber cannot use it.
    """
    bind = address.startswith(BIND)
    transport, separator, rest = address.removeprefix(BIND).partition("://")
    if transport == "tcp" and separator:
        host, _, port = rest.rpartition(":")
        if host and (host != "*" or bind) and port.isascii() and port.isdigit() and 0 < int(port) < 65536:
            return address
    elif transport == "ipc" and separator and rest:
        return address
    raise ValueError(f"must be tcp://HOST:PORT or ipc://PATH, or {BIND} and one of these (got {address!r})")


def is_local(address: str) -> bool:
    """Return whether *address* is on this machine: ``ipc://``, or ``tcp://`` on a loopback address."""
    transport, _, rest = address.removeprefix(BIND).partition("://")
    if transport != "tcp":
        return transport == "ipc"
    host = rest.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def default_address(environ: Mapping[str, str] = os.environ) -> str:
    """Return the address of a daemon with the default endpoints on this machine.

    That is the first of ``$XDG_RUNTIME_DIR/edged/pub.sock`` (started by hand) and ``/run/edged/pub.sock`` (the service)
    on which a daemon listens, or else the loopback port. The file alone does not count, because a killed daemon leaves
    it behind.
    """
    runtime = environ.get("XDG_RUNTIME_DIR")
    directories = [Path(runtime) / "edged"] if runtime else []
    for path in (directory / DEFAULT_SOCKET_NAME for directory in (*directories, SYSTEM_DIRECTORY)):
        if _is_listening(path):
            return f"ipc://{path}"
    return DEFAULT_TCP_ADDRESS


def _is_listening(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except OSError:  # not listening, no file, no permission, or a path too long for a socket
            return False
    return True
