"""What the commands that ask a running daemon share: how they find it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edged.client.control import ControlClient

__all__ = ["add_daemon", "ask", "printed"]


def add_daemon(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say which daemon is meant."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        help="the daemon's configuration, needed only if that has a control.endpoint",
    )
    which.add_argument("--socket", metavar="PATH", help="the daemon's control socket, such as /run/edged/control.sock")


def ask(args: argparse.Namespace) -> ControlClient:
    """The daemon that *args* name, by default the one that runs on this machine.

    Raises:
        ControlError: it does not answer, or may not be asked.
        ConfigError: the configuration is wrong.
    """
    from edged.client.control import ControlClient

    if args.socket is not None:
        return ControlClient(f"ipc://{args.socket.removeprefix('ipc://')}")
    if args.config is not None:
        from edged.config import load

        control = load(args.config).config.control
        if control.is_chosen and control.endpoint is not None:
            return ControlClient(control.endpoint.address)
    return ControlClient()


def printed(score: float) -> str:
    """A similarity for people."""
    return f"{score:.3f}"
