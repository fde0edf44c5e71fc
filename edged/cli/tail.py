"""``edged tail``: a subscriber for people."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import TYPE_CHECKING

from edged.cli.contract import EXIT_FAILURE, EXIT_USAGE, Commands
from edged.errors import ConfigError
from edged.values import check_name

if TYPE_CHECKING:
    from edged.cli.outputs import Output
    from edged.client import Subscriber
    from edged.wire import Kind

__all__ = ["add_parser"]

KINDS: tuple[Kind, ...] = ("vec", "event", "status")


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "tail",
        help="show live what a daemon publishes",
        description="Shows what a daemon publishes, live: for each camera and region its state, the score of every "
        "reference, messages per second, latency (from capture to the daemon's socket), age (from capture to here), "
        "what was dropped and why, and gaps (messages that did not arrive). When stdout is not a terminal, one plain "
        "line per camera and region is printed each second. Ctrl-C ends it.",
    )
    parser.add_argument(
        "endpoint",
        nargs="?",
        metavar="ENDPOINT",
        type=_address,
        help="tcp://HOST:PORT or ipc://PATH; after sub+bind:, where a daemon's pub+connect: calls "
        "(default: where a daemon on this machine answers, else tcp://127.0.0.1:5556)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the header of every message as it came, one a line")
    form.add_argument("--plain", action="store_true", help="print plain lines on a terminal too")
    parser.add_argument(
        "--kinds", type=_kinds, metavar="KIND,…", help=f"of {', '.join(KINDS)} (default: vec,status; with --json all)"
    )
    parser.add_argument("--camera", type=_name, help="of this camera only")
    parser.add_argument("--region", type=_name, help="of this region only")
    parser.add_argument("--count", type=_whole, metavar="N", help="end after N messages")
    parser.add_argument(
        "--seconds", type=_seconds, metavar="S", default=inf, help="end after S seconds; status 1 if --count is not met"
    )
    parser.add_argument(
        "--wall-clock",
        action="store_true",
        help="tell ages by the wall clocks: for an endpoint on this machine that is a tunnel to another",
    )
    keys = parser.add_argument_group("keys", "for an endpoint that asks for them; 'edged keygen --help' explains")
    keys.add_argument(
        "--server-key", metavar="FILE", help="the daemon's .public file; with sub+bind: our own .secret file"
    )
    keys.add_argument("--client-key", metavar="FILE", help="our own .secret file, whose .public file the daemon has")
    keys.add_argument(
        "--authorized-clients", metavar="DIR", help="with sub+bind: the .public files of the daemons that may call"
    )
    parser.set_defaults(main=tail)


def tail(args: argparse.Namespace) -> int:
    """Follow the daemon until it is enough."""
    from edged.cli.outputs import choose
    from edged.client import Subscriber
    from edged.wire import default_address

    address = args.endpoint or default_address()
    kinds: tuple[Kind, ...] = args.kinds or (KINDS if args.json else ("vec", "status"))
    same_host = False if args.wall_clock else None
    try:
        subscriber = Subscriber(
            address,
            kinds=kinds,
            camera=args.camera,
            region=args.region,
            same_host=same_host,
            server_key=args.server_key,
            client_key=args.client_key,
            authorized_clients=args.authorized_clients,
        )
    except ConfigError:  # of a key file; it is a ValueError, too
        raise
    except ValueError as exc:  # keys that do not go together
        print(f"edged tail: {exc}", file=sys.stderr)
        return EXIT_USAGE
    with subscriber:
        output = choose(args, address, subscriber)
        try:
            with _sigterm_is_ctrl_c(), output:
                _follow(subscriber, output, args.count or inf, time.monotonic() + args.seconds)
            complete = args.count is None or output.ledger.counts.total() >= args.count
        except KeyboardInterrupt:
            complete = True
        print(output.summary(), file=sys.stderr)
    return 0 if complete else EXIT_FAILURE


def _follow(subscriber: Subscriber, output: Output, count: float, end: float) -> None:
    """Hand *output* every message, and let it show what there is to see when it is time."""
    shown, news = -inf, False
    while output.ledger.counts.total() < count and (now := time.monotonic()) < end:
        if now >= shown + output.period:
            output.show(now)
            shown, news = now, False
        delivery = subscriber.receive_raw(min(shown + output.period, end) - now)
        if delivery is not None:
            output.note(delivery, time.monotonic())
            news = True
    if news:
        output.show(time.monotonic())


@contextmanager
def _sigterm_is_ctrl_c() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _address(text: str) -> str:
    from edged.wire import check_address

    return _legal(check_address, text)


def _name(text: str) -> str:
    return _legal(check_name, text)


def _legal(check: Callable[[str], str], text: str) -> str:
    try:
        return check(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(text.split(","))
    if not set(kinds) <= set(KINDS):
        raise argparse.ArgumentTypeError(f"must be one or more of {', '.join(KINDS)}, with commas (got {text!r})")
    return kinds


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on (got {text!r})")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < inf:
        raise argparse.ArgumentTypeError(f"must be a number greater than 0 (got {text!r})")
    return seconds
