"""``edged bench``: how fast this machine embeds, and where the time goes."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from typing import TYPE_CHECKING

from edged.cli import argument_types, subscriber_arguments
from edged.cli.console import EXIT_CONFIG, EXIT_FAILURE, EXIT_USAGE, Commands, emit
from edged.errors import EdgedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edged.bench.plan import BenchPlan
    from edged.bench.record import BenchRecord
    from edged.vision.unit_vectors import Storage

__all__ = ["add_parser"]

MODEL = "efficientnet-lite0"


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "bench",
        help="measure how fast this machine embeds",
        description="Runs the daemon on a test picture or a recording, with a subscriber, and tells where the time of "
        "a frame goes, how many frames a second there are, and what they cost beside the bare model. Without --fps "
        "frames come faster than they can be embedded. Nothing else should keep the machine busy meanwhile.",
        epilog="The stages: decode (the frame becomes pixels), wait (from capture to the model, decode included), "
        "preprocess, infer, compare, publish; total is from capture to the socket, delivered to a subscriber that has "
        "read it, and overhead is that less infer. p50, p95 and p99 are the milliseconds that 50, 95 and 99 of 100 "
        "frames stay below.",
    )
    parser.add_argument(
        "--source",
        default="pattern:640x480",
        help="as in the configuration: pattern:WIDTHxHEIGHT, file:VIDEO, usb:DEVICE … (default: %(default)s)",
    )
    parser.add_argument(
        "--model",
        metavar="NAME|PATH",
        help=f"a bundled one, or a file (default: {MODEL})",
    )
    parser.add_argument("--engine", default="auto", choices=("auto", "ai-edge-litert", "tflite-runtime"))
    parser.add_argument("--delegate", default="auto", metavar="NAME", help="auto, none, xnnpack, coral, coral:usb:1 …")
    parser.add_argument(
        "--threads",
        type=partial(argument_types.whole, most=64),
        metavar="N",
        help="of the model (default: that of the daemon)",
    )
    parser.add_argument("--resize", default="exact", choices=("exact", "linear", "area"))
    parser.add_argument(
        "--fps",
        type=partial(argument_types.positive, most=86_400),
        metavar="N",
        help="frames a second (default: as many as it takes)",
    )
    parser.add_argument(
        "--cameras",
        type=partial(argument_types.whole, most=64),
        default=1,
        metavar="N",
        help="so many with that source, which share the rate (default: 1)",
    )
    parser.add_argument(
        "--seconds",
        type=partial(argument_types.positive, most=86_400),
        default=10.0,
        metavar="N",
        help="how long to measure (default: %(default)g)",
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help="measure each bundled model, engine and number of threads, or those that are given, and choose",
    )
    parser.add_argument(
        "--references",
        type=partial(argument_types.whole, most=1_000_000),
        metavar="N",
        help="measure only what it costs to compare a vector of 1280 numbers with N references, on one thread",
    )
    parser.add_argument(
        "--dtype", choices=("float32", "float16", "int8"), help="how these are kept (default: each of the three)"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print the record as JSON; with --compare one a line, of which one is chosen",
    )
    parser.set_defaults(main=bench)


def bench(args: argparse.Namespace) -> int:
    """Measure what *args* ask for, and print it."""
    if args.references is not None:
        return _bench_references(args)
    if args.dtype is not None:
        print("edged bench: --dtype says how references are kept, and goes with --references N", file=sys.stderr)
        return EXIT_USAGE
    from edged.bench.compare import choose, variants
    from edged.bench.plan import BenchPlan
    from edged.cli.bench import report as pages
    from edged.config import ConfigFileError
    from edged.vision.bundled import BUNDLED

    plan = BenchPlan(
        args.source,
        args.model or MODEL,
        args.engine,
        args.delegate,
        args.threads,
        args.resize,
        args.fps,
        args.cameras,
        args.seconds,
    )
    try:
        with subscriber_arguments.sigterm_is_ctrl_c():  # so that the daemon ends, too
            records = _measure(variants(plan, [args.model] if args.model else BUNDLED) if args.compare else [plan])
    except ConfigFileError as error:
        print(f"edged bench: {_reason(error)}", file=sys.stderr)
        return EXIT_CONFIG
    if not records:
        return EXIT_FAILURE
    if not args.compare:
        emit(_line(records[0].as_json()) if args.json else pages.of_one(records[0]))
    elif args.json:
        best, _ = choose(records)
        emit("".join(_line(record.as_json() | {"chosen": record is best}) for record in records))
    else:
        emit(pages.of_several(records))
    return 0


def _bench_references(args: argparse.Namespace) -> int:
    from edged.bench.references import measure_references
    from edged.cli.bench import report as pages
    from edged.vision.unit_vectors import DTYPES

    dtypes: Sequence[Storage] = DTYPES if args.dtype is None else (args.dtype,)
    records = [measure_references(args.references, dtype, args.seconds / len(dtypes)) for dtype in dtypes]
    if args.json:
        emit("".join(_line(record.as_json()) for record in records))
        return 0
    emit(pages.of_references(records))
    return 0


def _measure(plans: Sequence[BenchPlan]) -> list[BenchRecord]:
    """The records of *plans*; of several, one that fails is told of and left out.

    Raises:
        EdgedError: the only one has failed, or all of them and for the same reason.
    """
    from edged.bench.run import measure
    from edged.cli.progress import Bar

    records: list[BenchRecord] = []
    failures: list[tuple[BenchPlan, EdgedError]] = []
    with Bar("measuring") as bar:
        for number, plan in enumerate(plans):

            def tell(what: str, share: float, number: int = number, plan: BenchPlan = plan) -> None:
                if bar.is_due:
                    words = what if len(plans) == 1 else f"{_name(plan)}: {what}"
                    bar.show((number + share) / len(plans), words)

            try:
                records.append(measure(plan, tell))
            except EdgedError as error:
                failures.append((plan, error))
    if not records and len({_reason(error) for _, error in failures}) == 1:
        raise failures[0][1]
    for plan, failure in failures:
        print(f"edged bench: {_name(plan)}: {_reason(failure)}", file=sys.stderr)
    return records


def _reason(error: EdgedError) -> str:
    """What *error* says, but of a file that nobody has written: the names of its options say enough."""
    from edged.config import ConfigFileError

    if isinstance(error, ConfigFileError):
        return "; ".join(f"{problem.path}: {problem.rule}" for problem in error.problems)
    return str(error)


def _line(record: Mapping[str, object]) -> str:
    return json.dumps(record) + "\n"


def _name(plan: BenchPlan) -> str:
    return f"{plan.model}, {plan.engine}, threads: {plan.threads}"
