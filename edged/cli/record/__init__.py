"""``edged record``: writes the messages of a daemon to a file."""

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
QUEUE, QUEUE_BYTES = 1000, 1 << 20  # a write to a memory card may take seconds
SMALLEST = 1000

EPILOG = """\
  edged record street.edged --seconds 60                  record the daemon on this machine
  edged record night.edged --connect tcp://porch:5556 --kinds event,state,status
  edged record clip.edged -c edged.yaml                   run the configuration here, until its clip ends

'edged replay FILE' publishes a recording again. Messages are written once a second, each with a checksum: those before
a cut or damage can always be read. docs/recording.md explains this, and the format of the file.
"""


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "record",
        help="record the messages of a daemon",
        description="Records the messages of a daemon into FILE, byte for byte, until Ctrl-C or a limit ends it. At "
        "the end it prints what was saved. Exit status: 0 ended by Ctrl-C, by a limit, or with the daemon of -c; 1 the "
        "disk is full, no message came, or fewer than --count.",
        epilog=EPILOG,
        formatter_class=Paragraphs,
    )
    parser.add_argument("file", metavar="FILE", help="the file to write; it must not exist yet")
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--connect", metavar="ENDPOINT", type=subscriber_arguments.address, help=ENDPOINT_HELP)
    source.add_argument(
        "-c", "--config", metavar="CONFIG", help="run this configuration here and record it; it publishes nowhere else"
    )
    choice = parser.add_argument_group("messages")
    choice.add_argument(
        "--kinds",
        type=subscriber_arguments.kinds,
        metavar="KIND,…",
        default=KINDS,
        help=f"record only these kinds of {', '.join(KINDS)} (default: all)",
    )
    subscriber_arguments.add_choices(parser)
    _add_limits(parser)
    subscriber_arguments.add_keys(parser)
    parser.set_defaults(main=record, runs_native_code=True, command="record")


def _add_limits(parser: argparse.ArgumentParser) -> None:
    limits = parser.add_argument_group("limits")
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
        help="force the file to the disk every S seconds. Without it the kernel decides when, which spares memory "
        "cards, but a power cut then costs up to half a minute",
    )


def record(args: argparse.Namespace) -> int:
    """Record until a limit, Ctrl-C or the end of the daemon."""
    from edged.cli.record.session import Session
    from edged.wire import default_address

    with ExitStack() as opened:
        daemon = opened.enter_context(_private_daemon(args.config)) if args.config else None
        address = daemon.address if daemon else args.connect or default_address()
        options = {"camera": args.camera, "region": args.region, "queue": QUEUE, "queue_bytes": QUEUE_BYTES}
        subscriber = subscriber_arguments.subscribe(args, address, args.kinds, **options)
        if subscriber is None:
            return EXIT_USAGE
        opened.enter_context(subscriber)
        return Session(args, subscriber, _create(args), daemon).run()


def _private_daemon(config: str) -> PrivateDaemon:
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
