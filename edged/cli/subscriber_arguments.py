"""What the commands that subscribe to a daemon share: their arguments, and the subscriber that these make."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edged.cli import argument_types
from edged.errors import ConfigError

if TYPE_CHECKING:
    from edged.client import Subscriber
    from edged.wire import Kind

__all__ = [
    "ENDPOINT_HELP",
    "KINDS",
    "StopFlag",
    "add_choices",
    "add_keys",
    "address",
    "kinds",
    "sigterm_is_ctrl_c",
    "stop_signals",
    "subscribe",
]

KINDS: tuple[Kind, ...] = ("vec", "event", "status")

ENDPOINT_HELP = (
    "tcp://HOST:PORT or ipc://PATH; after sub+bind:, where a daemon's pub+connect: calls "
    "(default: where a daemon on this machine answers, else tcp://127.0.0.1:5556)"
)

HINT = (
    "is a daemon running ('edged run -c FILE'), and is this one of its publish.endpoints? "
    "One on another board is heard only if its endpoint there is not a loopback one."
)


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that narrow down what is subscribed to."""
    parser.add_argument("--camera", type=argument_types.name, help="of this camera only")
    parser.add_argument("--region", type=argument_types.name, help="of this region only")


def add_keys(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name key files."""
    keys = parser.add_argument_group("keys", "for an endpoint that asks for them; 'edged keygen --help' explains")
    keys.add_argument(
        "--server-key", metavar="FILE", help="the daemon's .public file; with sub+bind: our own .secret file"
    )
    keys.add_argument("--client-key", metavar="FILE", help="our own .secret file, whose .public file the daemon has")
    keys.add_argument(
        "--authorized-clients", metavar="DIR", help="with sub+bind: the .public files of the daemons that may call"
    )


def subscribe(args: argparse.Namespace, address: str, kinds: tuple[Kind, ...], **options: Any) -> Subscriber | None:
    """A subscriber at *address* with the keys of *args*; None after telling why these do not go together.

    Raises:
        ConfigError: a key file cannot be used.
    """
    from edged.client import Subscriber

    keys = {key: getattr(args, key) for key in ("server_key", "client_key", "authorized_clients")}
    try:
        return Subscriber(address, kinds=kinds, **keys, **options)
    except ConfigError:  # of a key file; it is a ValueError, too
        raise
    except ValueError as exc:
        print(f"edged {args.command}: {exc}", file=sys.stderr)
        return None


class StopFlag:
    """A flag for signal handlers, set when the user wants the end. (An Event has a lock, so it is not for them.)"""

    is_set = False

    def set(self) -> None:
        """Ask for the end."""
        self.is_set = True


@contextmanager
def stop_signals() -> Iterator[StopFlag]:
    """Inside, SIGINT (Ctrl-C) and SIGTERM only set the flag: no step is interrupted half way."""
    stop = StopFlag()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def sigterm_is_ctrl_c() -> Iterator[None]:
    """Inside, SIGTERM raises KeyboardInterrupt, as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def address(text: str) -> str:
    """An argument that says where a daemon is."""
    from edged.wire import check_address

    return argument_types.checked(check_address, text)


def kinds(text: str) -> tuple[str, ...]:
    """An argument of kinds of messages."""
    chosen = tuple(text.split(","))
    if not set(chosen) <= set(KINDS):
        raise argparse.ArgumentTypeError(f"must be one or more of {', '.join(KINDS)}, with commas (got {text!r})")
    return chosen
