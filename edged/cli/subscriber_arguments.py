"""Arguments of the commands that subscribe to a daemon, the subscriber that they make, and its stop signals."""

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

KINDS: tuple[Kind, ...] = ("vec", "event", "state", "status")

ENDPOINT_HELP = (
    "the endpoint of the daemon: tcp://HOST:PORT or ipc://PATH; with sub+bind: before it, the endpoint that a daemon "
    "connects to with pub+connect: (default: that of the daemon on this machine, else tcp://127.0.0.1:5556)"
)

HINT = (
    "is a daemon running ('edged run -c FILE'), and is this one of its publish.endpoints? "
    "A daemon on another board can be reached only if its endpoint is not a loopback address."
)


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that narrow down what is subscribed to."""
    parser.add_argument("--camera", type=argument_types.name, help="only messages of this camera")
    parser.add_argument("--region", type=argument_types.name, help="only messages of this region")


def add_keys(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name key files."""
    keys = parser.add_argument_group("keys", "for an endpoint with keys; see 'edged keygen --help'")
    keys.add_argument(
        "--server-key", metavar="FILE", help="the .public file of the daemon; with sub+bind: your own .secret file"
    )
    keys.add_argument("--client-key", metavar="FILE", help="your own .secret file; the daemon has its .public file")
    keys.add_argument(
        "--authorized-clients",
        metavar="DIR",
        help="with sub+bind: the folder with the .public files of the daemons that may connect; a daemon's file is "
        "called NODE.public or NODE-client.public",
    )
    keys.add_argument(
        "--key-node",
        action="append",
        type=_key_node,
        metavar="KEY=NODE",
        help="with sub+bind: the node whose messages come with KEY.public, if the file is called otherwise; repeatable",
    )


def subscribe(args: argparse.Namespace, address: str, kinds: tuple[Kind, ...], **options: Any) -> Subscriber | None:
    """Return a subscriber at *address* with the keys of *args*; None, after a line on stderr, if they do not fit.

    Raises:
        ConfigError: a key file cannot be used.
    """
    from edged.client import Subscriber

    keys = {key: getattr(args, key) for key in ("server_key", "client_key", "authorized_clients")}
    keys["nodes"] = dict(args.key_node or ())
    try:
        return Subscriber(address, kinds=kinds, **keys, **options)
    except ConfigError:  # of a key file; it is a ValueError, too
        raise
    except ValueError as exc:
        print(f"edged {args.command}: {exc}", file=sys.stderr)
        return None


def _key_node(text: str) -> tuple[str, str]:
    key, equals, node = text.rpartition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"must be KEY=NODE, such as board-17=porch (got {text!r})")
    return key, argument_types.name(node)


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
    """Parse the endpoint of a daemon."""
    from edged.wire import check_address

    return argument_types.checked(check_address, text)


def kinds(text: str) -> tuple[str, ...]:
    """Parse kinds of messages, with commas between them."""
    chosen = tuple(text.split(","))
    if not set(chosen) <= set(KINDS):
        raise argparse.ArgumentTypeError(
            f"must be one or more of {', '.join(KINDS)}, with commas between them (got {text!r})"
        )
    return chosen
