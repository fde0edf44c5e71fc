"""``edged page``: cameras, regions and states live in a browser."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from edged.cli import subscriber_arguments
from edged.cli.console import EXIT_CONFIG, Commands, Paragraphs, emit
from edged.cli.page.arguments import IDLE_SECONDS, add_access, add_daemon, add_listening, refuse

if TYPE_CHECKING:
    import socket

    from edged.page.server import PageSettings

__all__ = ["add_parser"]

DESCRIPTION = """\
Serves a page that shows the cameras of the running daemon live, with their regions, scores and states; where regions
and masks are drawn, and states are taught. It is a process beside the daemon, which works on whatever this one does.

It prints two URLs. With the first, a browser may change something; with the second, only look. What is after the # is
the key to the page: whoever has it sees the cameras. Ctrl-C ends it.

Exit status: 0 ended by Ctrl-C, or because nobody looks; 1 the address is taken; 2 wrong arguments; 78 a file of keys,
tokens, passwords or certificates is wrong, or websockets is missing.
"""

EPILOG = """\
  edged page                                            for browsers on this machine: http://127.0.0.1:8080
  ssh -L 8080:127.0.0.1:8080 porch edged page           for a browser on yours, where the board has ssh
  edged page --listen 0.0.0.0:8443 --cert page.pem --key page.key
                                                        for browsers in the network
  edged page --behind-proxy cams.example.org            behind a web server that has the certificate
  edged page --set-password change --password-file page.passwords
                                                        asks for a password, which then does what a token does

docs/page.md explains the page, and systemd/edged-page.socket starts it when somebody looks.
"""


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "page",
        help="show cameras, regions and states live in a browser; draw regions, teach states",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=Paragraphs,
    )
    add_daemon(parser)
    add_listening(parser)
    add_access(parser)
    subscriber_arguments.add_keys(parser)
    parser.set_defaults(main=page, command="page")


def page(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, or do what else *args* ask for."""
    from edged.cli.page import keys

    if args.set_password is not None:
        return keys.set_password(args)
    if args.show_url:
        return keys.show_urls(args)
    from edged.cli.page.endpoints import take_endpoints
    from edged.cli.page.settings import settings_of
    from edged.config.environment import journal_stream
    from edged.service.logs import log_to

    if find_spec("websockets") is None:
        print("edged page: websockets is missing: pip install 'edged[page]'", file=sys.stderr)
        return EXIT_CONFIG
    log_to(sys.stderr, "info", journal_stream())
    if args.config is not None and (status := take_endpoints(args)) != 0:
        return status
    from edged.page.listening import address_of, listen, passed_sockets

    passed = passed_sockets()
    if args.idle_exit is None and passed:
        args.idle_exit = IDLE_SECONDS
    for address in map(address_of, passed) if passed else [args.listen]:
        if not address.is_loopback and args.cert is None and args.behind_proxy is None:
            return refuse(
                f"--listen {address.host}: everybody in the network could read what the page sends: give it --cert, or "
                "--behind-proxy"
            )
    if passed and args.token_file is None:
        return refuse("--token-file: systemd starts the page, and URLs with new keys would be in its journal")
    tokens = keys.tokens_of(args)
    settings = settings_of(args, tokens)
    listeners = passed or [listen(args.listen)]
    if args.token_file is None:
        for line in keys.urls_of(args, tokens, address_of(listeners[0])):
            emit(line)
    else:
        logging.getLogger(__name__).info("the URLs: 'edged page --show-url --token-file %s'", args.token_file)
    import asyncio

    asyncio.run(_serve(settings, listeners))
    return 0


async def _serve(settings: PageSettings, listeners: list[socket.socket]) -> None:
    import asyncio

    from edged.page.server import PageServer

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await PageServer(settings, listeners).run(stop)
