"""``edged record``: what a daemon publishes, kept in a file."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from math import inf
from typing import TYPE_CHECKING

from edged.cli import argument_types, subscriber_arguments
from edged.cli.console import EXIT_USAGE, Commands, Paragraphs
from edged.cli.subscriber_arguments import ENDPOINT_HELP, KINDS
from edged.errors import RecordingError

if TYPE_CHECKING:
    from edged.recording import Recorder
    from edged.service.private_daemon import PrivateDaemon

__all__ = ["add_parser"]

UNITS = {"k": 10**3, "M": 10**6, "G": 10**9}
QUEUE, QUEUE_BYTES = 1000, 1 << 20  # a memory card may keep us waiting for seconds
SMALLEST = 1000

EPILOG = """\
  edged record street.edged --seconds 60                  of the daemon on this machine
  edged record night.edged --connect tcp://porch:5556 --kinds event,status
  edged record clip.edged -c edged.yaml                   runs the configuration here, until its clip is over

'edged replay FILE' publishes it again. Messages are written once a second, and kept whole whatever happens:
docs/recording.md tells how, and what the file looks like.
"""


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "record",
        help="record what a daemon publishes",
        description="Records what a daemon publishes into FILE, byte for byte, until Ctrl-C or a limit ends it. Exit "
        "status: 0 ended by Ctrl-C, by a limit, or with the daemon of -c; 1 the disk is full, nothing came, or less "
        "than --count did. What was saved is told in any case.",
        epilog=EPILOG,
        formatter_class=Paragraphs,
    )
    parser.add_argument("file", metavar="FILE", help="where to; it must not exist yet")
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--connect", metavar="ENDPOINT", type=subscriber_arguments.address, help=ENDPOINT_HELP)
    source.add_argument(
        "-c", "--config", metavar="CONFIG", help="run this configuration here, and record it; nothing is published"
    )
    choice = parser.add_argument_group("what")
    choice.add_argument(
        "--kinds",
        type=subscriber_arguments.kinds,
        metavar="KIND,…",
        default=KINDS,
        help=f"of {', '.join(KINDS)} (default: all)",
    )
    subscriber_arguments.add_choices(parser)
    _add_limits(parser)
    subscriber_arguments.add_keys(parser)
    parser.set_defaults(main=record, command="record")


def _add_limits(parser: argparse.ArgumentParser) -> None:
    limits = parser.add_argument_group("how much")
    limits.add_argument("--seconds", type=argument_types.positive, metavar="S", default=inf, help="end after S seconds")
    limits.add_argument("--count", type=argument_types.whole, metavar="N", default=inf, help="end after N messages")
    limits.add_argument(
        "--max-size",
        type=_size,
        metavar="SIZE",
        default=UNITS["G"],
        help="end before FILE is larger, such as 200M or 4G (default: 1G, four hours of one region at 10 a second)",
    )
    limits.add_argument(
        "--sync",
        type=argument_types.positive,
        metavar="S",
        default=inf,
        help="see that every S seconds all is on the disk. Without it the kernel does so in its own time, which spares "
        "memory cards; a power cut then costs up to half a minute",
    )


def record(args: argparse.Namespace) -> int:
    """Record until it is enough."""
    from edged.cli.record.session import Session
    from edged.wire import default_address

    with ExitStack() as opened:
        in_place = opened.enter_context(_in_place(args.config)) if args.config else None
        address = in_place.address if in_place else args.connect or default_address()
        options = {"camera": args.camera, "region": args.region, "queue": QUEUE, "queue_bytes": QUEUE_BYTES}
        subscriber = subscriber_arguments.subscribe(args, address, args.kinds, **options)
        if subscriber is None:
            return EXIT_USAGE
        opened.enter_context(subscriber)
        return Session(args, subscriber, _create(args), in_place).run()


def _in_place(config: str) -> PrivateDaemon:
    from edged.service.private_daemon import PrivateDaemon

    return PrivateDaemon(config)


def _create(args: argparse.Namespace) -> Recorder:
    from edged.recording import Recorder

    try:
        return Recorder(args.file, overwrite=args.force, max_bytes=args.max_size, sync_seconds=args.sync)
    except RecordingError as error:
        hint = "; --force replaces it" if str(error).endswith("exists already") else ""
        raise RecordingError(f"{error}{hint}") from error


def _size(text: str) -> int:
    number, unit = (text[:-1], UNITS[text[-1]]) if text[-1:] in UNITS else (text, 1)
    try:
        size = float(number) * unit
    except ValueError:
        size = 0.0
    if not SMALLEST <= size < inf:
        raise argparse.ArgumentTypeError(f"must be a number of bytes, such as 200M or 4G, from 1k on (got {text!r})")
    return int(size)
