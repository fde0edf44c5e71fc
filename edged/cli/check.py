"""``edged check``: reports all problems of a configuration at once, or prints it with all defaults."""

from __future__ import annotations

import argparse
import sys

from edged.cli.console import Commands, emit

__all__ = ["add_parser"]


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "check",
        help="report all problems of a configuration at once",
        description="Reports all problems of a configuration at once on stderr, each as 'file:line:column: path: "
        "rule', and exits with 78. It also loads the model, embeds the reference pictures and opens the clips. If all "
        "is well, it prints the configuration with all defaults filled in and exits with 0. A live camera that is "
        "missing now is only a warning, because the daemon waits for it.",
    )
    parser.add_argument("-c", "--config", metavar="FILE", required=True, help="the configuration to check")
    parser.set_defaults(prints_utf8=True, main=check, runs_native_code=True)


def check(args: argparse.Namespace) -> int:
    """Check the file that *args* names."""
    from edged.config import ConfigFileError, dump, load
    from edged.service import preflight

    loaded = load(args.config)
    for warning in preflight.warnings(loaded):
        print(f"warning: {warning}", file=sys.stderr)
    if errors := preflight.errors(loaded):
        raise ConfigFileError(errors)
    emit(dump(loaded.config))
    return 0
