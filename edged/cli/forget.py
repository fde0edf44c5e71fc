"""``edged forget``: an enrolled reference is no longer compared."""

from __future__ import annotations

import argparse

from edged.cli import argument_types
from edged.cli.console import Commands, emit
from edged.cli.daemon_arguments import add_daemon, ask

__all__ = ["add_parser"]


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "forget",
        help="forget an enrolled reference",
        description="Takes away what 'edged enroll' made: the running daemon no longer compares with it, its events "
        "end, and its picture is removed. References of the configuration are taken out there.",
    )
    parser.add_argument("name", metavar="NAME", type=argument_types.name, help="of the reference")
    add_daemon(parser)
    parser.set_defaults(main=forget)


def forget(args: argparse.Namespace) -> int:
    """Forget what *args* name."""
    with ask(args) as daemon:
        daemon.forget(args.name)
    emit(f"{args.name} is forgotten\n")
    return 0
