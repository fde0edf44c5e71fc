"""Checks of a configuration and of all that it names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from edged.service.doctor.finding import Finding, bad, ok, warning

if TYPE_CHECKING:
    from edged.config import Problem

__all__ = ["configuration", "sources"]

UNREADABLE = "name a file that can be read"

_COMMAND = re.compile(r"run '([^']+)'")


def configuration(file: str | None) -> Iterator[Finding]:
    """Check everything that would keep a daemon from starting with *file*: model, references, keys, clips."""
    from edged.config import ConfigFileError, load
    from edged.service import preflight

    assert file is not None, "only asked with one"
    try:
        loaded = load(file)
    except ConfigFileError as exc:
        yield from _bad(exc.problems)
        return
    if problems := preflight.errors(loaded):
        yield from _bad(problems)
        return
    config = loaded.config
    model = config.model.name if config.model.path is None else config.model.path.name
    words = f"cameras: {len(config.cameras)}, references: {len(config.references)}, model: {model}"
    yield ok("configuration", f"{file}: {words}: all of it can be used")


def sources(file: str | None) -> Iterator[Finding]:
    """Check for what a daemon with *file* would wait: live cameras that cannot be opened now."""
    from edged.config import ConfigFileError, load
    from edged.service import preflight

    assert file is not None, "only asked with one"
    try:
        loaded = load(file)
    except ConfigFileError:
        return  # which another check reports
    yield from (warning("configuration", str(problem)) for problem in preflight.warnings(loaded))


def _bad(problems: Iterable[Problem]) -> Iterator[Finding]:
    for problem in problems:
        yield bad("configuration", str(problem), _cure(problem))


def _cure(problem: Problem) -> str:
    """Return the cure of a problem. If something that the file names is wrong, the rule has the command."""
    if command := _COMMAND.search(problem.rule):
        return command[1]
    return f"correct line {problem.line}; config/edged.yaml explains every option" if problem.line else UNREADABLE
