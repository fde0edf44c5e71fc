"""Keys that a configuration names, read from their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from edged.config import ConfigFileError, Loaded, Problem
from edged.errors import ConfigError
from edged.transport.curve import Curve
from edged.transport.keys import Client, Key, read_authorized, read_pair, read_public

__all__ = ["Keyring", "read_keyring"]

T = TypeVar("T")

NO_NACL = "keys need the Python package PyNaCl, which is missing: 'pip install pynacl', or python3-nacl of apt"


@dataclass(frozen=True, slots=True)
class Keyring:
    """The curve of each endpoint, by its text in the configuration; and the client of each authorized key."""

    curves: Mapping[str, Curve] = field(default_factory=dict)
    authorized: Mapping[Key, Client] = field(default_factory=dict)


def read_keyring(loaded: Loaded) -> Keyring:
    """Read every key file that *loaded* names.

    Raises:
        ConfigFileError: some cannot be used; it has a problem for each.
    """
    publish = loaded.config.publish
    problems: list[Problem] = []

    def read(path: tuple[str | int, ...], use: Callable[[Path], T], file: Path | None) -> T | None:
        try:
            return None if file is None else use(file)
        except ConfigError as exc:
            problems.append(loaded.problem(("publish", *path), str(exc)))
            return None

    curves = {}
    own = read(("client_key",), read_pair, publish.client_key)
    for endpoint in publish.endpoints:
        path, file = publish.key_of(endpoint) or ((), None)
        if endpoint.mode == "bind" and (pair := read(path, read_pair, file)):
            curves[str(endpoint)] = Curve(pair)
        elif endpoint.mode == "connect" and (server := read(path, read_public, file)) and own:
            curves[str(endpoint)] = Curve(own, server)
    authorized = read(("authorized_clients",), read_authorized, publish.authorized_clients)
    if curves and find_spec("nacl") is None:
        problems.append(loaded.problem(("publish",), NO_NACL))
    if problems:
        raise ConfigFileError({str(problem): problem for problem in problems}.values())  # several may name one file
    return Keyring(curves, authorized or {})
