"""Names under which the metrics server answers: a web page whose name a stranger points at this machine gets nothing.

A browser lets a page read answers of the page's own host. With DNS rebinding that host becomes an address of this
machine or its network, but the request still names the stranger's host, so the server can tell.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Collection
from pathlib import Path

__all__ = ["KnownHosts"]

HOSTS, RESOLVER = Path("/etc/hosts"), Path("/etc/resolv.conf")
LARGEST = 1 << 16  # bytes of these files that are read

_HOST = re.compile(rb"(?P<name>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,255})(?::[0-9]{0,5})?")


class KnownHosts:
    """Any IP literal, ``localhost``, the names of this machine, and *configured* names.

    The names of this machine are its host name: bare, with ``.local``, and with each domain that ``/etc/hosts`` and
    ``/etc/resolv.conf`` have for it. DNS is not asked, because that could take long, and a stranger could answer.
    """

    def __init__(self, configured: Collection[str]) -> None:
        self._configured = {_plain(name) for name in configured} | {"localhost"}

    def __contains__(self, header: object) -> bool:
        """Return whether *header*, the value of a ``Host`` field, names this machine."""
        match = _HOST.fullmatch(header) if isinstance(header, bytes) else None
        if match is None:
            return False
        name = _plain(match["name"].decode())
        return _is_address(name) or name in self._configured or name in _own_names()


def _plain(name: str) -> str:
    return name.lower().removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return (address.version == 6) is name.startswith("[")


def _own_names() -> set[str]:
    own = _plain(socket.gethostname())
    bare = own.partition(".")[0]
    if not bare:
        return set()
    domains = {domain.strip(".") for line in _lines(RESOLVER) if line[0] in ("search", "domain") for domain in line[1:]}
    names = {name.removesuffix(".") for line in _lines(HOSTS) if bare in line[1:] for name in line[1:]}
    with_domain = {name for name in names if name.startswith(f"{bare}.")}
    return {own, bare, f"{bare}.local", *with_domain, *(f"{bare}.{domain}" for domain in domains if domain)}


def _lines(path: Path) -> list[list[str]]:
    """Return the words of each line of a file of this machine, in small letters; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST).decode("utf-8", "replace").lower()
    except OSError:
        return []
    return [words for line in text.splitlines() if (words := line.partition("#")[0].split())]
