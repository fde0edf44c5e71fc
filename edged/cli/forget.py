"""``edged forget``: removes an enrolled reference, or enrolled examples of a set of states."""

from __future__ import annotations

import argparse
import sys

from edged.cli import argument_types
from edged.cli.console import EXIT_USAGE, Commands, emit
from edged.cli.daemon_arguments import add_daemon, connect_daemon
from edged.cli.states.set_text import examples_text, set_lines

__all__ = ["add_parser"]


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "forget",
        help="remove an enrolled reference, or enrolled examples of a set of states",
        description="Removes a reference that 'edged enroll' made: the running daemon no longer compares with it, its "
        "events end, and its picture is deleted. If NAME is a set of states, its enrolled examples are removed, and "
        "it is learned again without them: all of them, those of one --state, the newest one (--last), or the one "
        "with an ID that 'edged states' lists (--example). What is in the configuration is removed in that file.",
    )
    parser.add_argument("name", metavar="NAME", type=argument_types.name, help="the name of the reference or set")
    parser.add_argument("--state", type=argument_types.name, help="only examples of this state")
    parser.add_argument("--last", action="store_true", help="only the newest of these examples")
    parser.add_argument("--example", metavar="ID", help="only this example")
    add_daemon(parser)
    parser.set_defaults(main=forget)


def forget(args: argparse.Namespace) -> int:
    """Forget the reference or the examples that *args* name."""
    from edged.errors import WireError
    from edged.wire.control_requests import Forget

    try:
        request = Forget(name=args.name, state=args.state, last=args.last, example=args.example)
    except WireError as exc:
        print(f"edged forget: {exc}", file=sys.stderr)
        return EXIT_USAGE
    with connect_daemon(args) as daemon:
        if not request.is_of_a_set:
            daemon.forget(args.name)
            emit(f"{args.name} is forgotten\n")
            return 0
        result = daemon.forget_examples(args.name, args.state, last=args.last, example=args.example)
    lines = [f"forgotten: {examples_text(result.changed)} of {args.name}"]
    lines += [f"nothing is left of {args.name}"] if result.set is None else set_lines(result.set)
    emit("".join(f"{line}\n" for line in lines))
    return 0
