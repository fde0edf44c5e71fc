"""``edged relabel``: makes an enrolled example one of another state."""

from __future__ import annotations

import argparse
import sys

from edged.cli import argument_types
from edged.cli.console import EXIT_USAGE, Commands, emit
from edged.cli.daemon_arguments import add_daemon, connect_daemon
from edged.cli.states.set_text import set_lines

__all__ = ["add_parser"]


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "relabel",
        help="make an enrolled example one of another state",
        description="Corrects the state of an example that 'edged enroll NAME --state STATE' made. The running daemon "
        "learns the set again, and decides by that from the next frame on. 'edged states' lists the examples with "
        "their IDs and pictures.",
    )
    parser.add_argument("example", metavar="ID", help="the example, such as 5f0c2a9be41d7788")
    parser.add_argument("state", metavar="STATE", type=argument_types.name, help="the state that it shows")
    add_daemon(parser)
    parser.set_defaults(main=relabel)


def relabel(args: argparse.Namespace) -> int:
    """Relabel the example that *args* name."""
    from edged.errors import WireError
    from edged.wire.control_requests import Relabel

    try:
        Relabel(example=args.example, state=args.state)
    except WireError as exc:
        print(f"edged relabel: {exc}", file=sys.stderr)
        return EXIT_USAGE
    with connect_daemon(args) as daemon:
        result = daemon.relabel(args.example, args.state)
    lines = [f"{args.example} is an example of {args.state} now"]
    if result.set is not None:
        lines += set_lines(result.set)
    emit("".join(f"{line}\n" for line in lines))
    return 0
