"""Names of files as labels: text that may go into messages, logs and a terminal, and that can be turned back.

Letters, signs and spaces of every script stay as they are, such as the narrow space in the names of macOS's screenshots
and the joiners of Persian. What is no text (control characters, line ends, marks that turn the direction of writing,
and bytes that are no UTF-8) is escaped as in Python: ``\\n`` is ``\\x0a``, and a backslash is two.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

__all__ = ["escaped", "is_text", "shown_path", "unescaped"]

_NOT_TEXT = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # of the general categories of Unicode
_JOINERS = "\u200c\u200d"
_ESCAPE = re.compile(r"\\(?:\\|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")


def is_text(character: str) -> bool:
    """Check whether *character* is one that people write, and none that moves a cursor or hides others."""
    return character in _JOINERS or unicodedata.category(character) not in _NOT_TEXT


def escaped(name: str) -> str:
    """Return *name*, of which no two become the same, with an escape for each character that is no text."""
    return "".join(map(_escape, name))


def shown_path(path: Path) -> str:
    """Return *path* for a message: a stranger may have named the file, with line ends and escape sequences."""
    return str(path.parent / escaped(path.name))


def unescaped(label: str) -> str:
    """Return the name that `escaped` has made *label* of."""
    return _ESCAPE.sub(_character, label)


def _escape(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if is_text(character):
        return character
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _character(escape: re.Match[str]) -> str:
    number = escape[1] or escape[2] or escape[3]
    return chr(int(number, 16)) if number else "\\"
