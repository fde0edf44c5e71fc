"""``edged run``: the daemon in the foreground."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import traceback
from types import FrameType
from typing import NoReturn

from edged.cli.console import EXIT_FAILURE, Commands

__all__ = ["add_parser"]


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "run",
        help="run the daemon",
        description="Runs the daemon in the foreground and logs to stderr. SIGTERM and SIGINT (Ctrl-C) stop it in "
        "order within two seconds. Exit status: 0 stopped, or every camera came to its end; 78 the configuration, the "
        "model or a reference is wrong ('edged check' prints all of it); 1 it failed while running.",
    )
    parser.add_argument("-c", "--config", metavar="FILE", required=True, help="the configuration to run")
    parser.set_defaults(main=run)


def run(args: argparse.Namespace) -> int:
    """Run the daemon with the configuration that *args* names."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)  # until there is a daemon that stops in order
    from edged.service.terminal import Terminal

    terminal = Terminal()
    early_hangups: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, _: early_hangups.append(number))  # and reloads
    from edged.config import load

    loaded = load(args.config)
    from edged.service.run import Service

    service = Service(loaded, terminal)
    try:
        service.run(early_hangups)
    except BaseException as exc:
        if service.late:
            traceback.print_exception(exc)
            _end(EXIT_FAILURE)
        raise
    _end(0)


def _leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the signature of a signal handler
    """End a start before there is a daemon: the stop was requested, so the exit status is 0.

    The process ends at once. An exception could get lost: Python ignores one that is raised while it runs the callback
    of a weak reference, as each import does. Before there is a daemon, nothing needs to be tidied up.
    """
    os._exit(0)


def _end(status: int) -> NoReturn:
    """End the process at once, because nothing is left to tidy up.

    Python's own end would wait for a thread that hangs, or crash over it. It takes seconds on a busy board.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
