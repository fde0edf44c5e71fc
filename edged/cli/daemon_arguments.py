"""Arguments that name a running daemon, for the commands that send it requests."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edged.client.control import ControlClient

__all__ = ["add_daemon", "connect_daemon", "score_text"]


def add_daemon(parser: argparse.ArgumentParser) -> None:
    """Add ``--config`` and ``--socket``, which name the daemon."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        help="the configuration of the daemon, needed only if it sets control.endpoint",
    )
    which.add_argument(
        "--socket", metavar="PATH", help="the control socket of the daemon, such as /run/edged/control.sock"
    )


def connect_daemon(args: argparse.Namespace) -> ControlClient:
    """Connect to the daemon that *args* name, by default the one on this machine.

    Raises:
        ControlError: no daemon answers, or this user may not ask it.
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


def score_text(score: float) -> str:
    """Return a similarity as text for people."""
    return f"{score:.3f}"
