"""Connections from another network namespace, as a program in a container or behind a slow link makes them."""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from pathlib import Path

__all__ = ["connected_from"]

CLONE_NEWNET = 0x40000000


def connected_from(namespace: Path, host: str, port: int, receive_bytes: int | None = None) -> socket.socket:
    """Connect to *port* of *host* from the network *namespace*, such as ``/run/netns/NAME`` or ``/proc/PID/ns/net``.

    *receive_bytes* is what the kernel keeps of what has come. A thread of its own enters the namespace and ends there;
    its socket stays in it. Needs root.
    """
    made: list[socket.socket | OSError] = []

    def connect() -> None:
        try:
            _enter(namespace)
            made.append(_connect(host, port, receive_bytes))
        except OSError as exc:
            made.append(exc)

    thread = threading.Thread(target=connect)
    thread.start()
    thread.join()
    (connection,) = made
    if isinstance(connection, OSError):
        raise connection
    return connection


def _enter(namespace: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    with namespace.open("rb") as opened:
        if libc.setns(opened.fileno(), CLONE_NEWNET) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(namespace))


def _connect(host: str, port: int, receive_bytes: int | None) -> socket.socket:
    connection = socket.socket()
    try:
        if receive_bytes is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        connection.settimeout(20)
        connection.connect((host, port))
    except OSError:
        connection.close()
        raise
    return connection
