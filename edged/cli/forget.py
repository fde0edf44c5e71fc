"""``edged forget``: removes an enrolled reference."""

from __future__ import annotations

import argparse

from edged.cli import argument_types
from edged.cli.console import Commands, emit
from edged.cli.daemon_arguments import add_daemon, connect_daemon

__all__ = ["add_parser"]


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "forget",
        help="remove an enrolled reference",
        description="Removes a reference that 'edged enroll' made: the running daemon no longer compares with it, its "
        "events end, and its picture is deleted. A reference of the configuration is removed in that file.",
    )
    parser.add_argument("name", metavar="NAME", type=argument_types.name, help="the name of the reference")
    add_daemon(parser)
    parser.set_defaults(main=forget)


def forget(args: argparse.Namespace) -> int:
    """Forget the reference that *args* name."""
    with connect_daemon(args) as daemon:
        daemon.forget(args.name)
    emit(f"{args.name} is forgotten\n")
    return 0
