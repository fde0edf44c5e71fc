"""CURVE keys of each endpoint of a subscriber, read from the key files of its arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from edged.transport.curve import Curve
from edged.transport.keys import read_pair, read_public
from edged.wire.endpoints import BIND

__all__ = ["KeyFile", "curves"]

KeyFile: TypeAlias = str | os.PathLike[str]


def curves(
    addresses: Sequence[str],
    server_key: KeyFile | Mapping[str, KeyFile] | None,
    client_key: KeyFile | None,
    authorized_clients: KeyFile | None,
) -> dict[str, Curve]:
    """Return the keys of those of *addresses* that have some, by address; the others are in clear.

    Raises:
        ValueError: the arguments do not go together.
        ConfigError: a key file cannot be used.
    """
    secured = {}
    for address, file in _files(addresses, server_key).items():
        if address.startswith(BIND):
            if authorized_clients is None:
                raise ValueError(f"authorized_clients: {address} needs the folder with the keys that it lets in")
            secured[address] = Curve(read_pair(file))
        else:
            if client_key is None:
                raise ValueError(f"client_key: {address} needs our own secret key beside its server_key")
            secured[address] = Curve(read_pair(client_key), read_public(file))
    if client_key is not None and all(curve.server is None for curve in secured.values()):
        raise ValueError("client_key: goes with the server_key of an endpoint that is connected to")
    if authorized_clients is not None and all(curve.server is not None for curve in secured.values()):
        raise ValueError(f"authorized_clients: goes with the server_key of a {BIND} endpoint")
    return secured


def _files(addresses: Sequence[str], server_key: KeyFile | Mapping[str, KeyFile] | None) -> dict[str, KeyFile]:
    """Return the file with the key of the server, by address."""
    if server_key is None:
        return {}
    over_tcp = [address for address in addresses if address.removeprefix(BIND).startswith("tcp:")]
    if isinstance(server_key, Mapping):
        for address in server_key:
            if address not in over_tcp:
                raise ValueError(f"server_key: no tcp:// endpoint is called {address!r}")
        return dict(server_key)
    if not over_tcp:
        raise ValueError(f"server_key: keys are for tcp:// endpoints (got {', '.join(addresses)})")
    return dict.fromkeys(over_tcp, server_key)
