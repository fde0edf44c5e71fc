"""``edged replay``: a recording, published again."""

from __future__ import annotations

import argparse
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from edged.cli import argument_types as legal
from edged.cli.console import Commands, Paragraphs

if TYPE_CHECKING:
    from edged.config import Endpoint

__all__ = ["add_parser"]

EPILOG = """\
  edged replay street.edged --wait &
  edged tail

Whoever listens cannot tell it from the daemon that was recorded: the messages are the same byte for byte, their times
are of then, and with --loop their numbers begin anew each time, as after a restart.
"""


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "replay",
        help="publish a recording again",
        description="Publishes the messages of FILE again, byte for byte and with the time that was between them, on "
        "the same kind of socket as the daemon's. Of a file that is cut off or damaged it publishes what is whole, and "
        "says so. Exit status: 0 all of it was published, or Ctrl-C; 1 the file is no recording, or the endpoint is "
        "taken.",
        epilog=EPILOG,
        formatter_class=Paragraphs,
    )
    parser.add_argument("file", metavar="FILE", help="made by 'edged record'")
    parser.add_argument("--speed", type=legal.positive, metavar="N", default=1.0, help="N times as fast (default: 1)")
    parser.add_argument("--loop", action="store_true", help="again and again, until Ctrl-C")
    parser.add_argument(
        "--wait",
        nargs="?",
        type=legal.positive,
        metavar="S",
        const=inf,
        help="wait for a first subscriber, at most S seconds (default: as long as it takes)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--endpoint",
        type=_endpoint,
        action="append",
        metavar="ENDPOINT",
        help="pub+bind:tcp://127.0.0.1:5556, pub+bind:ipc://PATH, … on this machine; may be given several times "
        "(default: as the daemon)",
    )
    where.add_argument(
        "-c", "--config", metavar="CONFIG", help="publish where this configuration does, and with its keys"
    )
    parser.set_defaults(main=replay, command="replay")


def replay(args: argparse.Namespace) -> int:
    """Publish the recording that *args* name."""
    from edged.cli.replay.player import play

    return play(args)


def _endpoint(text: str) -> Endpoint:
    from edged.config import Endpoint

    try:
        endpoint = Endpoint.parse(text, Path.cwd())
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc
    if not endpoint.is_local:
        raise argparse.ArgumentTypeError(
            "must stay on this machine, or everybody on the network can read along; -c CONFIG publishes where a "
            f"configuration does, with its keys (got {text})"
        )
    return endpoint
