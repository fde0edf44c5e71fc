"""``edged reload``: the running daemon reads its configuration again."""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edged.cli import argument_types
from edged.cli.console import EXIT_CONFIG, EXIT_FAILURE, EXIT_USAGE, Commands

if TYPE_CHECKING:
    from edged.service.reload.record_file import ReloadRecord

__all__ = ["add_parser"]

SERVICE_FOLDER = Path("/run/edged")
USERS_FOLDER = Path("/run/user")
LOOK_SECONDS = 0.05


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "reload",
        help="have the running daemon read its configuration again",
        description="Sends SIGHUP to the running daemon and waits for what comes of it. The daemon validates its "
        "configuration and all that it names first, and then changes whatever differs while it goes on: regions, "
        "rotation, references and their thresholds, and fps caps without an interruption; other settings of a camera "
        "restart that camera alone. A wrong configuration changes nothing. Exit status: 0 done; 78 the configuration "
        "is wrong, with every problem on stderr; 1 there is no daemon, or it cannot be done.",
    )
    parser.add_argument(
        "-c", "--config", metavar="FILE", type=Path, help="the configuration that it runs; needed where several run"
    )
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=partial(argument_types.positive, most=86_400),
        default=120.0,
        help="wait no longer than this (default: %(default)g)",
    )
    parser.set_defaults(main=reload)


def reload(args: argparse.Namespace) -> int:
    """Reload the daemon that *args* means."""
    try:
        found = _find(args.config)
    except PermissionError as exc:
        return _fail(f"{exc.filename}: may not be read by this user; try again with sudo, or as its owner")
    if not found:
        of = "" if args.config is None else f" with the configuration {args.config}"
        return _fail(
            f"no daemon is found that runs{of} ('edged run' starts one; one that has neither $XDG_RUNTIME_DIR nor "
            "$RUNTIME_DIRECTORY is reloaded by 'kill -HUP PID')"
        )
    if len(found) > 1:
        running = ", ".join(f"{record.config} (process {record.pid})" for record in found)
        _fail(f"several daemons run; say which with -c: {running}")
        return EXIT_USAGE
    return _reload(found[0], args.timeout)


def _reload(daemon: ReloadRecord, timeout: float) -> int:
    sent_ns = time.monotonic_ns()
    try:
        os.kill(daemon.pid, signal.SIGHUP)
    except ProcessLookupError:
        return _fail(f"the daemon (process {daemon.pid}) has ended at this moment")
    except PermissionError:
        return _fail(f"the daemon (process {daemon.pid}) belongs to another user; try again with sudo")
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        select.select([], [], [], LOOK_SECONDS)
        now = next((record for record in _find(Path(daemon.config)) if record.pid == daemon.pid), None)
        if now is None:
            return _fail("the daemon has ended during the reload; its log says why")
        if now.began_ns >= sent_ns:
            return _tell(now)
    return _fail(f"no answer within {timeout:g} s; the daemon's log says what it does")


def _tell(daemon: ReloadRecord) -> int:
    if daemon.problem is not None:
        print(daemon.problem, file=sys.stderr)
        print("edged reload: nothing was changed; the daemon goes on as before", file=sys.stderr)
        return EXIT_CONFIG if daemon.is_config_problem else EXIT_FAILURE
    for line in daemon.changes or ("nothing has changed",):
        print(line)
    return 0


def _find(config: Path | None) -> list[ReloadRecord]:
    from edged.config.environment import runtime_folder
    from edged.service.reload.record_file import running_daemons

    folders = {SERVICE_FOLDER, *USERS_FOLDER.glob("*/edged")}  # root finds whatever daemon a user has started
    if (own := runtime_folder()) is not None:
        folders.add(own)
    return running_daemons(sorted(folders), config)


def _fail(sentence: str) -> int:
    print(f"edged reload: {sentence}", file=sys.stderr)
    return EXIT_FAILURE
