"""What the commands share: what they add their parsers to, and the exit statuses."""

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
    "complain",
    "emit",
    "forget_output",
]

EXIT_FAILURE = 1
EXIT_USAGE = 2  # as argparse does
EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h: RestartPreventExitStatus in the systemd unit names it
EXIT_INTERRUPTED = 130


def complain(text: str) -> None:
    """Print *text* on stderr as the last words of a command."""
    from edged.config.environment import journal_stream
    from edged.service.logs import worded_for

    print(worded_for(sys.stderr, journal_stream(), text), file=sys.stderr)


class Paragraphs(argparse.RawDescriptionHelpFormatter):
    """Help in which a text of one line is filled, and one of several stays as it is."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text.strip():
            return super()._fill_text(text, width, indent)
        return argparse.HelpFormatter._fill_text(self, text, width, indent)  # noqa: SLF001 - it is the one above ours


def emit(text: str) -> None:
    """Print *text* on stdout, and see that it got there.

    Raises:
        EdgedError: it did not, because a disk is full, for one.
    """
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        raise
    except OSError as exc:
        forget_output()
        raise EdgedError(f"cannot write to stdout: {exc.strerror}") from exc


def forget_output() -> None:
    """Let go of a stdout that takes nothing any more: Python would complain once more when it closes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if TYPE_CHECKING:
    # argparse has no public name for what add_subparsers returns.
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - as said
else:
    Commands = object
