"""``edged page``: cameras, regions and states live in a browser."""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from edged.cli import argument_types, subscriber_arguments
from edged.cli.console import EXIT_CONFIG, Commands, Paragraphs, emit

if TYPE_CHECKING:
    from edged.page.listening import HttpAddress

__all__ = ["add_parser"]


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "page", help="show cameras, regions and states live in a browser", formatter_class=Paragraphs
    )
    parser.add_argument("--socket", metavar="PATH")
    parser.add_argument("--connect", metavar="ENDPOINT", action="append", type=subscriber_arguments.address)
    parser.add_argument("--listen", metavar="ADDRESS:PORT", type=_listen_address, default="127.0.0.1:8080")
    subscriber_arguments.add_keys(parser)
    parser.set_defaults(main=page, command="page")


def page(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C."""
    from edged.config.environment import journal_stream
    from edged.service.logs import log_to

    if find_spec("websockets") is None:
        print("edged page: websockets is missing: pip install 'edged[page]'", file=sys.stderr)
        return EXIT_CONFIG
    log_to(sys.stderr, "info", journal_stream())
    asyncio.run(_serve(args))
    return 0


async def _serve(args: argparse.Namespace) -> None:
    from edged.client import Subscriber
    from edged.client.control import control_addresses
    from edged.page.gate import Gate
    from edged.page.listening import address_of, listen
    from edged.page.server import PageServer, Settings
    from edged.page.tokens import random_tokens
    from edged.wire import default_address

    tokens = random_tokens()
    gate = Gate(tokens, {"localhost", "127.0.0.1", "[::1]", socket.gethostname(), f"{socket.gethostname()}.local"})
    control = [f"ipc://{args.socket}"] if args.socket else control_addresses()
    kinds = ("vec", "event", "state", "status")

    def subscribe(_: str | None) -> Subscriber:
        return Subscriber(*(args.connect or [default_address()]), kinds=kinds)

    listener = listen(args.listen)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    where = address_of(listener)
    emit(f"http://{where.host}:{where.port}/#token={tokens['change']}\n")
    emit(f"http://{where.host}:{where.port}/#token={tokens['look']} (to look only)\n")
    await PageServer(Settings(gate, control, subscribe), [listener]).run(stop)


def _listen_address(text: str) -> HttpAddress:
    from edged.page.listening import HttpAddress

    return argument_types.checked(HttpAddress.parse, text)
