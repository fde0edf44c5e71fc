"""``edged tail``: shows live the messages of a daemon."""

from __future__ import annotations

import argparse
import sys
import time
from math import inf
from typing import TYPE_CHECKING

from edged.cli import argument_types, subscriber_arguments
from edged.cli.console import EXIT_FAILURE, EXIT_USAGE, Commands
from edged.cli.subscriber_arguments import ENDPOINT_HELP, KINDS

if TYPE_CHECKING:
    from edged.cli.tail.outputs import Output
    from edged.client import Subscriber
    from edged.wire import Kind

__all__ = ["add_parser"]


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "tail",
        help="show live the messages of a daemon",
        description="Shows the messages of a daemon live. For each camera and region: the state, the score of every "
        "reference, the decided state of every set with its probability, messages per second, latency (from capture to "
        "the socket of the daemon), age (from capture to here), drops with their causes, and gaps (messages that did "
        "not arrive). If stdout is not a terminal, it prints a plain line for each camera and region every second. "
        "With --events it prints a sentence when an event begins, when it ends, and when a set decides on another "
        "state. Ctrl-C ends it.",
    )
    parser.add_argument(
        "endpoint", nargs="?", metavar="ENDPOINT", type=subscriber_arguments.address, help=ENDPOINT_HELP
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the header of every message unchanged, one a line")
    form.add_argument("--plain", action="store_true", help="print plain lines on a terminal, too")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--events", action="store_true", help="print only events and changes of states, as sentences")
    chosen.add_argument(
        "--kinds",
        type=subscriber_arguments.kinds,
        metavar="KIND,…",
        help=f"show only these kinds of {', '.join(KINDS)} (default: all)",
    )
    subscriber_arguments.add_choices(parser)
    parser.add_argument(
        "--count", type=argument_types.whole, metavar="N", help="end after N messages; with --events after N sentences"
    )
    parser.add_argument(
        "--seconds",
        type=argument_types.positive,
        metavar="S",
        default=inf,
        help="end after S seconds; exit status 1 if fewer than --count came",
    )
    parser.add_argument(
        "--wall-clock",
        action="store_true",
        help="compute ages from the wall clocks: for an endpoint on this machine that is a tunnel to another",
    )
    subscriber_arguments.add_keys(parser)
    parser.set_defaults(main=tail, command="tail")


def tail(args: argparse.Namespace) -> int:
    """Show messages until a limit or Ctrl-C."""
    from edged.cli.tail.outputs import choose
    from edged.wire import default_address

    address = args.endpoint or default_address()
    kinds: tuple[Kind, ...] = args.kinds or KINDS
    if args.events:
        kinds = ("event", "state") if args.json else ("event", "state", "status")
    same_host = False if args.wall_clock else None
    subscriber = subscriber_arguments.subscribe(
        args, address, kinds, camera=args.camera, region=args.region, same_host=same_host
    )
    if subscriber is None:
        return EXIT_USAGE
    with subscriber:
        output = choose(args, address, subscriber)
        try:
            with subscriber_arguments.sigterm_is_ctrl_c(), output:
                _show_messages(subscriber, output, args.count or inf, time.monotonic() + args.seconds)
            complete = args.count is None or output.shown >= args.count
        except KeyboardInterrupt:
            complete = True
        print(output.summary(), file=sys.stderr)
    return 0 if complete else EXIT_FAILURE


def _show_messages(subscriber: Subscriber, output: Output, count: float, end: float) -> None:
    """Pass every message to *output*, and let it show them once a period."""
    last, has_news = -inf, False
    while output.shown < count and (now := time.monotonic()) < end:
        if now >= last + output.period:
            output.show(now)
            last, has_news = now, False
        delivery = subscriber.receive_raw(min(last + output.period, end) - now)
        if delivery is not None:
            output.add_message(delivery, time.monotonic())
            has_news = True
    if has_news:
        output.show(time.monotonic())
