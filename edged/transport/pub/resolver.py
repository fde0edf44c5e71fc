"""Host names to addresses, without waiting for them."""

from __future__ import annotations

import socket
import threading

from edged.bell import Bell

__all__ = ["Lookup", "Target", "targets"]

Target = tuple[int, object]
"""The family of a socket, and what it connects to."""


def targets(host: str, port: int, flags: int = 0) -> list[Target]:
    """What *host* means; it may take long, but not with ``AI_NUMERICHOST`` as *flags*.

    Raises:
        OSError: it means nothing.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, address) for family, _, _, _, address in found]


class Lookup:
    """One question in a thread of its own, which nobody waits for: it ends when the name servers have answered."""

    def __init__(self, host: str, port: int, bell: Bell) -> None:
        self.found: list[Target] | None = None
        """The answer: empty if there is no such host, None until it is known."""
        self._question = host, port
        self._bell = bell
        threading.Thread(target=self._ask, name=f"resolve {host}"[:15], daemon=True).start()

    def _ask(self) -> None:
        try:
            self.found = targets(*self._question)
        except (OSError, UnicodeError):
            self.found = []
        self._bell.ring()
