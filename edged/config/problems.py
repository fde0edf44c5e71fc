"""Problems of a configuration, reported as ``file:line:column: path: rule (got value)``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice

from edged.errors import ConfigError

__all__ = ["MOST_SHOWN", "ConfigFileError", "KeyPath", "Problem", "brief", "dotted", "redacted", "shown", "suggestion"]

KeyPath = tuple[str | int, ...]
"""The keys and list positions that lead from the top of the file to a value."""

MOST_SHOWN = 100
MOST_LISTED = 16
LONGEST_SHOWN = 60

# Some cameras take user and password as parameters: ?user=admin&pwd=…, or /user=admin_password=…
_BEFORE_PARAMETER = re.compile(r"(?=[/?&;])")
_LOGIN = re.compile(r"[^\s:/]:(?!/)")
_SECRETS = ("auth", "key", "login", "pass", "psw", "pwd", "secret", "token", "user", "usr")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. ``line`` and ``column`` count from 1; ``line`` 0 is the file as a whole."""

    file: str
    line: int
    column: int
    path: str
    rule: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return ": ".join(part for part in (place, self.path, self.rule) if part)


class ConfigFileError(ConfigError):
    """Everything that is wrong with one file, by line.

    ``problems`` holds all of it; the text stops after the first hundred.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
        super().__init__(*self.problems)

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[:MOST_SHOWN]]
        left = len(self.problems) - len(lines)
        if left:
            lines.append(f"{self.problems[0].file}: and {left} more like these")
        return "\n".join(lines)


def dotted(path: KeyPath) -> str:
    """Return *path* for people: ``cameras.front.regions.door``, ``publish.endpoints[1]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{brief(part)}" if text else brief(part)
    return text


def shown(value: object) -> str:
    """*value* as a person would write it in YAML, short and without passwords."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case str():
            return repr(brief(value))
        case _:
            return brief(str(value))


def brief(text: str) -> str:
    """Return *text* on one line, without passwords, its middle left out where it is long."""
    safe = _without_login(redacted(text))
    if len(safe) > LONGEST_SHOWN:
        half = LONGEST_SHOWN // 2
        safe = f"{safe[:half]}…{safe[-half:]}"
    return "".join(character if character.isprintable() else "?" for character in safe)


def redacted(text: str) -> str:
    """Return *text* with ``***`` in place of what may be a user and password in a URL."""
    start, end = text.find("://"), text.rfind("@")
    if start < 0:
        return text
    if end > start:  # up to the last '@': a password may hold '/' and '@', and hiding too much does no harm
        text = f"{text[:start]}://***{text[end:]}"
    return "".join(_without_secrets(_BEFORE_PARAMETER.split(text)))


def _without_login(text: str) -> str:
    """Return *text* without what may be a password in a mistyped URL, such as ``rtsp:/me:secret@host``."""
    end = text.rfind("@")
    login = None if "://" in text else _LOGIN.search(text, 0, max(0, end))
    return text if login is None else f"{text[: login.end()]}***{text[end:]}"


def _without_secrets(parts: Iterable[str]) -> Iterator[str]:
    hiding = False
    for part in parts:
        hiding = hiding and not part.startswith("&")  # any other sign may be one of a password
        name, equals, _ = part.partition("=")
        if not hiding and equals and any(secret in name.lower() for secret in _SECRETS):
            hiding = True
            yield f"{name}=***"
        elif not hiding:
            yield part


def suggestion(word: str, known: Collection[str]) -> str:
    """Return a hint at the word of *known* that *word* may stand for, or a list of all."""
    some = list(islice(known, MOST_SHOWN))
    near = get_close_matches(word[:LONGEST_SHOWN], some, n=1)
    if near:
        return f"did you mean {brief(near[0])!r}?"
    if not known:
        return "none is known"
    more = f" and {len(known) - MOST_LISTED} more" if len(known) > MOST_LISTED else ""
    return f"known are {', '.join(map(brief, some[:MOST_LISTED]))}{more}"
