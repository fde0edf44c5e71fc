"""``edged tune``: proposes thresholds that fit the scores in a recording."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edged.cli import argument_types, subscriber_arguments
from edged.cli.console import EXIT_FAILURE, EXIT_USAGE, Commands, Paragraphs, emit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from edged.cli.tune.states import CollectedAnswers
    from edged.events.score_series import CollectedScores
    from edged.events.tuning import Tuning
    from edged.recording import Recorded, Recording
    from edged.wire import Vec

__all__ = ["add_parser"]

MOST_NAMES = 10

EPILOG = """\
  edged record hour.edged --seconds 3600       record while the thing comes and goes
  edged tune path-empty hour.edged             propose thresholds and draw them
  edged tune path-empty hour.edged --enter 0.9 --leave 0.85 --min-seconds 1
                                               which events do these thresholds make?

docs/events.md explains what the thresholds do and how they are found.
"""


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "tune",
        help="propose the thresholds of a reference, from a recording",
        description="Proposes the scores at which events of REFERENCE should begin (enter) and end (leave), from its "
        "scores in RECORDING. Prints the reason and the events that these thresholds would have made. Draws the "
        "scores, their distribution and the events into a PNG, if matplotlib is installed. REFERENCE may be a set of "
        "states, too: what it answered, and how often it would change with other settings. Exit status: 0 proposed, or "
        "--enter was tried; 1 no thresholds fit, or there are no scores; 2 wrong arguments.",
        epilog=EPILOG,
        formatter_class=Paragraphs,
    )
    parser.add_argument(
        "reference",
        metavar="REFERENCE",
        type=argument_types.name,
        help="the name of the reference, as in the config, or of a set of states",
    )
    parser.add_argument("recording", metavar="RECORDING", help="a file that 'edged record' wrote")
    parser.add_argument("--node", type=argument_types.name, help="only messages of this node")
    subscriber_arguments.add_choices(parser)
    _add_thresholds(parser)
    picture = parser.add_mutually_exclusive_group()
    picture.add_argument("--png", type=Path, metavar="FILE", help="where to draw (default: tune-REFERENCE.png)")
    picture.add_argument("--no-png", action="store_true", help="do not draw")
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object")
    parser.set_defaults(main=tune, command="tune")


def _add_thresholds(parser: argparse.ArgumentParser) -> None:
    own = parser.add_argument_group("thresholds of your own, instead of proposed ones")
    score, seconds = partial(argument_types.number, least=-1, most=1), partial(argument_types.number, least=0)
    own.add_argument("--enter", type=score, metavar="S", help="an event begins at this score")
    own.add_argument("--leave", type=score, metavar="S", help="and ends below this one (default: 0.03 less)")
    own.add_argument(
        "--min-seconds", type=seconds, metavar="S", default=0.0, help="begin only after so long at or above --enter"
    )
    own.add_argument(
        "--cooldown-seconds", type=seconds, metavar="S", default=0.0, help="no event so soon after the one before"
    )


def tune(args: argparse.Namespace) -> int:
    """Propose thresholds for the reference and the recording of *args*."""
    from edged.cli.tune.report import as_json, as_text
    from edged.events.tuning import Tuning

    if problem := _conflict(args):
        print(f"edged tune: {problem}", file=sys.stderr)
        return EXIT_USAGE
    found, sets = _collect(args), frozenset[str]()
    if args.reference not in found.references:
        answers = _collect_answers(args)
        if answers.series:
            return _tune_states(args, answers)
        sets = answers.sets
    if len(found.series) != 1:
        print(f"edged tune: {_choice_needed(args, found, sets)}", file=sys.stderr)
        return EXIT_USAGE if found.series else EXIT_FAILURE
    (series,) = found.series
    if found.other_spaces:
        print(
            f"edged tune: {found.other_spaces} scores of another model come before; they are left out", file=sys.stderr
        )
    tuning = Tuning.of(args.reference, series, _own_thresholds(args), args.min_seconds, args.cooldown_seconds)
    png = None if args.no_png else _draw(tuning, args.png or Path(f"tune-{args.reference}.png"))
    emit((as_json if args.json else as_text)(tuning, png) + "\n")
    return EXIT_FAILURE if tuning.thresholds is None else 0


def _tune_states(args: argparse.Namespace, found: CollectedAnswers) -> int:
    """Print what the recording shows of a set of states, which has no thresholds to propose."""
    from edged.cli.tune.states import as_json, as_text

    if len(found.series) != 1:
        places = _listed(series.place for series in found.series)
        print(
            f"edged tune: {args.reference} has answers in {places}: choose one with --node, --camera and --region",
            file=sys.stderr,
        )
        return EXIT_USAGE
    if args.enter is not None:
        print(f"edged tune: {args.reference} is a set of states, which has no --enter", file=sys.stderr)
        return EXIT_USAGE
    emit((as_json if args.json else as_text)(args.reference, found.series[0]) + "\n")
    return 0


def _own_thresholds(args: argparse.Namespace) -> tuple[float, float] | None:
    """Return ``--enter`` and ``--leave``; None without them."""
    from edged.config import default_leave

    if args.enter is None:
        return None
    return args.enter, default_leave(args.enter) if args.leave is None else args.leave


def _collect_answers(args: argparse.Namespace) -> CollectedAnswers:
    """Return the answers of the set that has the name of the reference."""
    from edged.cli.tune.states import collect_answers
    from edged.recording import decode_recorded, read_recording

    with read_recording(args.recording) as recording:
        messages = decode_recorded(_with_bar(recording), ("vec",))
        return collect_answers(messages, args.reference, partial(_is_wanted, args))


def _is_wanted(args: argparse.Namespace, vec: Vec) -> bool:
    return all(getattr(args, part) in (None, getattr(vec, part)) for part in ("node", "camera", "region"))


def _collect(args: argparse.Namespace) -> CollectedScores:
    """Return the scores in the recording; damage is reported on stderr."""
    from edged.events.score_series import collect_scores
    from edged.recording import decode_recorded, read_recording

    with read_recording(args.recording) as recording:
        messages = decode_recorded(_with_bar(recording), ("vec", "status"))
        found = collect_scores(messages, args.reference, partial(_is_wanted, args))
    if recording.damage:
        print(f"edged tune: {recording.damage}; the messages before are used", file=sys.stderr)
    return found


def _with_bar(recording: Recording) -> Iterator[Recorded]:
    """Yield the messages of *recording*, with a bar on the terminal."""
    from edged.cli.progress import Bar, megabytes

    with Bar("reading") as bar:
        for recorded in recording:
            if bar.is_due:
                share = recording.position / recording.size if recording.size else None
                bar.show(share, megabytes(recording.position))
            yield recorded


def _choice_needed(args: argparse.Namespace, found: CollectedScores, sets: Collection[str]) -> str:
    """Return why *found* has not the scores of one place, and the cure; *sets* are the sets with answers."""
    if found.series:
        places = _listed(series.place for series in found.series)
        return f"{args.reference} has scores in {places}: choose one with --node, --camera and --region"
    chosen = "in what --node, --camera and --region choose"
    if args.reference in found.references:
        return f"{args.recording}: {args.reference} has no score {chosen}"
    if args.reference in sets:
        return f"{args.recording}: {args.reference} has no answer {chosen}"
    if found.references or sets:
        return f"{args.recording}: has no scores of {args.reference}, only of {_listed({*found.references, *sets})}"
    return f"{args.recording}: has no scores; record vec messages of a daemon that has references or sets of states"


def _listed(names: Iterable[str]) -> str:
    """Return the first of *names* in their order, and the count of the others."""
    ordered = sorted(names)
    more = f" and {len(ordered) - MOST_NAMES} more" if len(ordered) > MOST_NAMES else ""
    return ", ".join(ordered[:MOST_NAMES]) + more


def _draw(tuning: Tuning, path: Path) -> Path | None:
    """Draw *tuning* into *path*; None, after a line on stderr, if that is not possible."""
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


def _conflict(args: argparse.Namespace) -> str | None:
    """Return which arguments contradict each other."""
    if args.leave is not None and args.enter is None:
        return "--leave goes with --enter"
    if args.leave is not None and args.leave > args.enter:
        return f"--leave must be at most --enter (got {args.leave:g} and {args.enter:g})"
    return None
