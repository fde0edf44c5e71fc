"""Exit statuses, output and help format of all commands."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, TypeAlias

from edged.errors import EdgedError

__all__ = [
    "EXIT_CONFIG",
    "EXIT_FAILURE",
    "EXIT_INTERRUPTED",
    "EXIT_USAGE",
    "Commands",
    "Paragraphs",
    "discard_stdout",
    "emit",
    "print_error",
]

EXIT_FAILURE = 1
EXIT_USAGE = 2  # as argparse does
EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h: RestartPreventExitStatus in the systemd unit names it
EXIT_INTERRUPTED = 130


def print_error(text: str) -> None:
    """Print *text*, the error that ends a command, on stderr."""
    from edged.config.environment import journal_stream
    from edged.service.logs import worded_for

    print(worded_for(sys.stderr, journal_stream(), text), file=sys.stderr)


class Paragraphs(argparse.RawDescriptionHelpFormatter):
    """Help that wraps texts of one line and keeps the line ends of longer ones."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text.strip():
            return super()._fill_text(text, width, indent)
        return argparse.HelpFormatter._fill_text(self, text, width, indent)  # noqa: SLF001 - the base class of our base class


def emit(text: str) -> None:
    """Print *text* on stdout and flush it.

    Raises:
        EdgedError: it cannot be written, such as on a full disk.
    """
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        raise
    except OSError as exc:
        discard_stdout()
        raise EdgedError(f"cannot write to stdout: {exc.strerror}") from exc


def discard_stdout() -> None:
    """Point stdout at /dev/null once it cannot be written: else Python reports the error again when it closes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if TYPE_CHECKING:
    # argparse has no public name for what add_subparsers returns.
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - it has no public name
else:
    Commands = object
