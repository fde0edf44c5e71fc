"""The endpoints that messages are published at, as the configuration spells them: ``pub+bind:tcp://127.0.0.1:5556``."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edged.config.problems import shown
from edged.config.sections.paths import absolute

__all__ = ["Endpoint"]

LONGEST_SOCKET_PATH = 107  # bytes: sun_path of unix(7), without its closing zero

_TCP = re.compile(r"(?P<host>\*|\[[^\]]*\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?):(?P<port>\*|[0-9]{1,5})")
_PARTS = re.compile(r"pub\+(?P<mode>bind|connect):(?P<transport>[a-z]+)://(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of the stream: bound here, or connected to a subscriber that listens.

    ``address`` is what ZeroMQ takes: ``tcp://127.0.0.1:5556``, ``tcp://[::1]:5556`` (the socket needs ``IPV6``),
    ``tcp://*:5556`` (every network, bound), ``tcp://127.0.0.1:*`` (any free port), ``ipc:///run/edged/pub.sock``.
    """

    mode: Literal["bind", "connect"]
    address: str

    @property
    def transport(self) -> str:
        """``tcp`` or ``ipc``."""
        return self.address.partition(":")[0]

    @property
    def socket_path(self) -> Path | None:
        """The socket file of an ``ipc`` endpoint, always absolute."""
        return Path(self.address.removeprefix("ipc://")) if self.transport == "ipc" else None

    @property
    def is_local(self) -> bool:
        """True where nothing that is sent there leaves this machine."""
        return self.transport == "ipc" or _is_loopback(self.address.removeprefix("tcp://").rpartition(":")[0])

    def __str__(self) -> str:
        return f"pub+{self.mode}:{self.address}"

    @classmethod
    def parse(cls, text: str, folder: Path) -> Endpoint:
        """Return the endpoint that *text* names; a relative path of a socket starts at *folder*.

        Raises:
            ValueError: *text* does not name an endpoint.
        """
        parts = _PARTS.fullmatch(text)
        if parts is None or parts["transport"] not in {"tcp", "ipc"}:
            raise ValueError(
                "must be pub+bind: or pub+connect: and tcp://HOST:PORT or ipc://PATH, such as "
                f"pub+bind:tcp://127.0.0.1:5556 (got {shown(text)})"
            )
        mode: Literal["bind", "connect"] = "bind" if parts["mode"] == "bind" else "connect"
        if parts["transport"] == "tcp":
            return cls(mode, _tcp_address(parts["rest"], mode, text))
        return cls(mode, _ipc_address(parts["rest"], folder, text))


def _tcp_address(rest: str, mode: str, text: str) -> str:
    parts = _TCP.fullmatch(rest)
    if parts is None:
        raise ValueError(f"must be tcp://HOST:PORT, such as tcp://127.0.0.1:5556 (got {shown(text)})")
    port = parts["port"]
    if port == "*" and mode == "connect":
        raise ValueError(f"must name the port to connect to (got {shown(text)})")
    if port != "*" and not 1 <= int(port) <= 65535:
        raise ValueError(f"must have a port in 1…65535, or * for any that is free (got {shown(text)})")
    if parts["host"] == "*" and mode == "connect":
        raise ValueError(f"must name the host to connect to (got {shown(text)})")
    if parts["host"].startswith("["):
        _refuse_unless_ipv6(parts["host"][1:-1], text)
    host = "127.0.0.1" if parts["host"] == "localhost" else parts["host"]
    return f"tcp://{host}:{port if port == '*' else int(port)}"


def _refuse_unless_ipv6(host: str, text: str) -> None:
    try:
        ipaddress.IPv6Address(host)
    except ValueError as exc:
        raise ValueError(
            f"must have an IPv6 address in its brackets, such as tcp://[::1]:5556 (got {shown(text)})"
        ) from exc


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        if host.startswith("["):
            return ipaddress.IPv6Address(host[1:-1]) == ipaddress.IPv6Address("::1")
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False


def _ipc_address(rest: str, folder: Path, text: str) -> str:
    if rest.startswith(("@", "*")) or rest.endswith("/"):
        raise ValueError(f"must name a socket file, such as ipc:///run/edged/pub.sock (got {shown(text)})")
    path = str(absolute(rest, folder))
    length = len(path.encode())
    if length > LONGEST_SOCKET_PATH:
        raise ValueError(
            f"must be a path of at most {LONGEST_SOCKET_PATH} bytes, which is all that a socket's name holds "
            f"(got {length} bytes: {shown(path)})"
        )
    return f"ipc://{path}"
