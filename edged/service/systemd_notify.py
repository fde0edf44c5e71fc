"""Notifications to a service manager such as systemd: the protocol of sd_notify(3)."""

from __future__ import annotations

import logging
import socket
import time

__all__ = ["Notifier"]

log = logging.getLogger(__name__)

SEND_SECONDS = 1.0  # systemd takes a message at once, unless it is in trouble itself
STATUS_BYTES = 1024  # systemd takes 4 KiB with all fields, and people read one line


class Notifier:
    """Notifies the service manager at *address* of the daemon's state; without an address it does nothing.

    Only the first message that cannot be sent causes a warning: the daemon works as well without a manager.
    A manager that does not read its messages is waited for once, for `SEND_SECONDS`, until it takes one again. One
    thread uses it.

    Args:
        address: ``$NOTIFY_SOCKET``: the path of a datagram socket, or ``@`` and the name of an abstract one.
    """

    def __init__(self, address: str | None) -> None:
        self._address = ""
        self._socket: socket.socket | None = None
        self._has_failed = self._is_deaf = False
        if address is None:
            return
        if not address.startswith(("/", "@")):
            log.warning(
                "NOTIFY_SOCKET is neither a path nor an abstract socket, so no manager is notified: %s", address
            )
            return
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def ready(self) -> None:
        """Report the end of the start, or of a reload: every stage is open."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Report that a reload begins; ``ready`` ends it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def still_starting(self, seconds: float) -> None:
        """Report that the start takes at least *seconds* more, even if that is more than it was given."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def stopping(self) -> None:
        """Report that the stop begins."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Report that every stage makes progress. Without this for ``$WATCHDOG_USEC`` the manager ends the daemon."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Report one line for people, which ``systemctl status`` shows."""
        line = " ".join(text.split()).encode("utf-8", "replace")[:STATUS_BYTES]
        self._send(f"STATUS={line.decode('utf-8', 'ignore')}")

    def close(self) -> None:
        """Close the socket; harmless when done twice. Later messages are dropped."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, *fields: str) -> None:
        if self._socket is None:
            return
        self._socket.settimeout(0.0 if self._is_deaf else SEND_SECONDS)
        try:
            self._socket.sendto("\n".join(fields).encode(), self._address)
            self._is_deaf = False
        except OSError as exc:
            self._is_deaf = isinstance(exc, TimeoutError | BlockingIOError)
            if not self._has_failed:
                log.warning("the service manager at %s cannot be notified: %s", self._address.replace("\0", "@"), exc)
            self._has_failed = True
