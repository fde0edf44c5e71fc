"""``edged enroll``: what a camera sees now becomes a reference."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from edged.cli import argument_types
from edged.cli.console import EXIT_USAGE, Commands, emit
from edged.cli.daemon_arguments import add_daemon, ask, printed

if TYPE_CHECKING:
    from edged.wire.control_messages import EnrollResult

__all__ = ["add_parser"]

STILL = 0.95  # frames of a scene in which nothing moves are more alike than this


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "enroll",
        help="make a reference of what a camera sees now",
        description="Gives what a region of a camera looks like now a name. The running daemon looks at several frames "
        "within two seconds, keeps the one that is most like the others, and compares with it from the next frame on, "
        "also after a restart. 'edged references' lists what is enrolled, 'edged forget' takes it away.",
    )
    parser.add_argument("name", metavar="NAME", type=argument_types.name, help="what it is to be called")
    parser.add_argument("--camera", type=argument_types.name, required=True, help="the camera that looks at it")
    parser.add_argument(
        "--region", type=argument_types.name, help="which region; may be left out where there is only one"
    )
    parser.add_argument("--frames", type=int, default=5, metavar="N", help="how many frames to look at (default: 5)")
    parser.add_argument("--replace", action="store_true", help="in place of what has that name now")
    events = parser.add_argument_group("events", "as enter, leave … of a reference in the configuration")
    events.add_argument("--enter", type=float, metavar="SCORE", help="make events: one begins at this score")
    events.add_argument("--leave", type=float, metavar="SCORE", help="and ends below this (default: 0.03 less)")
    events.add_argument("--min-seconds", type=float, default=0.0, metavar="S", help="begin only after so long")
    events.add_argument("--cooldown-seconds", type=float, default=0.0, metavar="S", help="and not so soon again")
    add_daemon(parser)
    parser.set_defaults(main=enroll)


def enroll(args: argparse.Namespace) -> int:
    """Enroll what *args* name."""
    from edged.errors import WireError
    from edged.wire.control_messages import Enroll

    settings = ("name", "camera", "region", "frames", "replace", "enter", "leave", "min_seconds", "cooldown_seconds")
    chosen = {setting: getattr(args, setting) for setting in settings}
    try:
        Enroll(**chosen)
    except WireError as exc:
        print(f"edged enroll: {exc}", file=sys.stderr)
        return EXIT_USAGE
    with ask(args) as daemon:
        result = daemon.enroll(**chosen)
    emit("".join(f"{line}\n" for line in _lines(result)))
    return 0


def _lines(result: EnrollResult) -> Iterator[str]:
    new = result.reference
    instead = "instead of what had that name" if result.replaced else "from the next frame on"
    yield f"{new.name}: {new.camera}/{new.region} as it looks now, compared {instead}"
    others = [score for number, score in enumerate(result.similarities) if number not in result.outliers]
    if len(others) > 1:
        moved = "" if min(others) >= STILL else ": something moved, so scores will be lower than of a scene at rest"
        yield f"{len(others)} frames, each like it to {printed(min(others))} at least{moved}"
    if result.outliers:
        told = ", ".join(printed(result.similarities[number]) for number in result.outliers)
        yield f"{len(result.outliers)} of {len(result.similarities)} showed something else ({told}) and do not count"
    yield str(new.thumbnail)
