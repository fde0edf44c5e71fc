"""The settings of a page that the arguments of ``edged page`` name."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edged.cli import subscriber_arguments
from edged.errors import ConfigError, map_exceptions

if TYPE_CHECKING:
    from edged.client import Subscriber
    from edged.page.gate import AccessGate, Role
    from edged.page.passwords import Hash
    from edged.page.server import PageSettings

__all__ = ["settings_of"]

QUEUE, QUEUE_BYTES = 1000, 1 << 20


def settings_of(args: argparse.Namespace, tokens: Mapping[Role, str]) -> PageSettings:
    """Return the settings that *args* name.

    Raises:
        ConfigError: a file of keys, passwords or a certificate is wrong.
    """
    from edged.client.control import control_addresses
    from edged.page.passwords import read_passwords
    from edged.page.server import PageSettings
    from edged.page.tls import tls_context

    passwords = {} if args.password_file is None else dict(read_passwords(args.password_file))
    if args.look:
        passwords.pop("change", None)
    return PageSettings(
        gate=_gate(args, tokens, passwords),
        control=control_addresses() if args.socket is None else [f"ipc://{args.socket.removeprefix('ipc://')}"],
        subscribe=_subscribe(args),
        passwords=passwords,
        tls=None if args.cert is None else tls_context(args.cert, args.key),
        idle_seconds=args.idle_exit,
        frame_ancestors=" ".join(args.frame_ancestors or ["'none'"]),
    )


def _subscribe(args: argparse.Namespace) -> Callable[[str], Subscriber]:
    """Return the function that subscribes to the daemon with a control socket at an address."""
    from edged.client import Subscriber
    from edged.client.keys import curves
    from edged.wire import default_address

    keys = {key: getattr(args, key) for key in ("server_key", "client_key", "authorized_clients")}
    with map_exceptions({ValueError: ConfigError}, "edged page"):
        curves(args.connect or [default_address()], **keys)  # now: later it would be the end of a page in use

    def subscribe(control: str) -> Subscriber:
        beside = f"ipc://{Path(control.removeprefix('ipc://')).parent / 'pub.sock'}"
        addresses = args.connect or [beside if Path(beside.removeprefix("ipc://")).exists() else default_address()]
        return Subscriber(
            *addresses, kinds=subscriber_arguments.KINDS, vectors=False, queue=QUEUE, queue_bytes=QUEUE_BYTES, **keys
        )

    return subscribe


def _gate(args: argparse.Namespace, tokens: Mapping[Role, str], passwords: Mapping[Role, Hash]) -> AccessGate:
    from edged.page.gate import AccessGate

    digests = [each.digest for each in passwords.values()]
    if args.behind_proxy is not None:
        scheme, _, proxy = args.behind_proxy.partition("://")
        return AccessGate(tokens, (), scheme, proxy, digests)
    own = socket.gethostname()
    bare = own.partition(".")[0]
    names = {"localhost", "127.0.0.1", "[::1]", own, bare, f"{bare}.local", *args.host}
    return AccessGate(tokens, names, "http" if args.cert is None else "https", digests=digests)
