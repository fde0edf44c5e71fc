"""``edged config set`` and ``edged config unset``: change a configuration, and leave all else in it as it is."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from edged.cli.console import EXIT_CONFIG, EXIT_FAILURE, Commands, Paragraphs, emit
from edged.errors import ConfigError, EdgedError

if TYPE_CHECKING:
    from edged.config.edit.changes import Changes

__all__ = ["add_parser"]

LARGEST_CHANGES = 1 << 20  # bytes, as a configuration may have

SET = """\
Sets values of a configuration. PATH is the way to a value, and VALUE is written as in the file:

  edged config set -c edged.yaml cameras.street.fps 5
  edged config set -c edged.yaml cameras.street.regions.bay '{left: 0.2, top: 0.1, right: 0.5, bottom: 0.9}'
  edged config set -c edged.yaml 'publish.endpoints[1]' pub+bind:tcp://127.0.0.1:5555

Comments, the order, and how everything else is written stay as they are. The result is checked as 'edged check' does,
and only then replaces the file, whole or not at all; the file before is kept as FILE.bak. Then 'edged reload' applies
it. Exit status: 0 done; 78 the result would be wrong, or cannot be written that way; 1 the file may not be written, and
the lines to paste are printed.
"""


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "config",
        help="set or remove values of a configuration, and keep its comments",
        description="Changes values in the file of a configuration, and leaves everything else in it as it is.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    to_set = actions.add_parser("set", help="set values", description=SET, formatter_class=Paragraphs)
    to_set.add_argument("assignments", nargs="*", metavar="PATH VALUE", help="a path and its value, or several of both")
    to_set.add_argument(
        "--changes",
        metavar="FILE",
        help='read the changes from FILE, or from stdin for -, as JSON: {"set": {PATH: VALUE}, "unset": [PATH]}',
    )
    to_unset = actions.add_parser(
        "unset",
        help="remove values, so that their defaults hold",
        description="Removes values from a configuration, with the comments right above them, so that their defaults "
        "hold. Everything else is as with 'edged config set'.",
    )
    to_unset.add_argument("paths", nargs="+", metavar="PATH", help="the way to a value, such as cameras.street.fps")
    for action in (to_set, to_unset):
        action.add_argument(
            "-c", "--config", metavar="FILE", type=Path, help="the configuration (default: that of the running daemon)"
        )
        action.add_argument("--dry-run", action="store_true", help="print the difference, and change nothing")
        action.add_argument("--json", action="store_true", help="print the outcome as JSON, for programs")
        action.set_defaults(main=change, prints_utf8=True, runs_native_code=True)


@dataclass(frozen=True, slots=True)
class _Changed:
    """Outcome of a change: the file, the one that is kept, and the lines that differ."""

    file: Path
    backup: Path | None
    difference: str
    warnings: tuple[str, ...]


def change(args: argparse.Namespace) -> int:
    """Make the changes that *args* name."""
    from edged.config.edit.file import NotWritableError
    from edged.config.reader.loader import read_text

    lines = ""
    try:
        changes = _changes(args)
        lines = changes.as_yaml()
        path = args.config or _of_the_daemon()
        outcome = _change(args, changes, path)
    except ConfigError as exc:
        return _refuse(args, "config", str(exc), lines)
    except NotWritableError as exc:
        return _refuse(args, "not-writable", str(exc), changes.needed_in(read_text(path)).as_yaml())
    except EdgedError as exc:
        return _refuse(args, "failed", str(exc), lines)
    _report(args, outcome)
    return 0


def _change(args: argparse.Namespace, changes: Changes, path: Path) -> _Changed:
    from edged.config.edit.changes import changed_text
    from edged.config.edit.file import opened
    from edged.config.reader.loader import read_text
    from edged.service.configuration_check import check_change

    with opened(path) as file:
        before = read_text(path)
        after = changed_text(before, changes, str(path))
        warnings = tuple(map(str, check_change(before, after, path))) if after != before else ()
        is_written = after != before and not args.dry_run
        if is_written:
            file.replace(before.encode(), after.encode())
        difference = "".join(_difference(before, after, str(path)))
        return _Changed(path, file.backup if is_written else None, difference, warnings)


def _changes(args: argparse.Namespace) -> Changes:
    """Return the changes that *args* name.

    Raises:
        ConfigError: one is not a change.
    """
    from edged.config.edit.changes import Changes
    from edged.config.edit.paths import parse_path
    from edged.config.edit.values import parse_changes, parse_value

    paths, values = getattr(args, "assignments", ())[::2], getattr(args, "assignments", ())[1::2]
    if "paths" not in args and (bool(paths) == bool(args.changes) or len(paths) != len(values)):
        raise ConfigError("edged config set: give PATH VALUE, once or several times, or --changes")
    try:
        if "paths" in args:
            return Changes(unset=[*map(parse_path, args.paths)])
        if args.changes:
            return parse_changes(_read(args.changes))
        return Changes([(parse_path(path), parse_value(value)) for path, value in zip(paths, values, strict=True)])
    except ValueError as exc:
        raise ConfigError(f"edged config: {exc}") from exc


def _read(name: str) -> str:
    try:
        if name == "-":
            content = sys.stdin.buffer.read(LARGEST_CHANGES + 1)
        else:
            with Path(name).open("rb") as file:
                content = file.read(LARGEST_CHANGES + 1)
    except OSError as exc:
        raise EdgedError(f"--changes {name}: cannot be read: {exc.strerror}") from exc
    if len(content) > LARGEST_CHANGES:
        raise ValueError("the changes are larger than a configuration may be")
    return content.decode()


def _of_the_daemon() -> Path:
    from edged.cli.reload import find_daemons

    try:
        found = {record.config for record in find_daemons(None)}
    except PermissionError as exc:
        raise EdgedError(f"{exc.filename}: this user may not read it; name the configuration with -c") from exc
    if len(found) != 1:
        raise EdgedError(f"{'several daemons run' if found else 'no daemon runs'}; name the configuration with -c")
    return Path(found.pop())


def _difference(before: str, after: str, name: str) -> Iterator[str]:
    """Lines of the difference, without passwords."""
    from edged.config.problems import redacted

    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for line in unified_diff(old, new, name, name):
        yield redacted(line.rstrip("\r\n")) + "\n"


def _report(args: argparse.Namespace, outcome: _Changed) -> None:
    if args.json:
        answer = {
            "ok": True,
            "changed": bool(outcome.difference) and not args.dry_run,
            "backup": str(outcome.backup) if outcome.backup else None,
            "file": str(outcome.file),
            "warnings": outcome.warnings,
        }
        emit(json.dumps(answer | ({"difference": outcome.difference} if args.dry_run else {})) + "\n")
        return
    for warning in outcome.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if args.dry_run:
        emit(outcome.difference)
    elif outcome.backup is None:
        emit(f"{outcome.file}: nothing has changed\n")
    else:
        emit(f"{outcome.file}: changed; the file before is {outcome.backup}. 'edged reload' applies it.\n")


def _refuse(args: argparse.Namespace, code: str, text: str, lines: str) -> int:
    if args.json:
        emit(json.dumps({"ok": False, "code": code, "text": text, "yaml": lines}) + "\n")
    else:
        print(text if code == "config" else f"edged config: {text}", file=sys.stderr)
        if code == "not-writable":
            print("Nothing has changed. To do it by hand, these lines say what the file has to hold:", file=sys.stderr)
            emit(lines)
    return EXIT_CONFIG if code == "config" else EXIT_FAILURE
