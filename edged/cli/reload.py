"""``edged reload``: makes the running daemon read its configuration again."""

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

__all__ = ["add_parser", "find_daemons"]

SERVICE_FOLDER = Path("/run/edged")
USERS_FOLDER = Path("/run/user")
POLL_SECONDS = 0.05


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "reload",
        help="make the running daemon read its configuration again",
        description="Sends SIGHUP to the running daemon and waits for the result. The daemon first validates its "
        "configuration and every file that it names. Then it applies the differences while it runs: regions, rotation, "
        "references, thresholds and fps caps without an interruption; other settings of a camera restart only that "
        "camera. A wrong configuration changes nothing. Exit status: 0 done; 78 the configuration is wrong, with all "
        "problems on stderr; 1 no daemon runs, or the change is not possible.",
    )
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        type=Path,
        help="the configuration of the daemon; needed if several daemons run",
    )
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=partial(argument_types.positive, most=86_400),
        default=120.0,
        help="wait at most S seconds for the result (default: %(default)g)",
    )
    parser.set_defaults(main=reload)


def reload(args: argparse.Namespace) -> int:
    """Reload the daemon that *args* name."""
    try:
        found = find_daemons(args.config)
    except PermissionError as exc:
        return _fail(f"{exc.filename}: this user may not read it; try again with sudo, or as its owner")
    if not found:
        of = "" if args.config is None else f" with the configuration {args.config}"
        return _fail(
            f"no running daemon found{of} ('edged run' starts one; use 'kill -HUP PID' for a daemon that has neither "
            "$XDG_RUNTIME_DIR nor $RUNTIME_DIRECTORY)"
        )
    if len(found) > 1:
        running = ", ".join(f"{record.config} (process {record.pid})" for record in found)
        _fail(f"several daemons run; choose one with -c: {running}")
        return EXIT_USAGE
    return _reload(found[0], args.timeout)


def _reload(daemon: ReloadRecord, timeout: float) -> int:
    sent_ns = time.monotonic_ns()
    try:
        os.kill(daemon.pid, signal.SIGHUP)
    except ProcessLookupError:
        return _fail(f"the daemon (process {daemon.pid}) has just ended")
    except PermissionError:
        return _fail(f"the daemon (process {daemon.pid}) belongs to another user; try again with sudo")
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        select.select([], [], [], POLL_SECONDS)
        now = next((record for record in find_daemons(Path(daemon.config)) if record.pid == daemon.pid), None)
        if now is None:
            return _fail("the daemon ended during the reload; see its log for the reason")
        if now.began_ns >= sent_ns:
            return _report(now)
    return _fail(f"no answer within {timeout:g} s; see the log of the daemon")


def _report(daemon: ReloadRecord) -> int:
    if daemon.problem is not None:
        print(daemon.problem, file=sys.stderr)
        print("edged reload: nothing was changed; the daemon runs on as before", file=sys.stderr)
        return EXIT_CONFIG if daemon.is_config_problem else EXIT_FAILURE
    for line in daemon.changes or ("nothing has changed",):
        print(line)
    return 0


def find_daemons(config: Path | None) -> list[ReloadRecord]:
    """Find the running daemons of this machine, with the configuration *config* or with any.

    Raises:
        PermissionError: no daemon is found, and one of their folders may not be read.
    """
    from edged.config.environment import runtime_folder
    from edged.service.reload.record_file import running_daemons

    folders = {SERVICE_FOLDER, *USERS_FOLDER.glob("*/edged")}  # root finds the daemons of all users
    if (own := runtime_folder()) is not None:
        folders.add(own)
    return running_daemons(sorted(folders), config)


def _fail(sentence: str) -> int:
    print(f"edged reload: {sentence}", file=sys.stderr)
    return EXIT_FAILURE
