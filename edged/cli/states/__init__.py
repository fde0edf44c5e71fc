"""``edged states``: lists the sets of states of the running daemon, and what their examples prove."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from edged.cli import argument_types
from edged.cli.console import EXIT_FAILURE, EXIT_USAGE, Commands, emit
from edged.cli.daemon_arguments import add_daemon, connect_daemon
from edged.cli.states.set_text import set_lines
from edged.cli.text import some

if TYPE_CHECKING:
    from rich.table import Table

    from edged.wire.control_results import SetReport

__all__ = ["add_parser"]

WIDE = 400  # columns when stdout is not a terminal: paths to copy must not be broken


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "states",
        help="list the sets of states of the running daemon, and what they have learned",
        description="Lists the examples of each set of states of the running daemon, with the ID and the picture of "
        "each enrolled one. Below, a line for each set reports how many examples were wrong when each was judged by "
        "all others, how many errors that leaves possible, and what to add next. 'edged enroll NAME --state STATE' "
        "adds an example, 'edged relabel ID STATE' corrects one, and 'edged forget NAME --example ID' removes one.",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", type=argument_types.name, help="only this set")
    parser.add_argument("--json", action="store_true", help="print all details as JSON, for programs")
    parser.add_argument(
        "--evaluate",
        metavar="FOLDER",
        type=Path,
        help="measure a set on pictures that you have labelled: FOLDER has a folder of pictures for each state, which "
        "show what the region shows. Prints which states they were taken for, the most errors to expect, the light in "
        "which examples are missing, and labels that may be wrong. Needs -c, and no daemon",
    )
    add_daemon(parser)
    parser.set_defaults(main=states, runs_native_code=True)


def states(args: argparse.Namespace) -> int:
    """List the sets of states, or evaluate one."""
    if args.evaluate is not None:
        return _evaluate(args)
    with connect_daemon(args) as daemon:
        infos = daemon.states()
    if args.name is not None:
        infos = tuple(info for info in infos if info.name == args.name)
        if not infos:
            print(f"edged states: there is no set {args.name}; 'edged states' lists all", file=sys.stderr)
            return EXIT_FAILURE
    if args.json:
        emit(json.dumps([asdict(info) for info in infos], indent=2, ensure_ascii=False) + "\n")
    elif not infos:
        emit(
            "There are no sets of states. 'edged enroll NAME --state STATE --camera CAMERA' makes one: enroll some "
            "pictures of each state.\n"
        )
    else:
        from rich.console import Console

        Console(width=None if sys.stdout.isatty() else WIDE, highlight=False).print(_table(infos))
        emit("\n" + "".join(f"{line}\n" for info in infos for line in set_lines(info)))
    return 0


def _evaluate(args: argparse.Namespace) -> int:
    from edged.cli.states.evaluate import evaluate
    from edged.cli.states.evaluation_text import as_json, as_text

    if args.config is None:
        print("edged states: --evaluate needs -c FILE, the configuration of the daemon", file=sys.stderr)
        return EXIT_USAGE
    found = evaluate(args.config, args.name, args.evaluate)
    for error in found.failed:
        print(f"edged states: {error}", file=sys.stderr)
    emit((as_json if args.json else as_text)(found))
    return EXIT_FAILURE if found.failed else 0


def _table(infos: Sequence[SetReport]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("Set", "State", "Example", "From", "Picture", box=None, padding=(0, 2, 0, 0))
    for info in infos:
        for state in info.states:
            for cells in _rows(info, state):
                path = Text(cells[-1], overflow="fold")
                table.add_row(Text(info.name, style="bold"), Text(state), *map(Text, cells[:-1]), path)
    return table


def _rows(info: SetReport, state: str) -> list[tuple[str, str, str]]:
    """Return the last three cells of each example of *state*, newest last; of a state without any a row too."""
    enrolled = [example for example in info.examples if example.state == state]
    rows = []
    if in_files := info.counts.get(state, 0) - len(enrolled):
        rows.append((some(in_files, "picture"), "the configuration", "-"))
    for example in enrolled:
        when = datetime.fromtimestamp(example.t_wall_us / 1e6).astimezone()
        rows.append((example.id, f"{example.camera}/{example.region}, {when:%Y-%m-%d %H:%M}", example.thumbnail))
    return rows or [("none yet", "-", "-")]
