"""A check whether another process listens at the endpoints of a configuration."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edged.config import Endpoint

__all__ = ["publishing_already"]

ANSWER_SECONDS = 0.5


def publishing_already(endpoints: Iterable[Endpoint]) -> str | None:
    """Return the address of the first of *endpoints* on which a process listens; None if all are free."""
    for endpoint in endpoints:
        if endpoint.mode == "bind" and _is_listening(endpoint):
            return endpoint.address
    return None


def _is_listening(endpoint: Endpoint) -> bool:
    if endpoint.socket_path is not None:
        family, target = socket.AF_UNIX, str(endpoint.socket_path)
        with closing(socket.socket(family)) as probe:
            return probe.connect_ex(target) == 0
    host, _, port = endpoint.address.removeprefix("tcp://").rpartition(":")
    if port == "*":
        return False
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS).close()
    except OSError:
        return False
    return True
