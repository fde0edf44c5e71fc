"""Check for messages that have arrived at a socket, for a thread that must not wait."""

from __future__ import annotations

import zmq

__all__ = ["has_arrivals"]

_EVENTS, _READABLE = zmq.EVENTS.value, zmq.POLLIN.value  # enumerations would cost more than the check


def has_arrivals(socket: zmq.Socket[bytes]) -> bool:
    """Return whether the next ``recv`` of *socket* finds a message with all its parts.

    A ``recv`` that fails takes two to four times as long, which counts where it is done for every frame.
    """
    return bool(int(socket.get(_EVENTS)) & _READABLE)
