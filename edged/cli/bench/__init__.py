"""``edged bench``: measures how fast this machine embeds, and how long each stage takes."""

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
        description="Runs the daemon on a test picture or a clip, with a subscriber. Prints the time of each stage, "
        "the frames per second, and the processor time of a frame compared with the bare model. Without --fps, frames "
        "come faster than they can be embedded. Stop other programs that keep the machine busy, because they change "
        "the figures.",
        epilog="The stages: decode (the frame becomes pixels), wait (from capture to the model, with decode), "
        "preprocess, infer, compare, publish. total is from capture to the socket, delivered is from capture to the "
        "subscriber that has read the message, and overhead is delivered less infer. p50, p95 and p99 are the "
        "milliseconds that 50, 95 and 99 of 100 frames do not exceed.",
    )
    _add_model(parser)
    _add_load(parser)
    parser.add_argument(
        "--compare",
        action="store_true",
        help="measure every bundled model, engine and number of workers and threads, or the given ones, and choose the "
        "best",
    )
    parser.add_argument(
        "--references",
        type=partial(argument_types.whole, most=1_000_000),
        metavar="N",
        help="measure only the comparison of a vector of 1280 numbers with N references, on one thread",
    )
    parser.add_argument(
        "--dtype",
        choices=("float32", "float16", "int8"),
        help="the number format of the N references (default: each of the three)",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print the record as JSON; with --compare one record a line, one of them chosen",
    )
    parser.set_defaults(main=bench)


def _add_model(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the model, its engine and its input."""
    parser.add_argument(
        "--model",
        metavar="NAME|PATH",
        help=f"the name of a bundled model, or a model file (default: {MODEL})",
    )
    parser.add_argument(
        "--engine",
        default="auto",
        choices=("auto", "ai-edge-litert", "tflite-runtime"),
        help="the TFLite runtime (default: auto)",
    )
    parser.add_argument(
        "--delegate", default="auto", metavar="NAME", help="auto, none, xnnpack, coral, coral:usb:1 … (default: auto)"
    )
    parser.add_argument(
        "--threads",
        type=partial(argument_types.whole, most=64),
        metavar="N",
        help="threads of the model, in each worker (default: as in the daemon)",
    )
    parser.add_argument(
        "--workers",
        type=partial(argument_types.whole, most=16),
        metavar="N",
        help="workers that embed side by side, each with its own interpreter (default: as in the daemon)",
    )
    parser.add_argument(
        "--resize",
        default="exact",
        choices=("exact", "linear", "area"),
        help="how frames are resized, as in the configuration (default: exact)",
    )


def _add_load(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the frames: their source, their rate and their time."""
    parser.add_argument(
        "--source",
        default="pattern:640x480",
        help="as in the configuration: pattern:WIDTHxHEIGHT, file:VIDEO, usb:DEVICE … (default: %(default)s)",
    )
    parser.add_argument(
        "--fps",
        type=partial(argument_types.positive, most=86_400),
        metavar="N",
        help="frames per second, of all cameras together (default: as fast as possible)",
    )
    parser.add_argument(
        "--cameras",
        type=partial(argument_types.whole, most=64),
        default=1,
        metavar="N",
        help="use N cameras with that source; they share the rate (default: 1)",
    )
    parser.add_argument(
        "--seconds",
        type=partial(argument_types.positive, most=86_400),
        default=10.0,
        metavar="N",
        help="measure for N seconds (default: %(default)g)",
    )


def bench(args: argparse.Namespace) -> int:
    """Run the measurement of *args*, and print it."""
    if args.references is not None:
        return _bench_references(args)
    if args.dtype is not None:
        print("edged bench: --dtype is the number format of references, and goes with --references N", file=sys.stderr)
        return EXIT_USAGE
    from edged.bench.compare import variants
    from edged.bench.plan import BenchPlan
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
        args.workers,
    )
    try:
        with subscriber_arguments.sigterm_is_ctrl_c():  # so that the daemon ends, too
            records = _measure(variants(plan, [args.model] if args.model else BUNDLED) if args.compare else [plan])
    except ConfigFileError as error:
        print(f"edged bench: {_reason(error)}", file=sys.stderr)
        return EXIT_CONFIG
    if not records:
        return EXIT_FAILURE
    emit(_report(records, is_compared=args.compare, as_json=args.json))
    return 0


def _report(records: Sequence[BenchRecord], *, is_compared: bool, as_json: bool) -> str:
    from edged.bench.compare import choose
    from edged.cli.bench.report import report_one, report_several

    if not is_compared:
        return _line(records[0].as_json()) if as_json else report_one(records[0])
    if not as_json:
        return report_several(records)
    best, _ = choose(records)
    return "".join(_line(record.as_json() | {"chosen": record is best}) for record in records)


def _bench_references(args: argparse.Namespace) -> int:
    from edged.bench.references import measure_references
    from edged.cli.bench.report import report_references
    from edged.vision.unit_vectors import DTYPES

    dtypes: Sequence[Storage] = DTYPES if args.dtype is None else (args.dtype,)
    records = [measure_references(args.references, dtype, args.seconds / len(dtypes)) for dtype in dtypes]
    if args.json:
        emit("".join(_line(record.as_json()) for record in records))
        return 0
    emit(report_references(records))
    return 0


def _measure(plans: Sequence[BenchPlan]) -> list[BenchRecord]:
    """Return the records of *plans*; of several plans, one that fails is reported on stderr and left out.

    Raises:
        EdgedError: the only plan failed, or all failed for the same reason.
    """
    from edged.bench.run import measure
    from edged.cli.progress import Bar

    records: list[BenchRecord] = []
    failures: list[tuple[BenchPlan, EdgedError]] = []
    with Bar("measuring") as bar:
        for number, plan in enumerate(plans):

            def report(activity: str, share: float, number: int = number, plan: BenchPlan = plan) -> None:
                if bar.is_due:
                    words = activity if len(plans) == 1 else f"{_name(plan)}: {activity}"
                    bar.show((number + share) / len(plans), words)

            try:
                records.append(measure(plan, report))
            except EdgedError as error:
                failures.append((plan, error))
    if not records and len({_reason(error) for _, error in failures}) == 1:
        raise failures[0][1]
    for plan, failure in failures:
        print(f"edged bench: {_name(plan)}: {_reason(failure)}", file=sys.stderr)
    return records


def _reason(error: EdgedError) -> str:
    """Return the text of *error*; for the configuration made here, only options and rules, without its file name."""
    from edged.config import ConfigFileError

    if isinstance(error, ConfigFileError):
        return "; ".join(f"{problem.path}: {problem.rule}" for problem in error.problems)
    return str(error)


def _line(record: Mapping[str, object]) -> str:
    return json.dumps(record) + "\n"


def _name(plan: BenchPlan) -> str:
    return f"{plan.model}, {plan.engine}, threads: {plan.threads}"
