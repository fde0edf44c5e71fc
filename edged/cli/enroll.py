"""``edged enroll``: makes a reference of the current view of a camera, or examples of a state."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from edged.cli import argument_types
from edged.cli.console import EXIT_USAGE, Commands, Paragraphs, emit
from edged.cli.daemon_arguments import add_daemon, connect_daemon, score_text
from edged.cli.states.enroll_examples import enroll_examples

if TYPE_CHECKING:
    from edged.wire.control_results import EnrollResult

__all__ = ["add_parser"]

MOST_COUNT = 200  # as many examples as a set can have
EVERY = 20.0

DESCRIPTION = """\
Makes a reference NAME of the current view of a region. The running daemon takes several frames within two seconds,
keeps the one that is most like the others, and compares with it from the next frame on, also after a restart.
'edged references' lists enrolled references, and 'edged forget' removes one.

With --state the view becomes an example of a state of the set NAME instead. Two states or more make a set; the daemon
learns to tell them apart, and decides for each frame. Enroll at least three examples of each state, better five, that
differ as much as views of that state do: another vehicle, other light, another hour of the day. Then
'edged states' reports what they prove, 'edged relabel' corrects one, and 'edged forget' removes one.
Ctrl-C ends the taking; what is enrolled stays.
"""

EPILOG = """\
examples:
  edged enroll gate-shut --camera street --region gate
  edged enroll bay --state empty --camera dock --region bay --count 5 --every 20s
  edged enroll bay --state truck --camera dock --region bay --count 5 --every 20s
"""

STILL = 0.95  # frames of a scene in which nothing moves are more alike than this


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "enroll",
        help="make a reference, or examples of a state, of the current view of a camera",
        formatter_class=Paragraphs,
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    parser.add_argument(
        "name", metavar="NAME", type=argument_types.name, help="the name of the reference, or of the set of states"
    )
    parser.add_argument("--camera", type=argument_types.name, required=True, help="the camera with the view")
    parser.add_argument(
        "--region", type=argument_types.name, help="the region of the camera; not needed if it has only one"
    )
    parser.add_argument("--frames", type=int, default=5, metavar="N", help="how many frames to take (default: 5)")
    parser.add_argument("--replace", action="store_true", help="replace the enrolled reference that has this name")
    states = parser.add_argument_group("states", "examples of a state of the set NAME")
    states.add_argument("--state", type=argument_types.name, help="the view shows this state: learn it")
    states.add_argument(
        "--count",
        type=partial(argument_types.whole, most=MOST_COUNT),
        metavar="N",
        help="how many examples to take (default: 1)",
    )
    states.add_argument(
        "--every",
        type=argument_types.duration,
        metavar="TIME",
        help="the time from one to the next, such as 20s or 2m, in which the view should change (default: 20s)",
    )
    events = parser.add_argument_group("events", "the settings enter, leave … of a reference in the configuration")
    events.add_argument("--enter", type=float, metavar="SCORE", help="make events, which begin at this score")
    events.add_argument("--leave", type=float, metavar="SCORE", help="and end below this one (default: 0.03 less)")
    events.add_argument(
        "--min-seconds", type=float, default=0.0, metavar="S", help="begin only after so long at or above --enter"
    )
    events.add_argument(
        "--cooldown-seconds", type=float, default=0.0, metavar="S", help="no event so soon after the one before"
    )
    add_daemon(parser)
    parser.set_defaults(main=enroll)


def enroll(args: argparse.Namespace) -> int:
    """Enroll the view that *args* name."""
    from edged.errors import WireError
    from edged.wire.control_requests import Enroll

    settings = ("name", "camera", "region", "frames", "replace", "enter", "leave", "min_seconds", "cooldown_seconds")
    chosen = {setting: getattr(args, setting) for setting in settings}
    try:
        request = Enroll(**chosen, state=args.state)
    except WireError as exc:
        return _refuse(str(exc))
    if args.state is None and (args.count is not None or args.every is not None):
        return _refuse("--count, --every: do nothing without --state")
    with connect_daemon(args) as daemon:
        if args.state is not None:
            return enroll_examples(daemon, request, args.count or 1, EVERY if args.every is None else args.every)
        result = daemon.enroll(**chosen)
    emit("".join(f"{line}\n" for line in _lines(result)))
    return 0


def _refuse(rule: str) -> int:
    print(f"edged enroll: {rule}", file=sys.stderr)
    return EXIT_USAGE


def _lines(result: EnrollResult) -> Iterator[str]:
    new = result.reference
    instead = ", in place of the old reference" if result.replaced else ""
    yield f"{new.name}: the current view of {new.camera}/{new.region}, compared from the next frame on{instead}"
    others = [score for number, score in enumerate(result.similarities) if number not in result.outliers]
    if len(others) > 1:
        moved = "" if min(others) >= STILL else ": something moved, so scores will be lower than in a still scene"
        yield f"{len(others)} frames, each with a similarity of {score_text(min(others))} or more to it{moved}"
    if result.outliers:
        scores = ", ".join(score_text(result.similarities[number]) for number in result.outliers)
        yield f"{len(result.outliers)} of {len(result.similarities)} showed something else ({scores}) and do not count"
    yield str(new.thumbnail)
