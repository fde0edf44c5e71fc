"""``edged tune``: thresholds that fit, from a recording."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edged.cli import argument_types, subscriber_arguments
from edged.cli.console import EXIT_FAILURE, EXIT_USAGE, Commands, emit

if TYPE_CHECKING:
    from edged.cli.tune.report import Tuning
    from edged.cli.tune.scores import Found
    from edged.wire import Vec

__all__ = ["add_parser"]

EPILOG = """\
  edged record hour.edged --seconds 3600       record while the thing comes and goes
  edged tune path-empty hour.edged             propose thresholds, and draw them
  edged tune path-empty hour.edged --enter 0.9 --leave 0.85 --min-seconds 1
                                               what would these have made?

docs/events.md explains what the thresholds do, and how they are found.
"""


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "tune",
        help="propose the thresholds of a reference, from a recording",
        description="Proposes the scores at which events of REFERENCE should begin (enter) and end (leave), from what "
        "its scores were in RECORDING, says why, and tells which events they would have made. The scores, their "
        "distribution and these events are drawn into a PNG, for which matplotlib has to be installed. Exit status: 0 "
        "proposed, or told what --enter makes; 1 no thresholds fit, or there are no scores; 2 wrong arguments.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("reference", metavar="REFERENCE", type=argument_types.name, help="its name")
    parser.add_argument("recording", metavar="RECORDING", help="a file that 'edged record' wrote")
    parser.add_argument("--node", type=argument_types.name, help="of this node only")
    subscriber_arguments.add_choices(parser)
    own = parser.add_argument_group("thresholds of your own, instead of those that are proposed")
    own.add_argument("--enter", type=partial(argument_types.number, least=-1, most=1), metavar="S")
    own.add_argument(
        "--leave",
        type=partial(argument_types.number, least=-1, most=1),
        metavar="S",
        help="default: 0.03 less than --enter",
    )
    own.add_argument("--min-seconds", type=partial(argument_types.number, least=0), metavar="S", default=0.0)
    own.add_argument("--cooldown-seconds", type=partial(argument_types.number, least=0), metavar="S", default=0.0)
    picture = parser.add_mutually_exclusive_group()
    picture.add_argument("--png", type=Path, metavar="FILE", help="where to draw (default: tune-REFERENCE.png)")
    picture.add_argument("--no-png", action="store_true", help="draw nothing")
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object")
    parser.set_defaults(main=tune, command="tune")


def tune(args: argparse.Namespace) -> int:
    """Propose thresholds for the reference and the recording of *args*."""
    from edged.cli.tune.report import Tuning, as_json, as_text

    if problem := _misfit(args):
        print(f"edged tune: {problem}", file=sys.stderr)
        return EXIT_USAGE
    found = _collect(args)
    if len(found.series) != 1:
        return _tell_places(args, found)
    (series,) = found.series
    if found.other_spaces:
        print(
            f"edged tune: {found.other_spaces} scores of another model come before; they are left out", file=sys.stderr
        )
    tuning = Tuning.of(args.reference, series, args.enter, args.leave, args.min_seconds, args.cooldown_seconds)
    png = None if args.no_png else _draw(tuning, args.png or Path(f"tune-{args.reference}.png"))
    emit((as_json if args.json else as_text)(tuning, png) + "\n")
    return EXIT_FAILURE if tuning.thresholds is None else 0


def _collect(args: argparse.Namespace) -> Found:
    """The scores in the recording; what is wrong with the file is told."""
    from edged.cli.progress import Bar, megabytes
    from edged.cli.tune.scores import collect
    from edged.recording import read_recording

    def wanted(vec: Vec) -> bool:
        return all(getattr(args, part) in (None, getattr(vec, part)) for part in ("node", "camera", "region"))

    with Bar("reading") as bar, read_recording(args.recording) as recording:

        def look() -> None:
            if bar.is_due:
                share = recording.position / recording.size if recording.size else None
                bar.show(share, megabytes(recording.position))

        found = collect(recording, args.reference, wanted, look)
    if recording.damage:
        print(f"edged tune: {recording.damage}; what comes before is used", file=sys.stderr)
    return found


def _tell_places(args: argparse.Namespace, found: Found) -> int:
    """Say why there is not one place to look at."""
    if found.series:
        places = ", ".join(sorted(series.place for series in found.series))
        say = f"{args.reference} is scored in {places}: choose one with --node, --camera and --region"
    elif args.reference in found.references:
        say = f"{args.recording}: {args.reference} is not scored in what --node, --camera and --region choose"
    elif found.references:
        names = sorted(found.references)
        more = f" and {len(names) - 10} more" if len(names) > 10 else ""
        say = f"{args.recording}: holds no score of {args.reference}, but of {', '.join(names[:10])}{more}"
    else:
        say = f"{args.recording}: holds no scores; record vec messages of a daemon that has references"
    print(f"edged tune: {say}", file=sys.stderr)
    return EXIT_USAGE if found.series else EXIT_FAILURE


def _draw(tuning: Tuning, path: Path) -> Path | None:
    """Draw what was found; None where that cannot be, which is told."""
    try:
        from edged.cli.tune.plot import draw
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] != "matplotlib":
            raise
        cure = "pip install 'edged[plots]', or apt install python3-matplotlib"
        print(f"edged tune: nothing is drawn, because matplotlib is not installed: {cure}", file=sys.stderr)
        return None
    try:
        draw(tuning, path)
    except OSError as exc:
        print(f"edged tune: {path}: cannot be written: {exc.strerror}", file=sys.stderr)
        return None
    return path


def _misfit(args: argparse.Namespace) -> str | None:
    """What does not go together."""
    if args.leave is not None and args.enter is None:
        return "--leave goes with --enter"
    if args.leave is not None and args.leave > args.enter:
        return f"--leave must be at most --enter (got {args.leave:g} and {args.enter:g})"
    return None
