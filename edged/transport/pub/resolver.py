"""Addresses of host names, looked up in a thread that is not waited for."""

from __future__ import annotations

import socket
import threading

from edged.bell import Bell

__all__ = ["Lookup", "Target", "targets"]

Target = tuple[int, object]
"""The family of a socket, and the address that it connects to."""


def targets(host: str, port: int, flags: int = 0) -> list[Target]:
    """Return the addresses of *host*; it may take long, but not with ``AI_NUMERICHOST`` as *flags*.

    Raises:
        OSError: it has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, address) for family, _, _, _, address in found]


class Lookup:
    """A look-up in a thread of its own, which ends when the name servers have answered. *bell* rings then."""

    def __init__(self, host: str, port: int, bell: Bell) -> None:
        self.found: list[Target] | None = None
        """The addresses; empty: the host has none, None: not known yet."""
        self._question = host, port
        self._bell = bell
        threading.Thread(target=self._resolve, name=f"resolve {host}"[:15], daemon=True).start()

    def _resolve(self) -> None:
        try:
            self.found = targets(*self._question)
        except (OSError, UnicodeError):
            self.found = []
        self._bell.ring()
