"""``edged references``: lists the references of the running daemon."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from edged.cli.console import Commands, emit
from edged.cli.daemon_arguments import add_daemon, connect_daemon, score_text
from edged.label_text import escaped

if TYPE_CHECKING:
    from rich.table import Table

    from edged.wire.control_results import ReferenceInfo

__all__ = ["add_parser"]

WIDE = 400  # columns when stdout is not a terminal: paths to copy must not be broken


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "references",
        help="list the references of the running daemon",
        description="Lists the references of the running daemon, from its configuration and enrolled ones: in which "
        "regions they are compared, the space of their vectors, and the file of a picture of each. For an enrolled "
        "reference that is not compared, it prints the reason. The last line names the sets of states, if there are "
        "any: 'edged states' lists these.",
    )
    parser.add_argument("--json", action="store_true", help="print all details as JSON, for programs")
    add_daemon(parser)
    parser.set_defaults(main=references)


def references(args: argparse.Namespace) -> int:
    """List the references."""
    with connect_daemon(args) as daemon:
        infos = daemon.references()
        sets = () if args.json else daemon.status().sets
    if args.json:
        emit(json.dumps([asdict(info) for info in infos], indent=2, ensure_ascii=False) + "\n")
    elif not infos:
        emit(
            "There are no references. 'edged enroll NAME --camera CAMERA' makes one of the current view of a camera.\n"
        )
    else:
        from rich.console import Console

        Console(width=None if sys.stdout.isatty() else WIDE, highlight=False).print(_table(infos))
    if sets:
        emit(f"Sets of states: {', '.join(sets)}; 'edged states' lists them.\n")
    return 0


def _table(infos: Sequence[ReferenceInfo]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("Reference", "From", "Compared in", "Space", "Picture", box=None, padding=(0, 2, 0, 0))
    for info in infos:
        where = Text(", ".join(info.places) or "everywhere")
        if info.problem:
            where = Text(f"nowhere: {info.problem}", style="yellow")
        space, picture = Text(info.space_id or "-"), Text(escaped(info.thumbnail or "-"), overflow="fold")
        table.add_row(Text(info.name, style="bold"), _origin(info), where, space, picture)
    return table


def _origin(info: ReferenceInfo) -> str:
    if info.origin == "config":
        return "the configuration"
    if info.t_wall_us is None:
        return "enrolled"
    when = datetime.fromtimestamp(info.t_wall_us / 1e6).astimezone()
    similarity = (
        f", {info.frames} frames with a similarity of {score_text(info.similarity)}"
        if info.similarity is not None
        else ""
    )
    return f"{info.camera}/{info.region}, {when:%Y-%m-%d %H:%M}{similarity}"
