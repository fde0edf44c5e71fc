"""``edged review``: shows the pictures that a set of states was least sure of, and takes answers about them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from edged.cli import argument_types
from edged.cli.console import EXIT_USAGE, Commands, emit
from edged.cli.daemon_arguments import add_daemon, connect_daemon
from edged.cli.states.review_answers import answer_lines, ask_all
from edged.cli.text import printable

if TYPE_CHECKING:
    from rich.table import Table

    from edged.wire.control_requests import Answer
    from edged.wire.control_results import ReviewResult

__all__ = ["add_parser"]

WIDE = 400  # columns when stdout is not a terminal: paths to copy must not be broken


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "review",
        help="answer what the pictures show that a set of states was least sure of",
        description="Lists the pictures that the running daemon has kept of a set of states with 'review: true', the "
        "least sure first, with their paths on this machine. In a terminal it then asks what each of them shows. "
        "Answers become examples, and the set learns them, as soon as two of its states have answers. Until then they "
        "are kept, and can be changed.",
    )
    parser.add_argument("name", metavar="NAME", type=argument_types.name, help="the set of states")
    parser.add_argument(
        "--answer", metavar="ID=STATE", action="extend", nargs="+", default=[], help="answer without being asked"
    )
    parser.add_argument(
        "--discard", metavar="ID", action="extend", nargs="+", default=[], help="remove pictures that show no state"
    )
    parser.add_argument("--json", action="store_true", help="print all details as JSON, for programs")
    add_daemon(parser)
    parser.set_defaults(main=review)


def review(args: argparse.Namespace) -> int:
    """List the pictures of the set that *args* name, or answer what they show."""
    from edged.errors import WireError

    try:
        requests = list(_requests(args))
    except WireError as exc:
        print(f"edged review: {exc}", file=sys.stderr)
        return EXIT_USAGE
    with connect_daemon(args) as daemon:
        if requests:
            # First, so that what is wrong with the set is reported, and not that its pictures are not found.
            daemon.review(args.name)
            for request in requests:
                result = (
                    daemon.discard(request.picture)
                    if request.state is None
                    else daemon.answer(request.picture, request.state)
                )
                lines = [json.dumps(asdict(result), ensure_ascii=False)] if args.json else answer_lines(result)
                emit("".join(f"{line}\n" for line in lines))
            return 0
        found = daemon.review(args.name)
        if args.json:
            emit(json.dumps(asdict(found), indent=2, ensure_ascii=False) + "\n")
            return 0
        _print_list(found)
        if found.entries and sys.stdin.isatty() and sys.stdout.isatty():
            ask_all(daemon, found)
    return 0


def _requests(args: argparse.Namespace) -> Iterator[Answer]:
    """Yield the answers that *args* have; WireError if one is wrong."""
    from edged.errors import WireError
    from edged.wire.control_requests import Answer

    for text in args.answer:
        picture, equals, state = text.partition("=")
        if not equals:
            raise WireError(f"--answer: must be ID=STATE, such as 5f0c2a9be41d7788=truck (got {text[:80]!r})")
        yield Answer(picture=picture, state=state)
    for picture in args.discard:
        yield Answer(picture=picture, discard=True)


def _print_list(found: ReviewResult) -> None:
    if not found.entries:
        emit(f"There is nothing to review of {found.name} yet: edged keeps a picture each minute at most.\n")
        return
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else WIDE, highlight=False).print(_table(found))


def _table(found: ReviewResult) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("Picture", "Guess", "P", "From", "Answer", "File", box=None, padding=(0, 2, 0, 0))
    for entry in found.entries:
        when = datetime.fromtimestamp(entry.t_wall_us / 1e6).astimezone()
        cells = (
            entry.id,
            entry.guess,
            f"{entry.p:.2f}",
            f"{entry.camera}/{entry.region}, {when:%Y-%m-%d %H:%M}",
            "-" if entry.answer is None else f"{entry.answer}, waits",
        )
        table.add_row(*map(Text, cells), Text(printable(entry.thumbnail), overflow="fold"))
    return table
