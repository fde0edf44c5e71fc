"""The command ``edged``: arguments in, exit status out.

Each subcommand is a module here with ``add_parser``; it imports what it needs only when it runs, so that
``edged --help`` and ``edged tail`` stay quick and small on a board.
"""

from __future__ import annotations

import argparse
import codecs
import io
import locale
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from importlib import import_module
from typing import TextIO

from edged import __version__
from edged.cli.console import EXIT_CONFIG, EXIT_FAILURE, EXIT_INTERRUPTED, discard_stdout, print_error
from edged.errors import ConfigError, EdgedError, ModelError, ReferenceImageError

__all__ = ["main"]

COMMANDS = (
    "run",
    "check",
    "config",
    "reload",
    "tail",
    "record",
    "replay",
    "tune",
    "bridge",
    "page",
    "embed",
    "bench",
    "enroll",
    "forget",
    "relabel",
    "references",
    "states",
    "review",
    "snapshot",
    "devices",
    "doctor",
    "schema",
    "keygen",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line *argv* (default: the program's own) and return its exit status."""
    if argv is None:
        _use_utf8_for_names()
    _open_standard_streams()
    # OpenCV warns at each try to open a camera; edged logs the same in plain words, and once.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    # numpy is not loaded yet. More threads would not read memory faster, and would take processor time from the model.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    args = _parser().parse_args(argv)
    if getattr(args, "json", False) or getattr(args, "prints_utf8", False):
        _set_encoding(sys.stdout, "utf-8")
    try:
        with _native_messages(args):
            status: int = args.main(args)
        sys.stdout.flush()
    except ConfigError as error:
        print_error(str(error))  # a line for each problem, which begins with the file
        return EXIT_CONFIG
    except (ModelError, ReferenceImageError) as error:
        print_error(f"edged: {error}")
        return EXIT_CONFIG
    except EdgedError as error:
        print_error(f"edged: {error}")
        return EXIT_FAILURE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # `edged tail | head`: the reader has gone
        discard_stdout()
        return EXIT_FAILURE
    return status


def _native_messages(args: argparse.Namespace) -> AbstractContextManager[object]:
    """Keep what C libraries print off stderr, where a command decodes pictures or runs a model in this process."""
    if not getattr(args, "runs_native_code", False):
        return nullcontext()
    from edged.service.native_messages import NativeMessages

    return closing(NativeMessages())


def _open_standard_streams() -> None:
    """Open stdin, stdout and stderr if they are closed: else the next socket gets the number, and the output."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout = sys.stdout or open(1, "w")  # noqa: SIM115 - for as long as the program runs
    sys.stderr = sys.stderr or open(2, "w")  # noqa: SIM115 - likewise
    for stream in (sys.stdout, sys.stderr):
        _set_encoding(stream, _encoding_of_text())


def _use_utf8_for_names() -> None:
    """Start anew with file names in UTF-8 where the locale has another encoding.

    Names are bytes, and UTF-8 in a configuration. In the locale's encoding they would be others, or none.
    """
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"] = "1"  # also for the processes that are started
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this program again


def _encoding_of_text() -> str | None:
    """Return the encoding of what people read, where it is not that of the streams already."""
    name = codecs.lookup(locale.getencoding()).name
    return name if sys.flags.utf8_mode and name not in ("ascii", "utf-8") else None


def _set_encoding(stream: TextIO, encoding: str | None = None) -> None:
    """Let *stream* escape what its encoding has no signs for: a name that a terminal cannot show ends no command."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding=encoding, errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edged",
        description="Turns camera frames into embeddings and similarities on the device, and publishes them.",
        epilog="'edged COMMAND --help' explains a command. Exit status: 0 done; 1 it failed while running; "
        "2 the arguments are wrong; 78 the configuration, the model or a reference is wrong.",
    )
    parser.add_argument("--version", action="version", version=f"edged {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        import_module(f"edged.cli.{name}").add_parser(commands)
    return parser
