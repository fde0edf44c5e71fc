"""``edged check``: every problem of a configuration at once, or the configuration as it is understood."""

from __future__ import annotations

import argparse
import sys

from edged.cli.console import Commands, emit

__all__ = ["add_parser"]


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "check",
        help="tell everything that is wrong with a configuration",
        description="Tells every problem of a configuration at once on stderr, each as 'file:line:column: path: rule', "
        "and exits with 78. Looks outside too: loads the model, embeds the reference pictures, opens clips. For a good "
        "file it prints the configuration with all defaults filled in, and exits with 0; a live camera that is not "
        "there now is a warning, because the daemon would wait for it.",
    )
    parser.add_argument("-c", "--config", metavar="FILE", required=True, help="the configuration to check")
    parser.set_defaults(main=check)


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
