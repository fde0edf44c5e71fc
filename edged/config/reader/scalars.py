"""The meaning of a word of YAML without quotes: the core schema of YAML 1.2, less its octal and hexadecimal numbers.

Only ``true`` and ``false`` are truth values; ``yes``, ``on``, ``0o17``, ``1_000``, ``12:30``, ``2026-01-01`` are text.
"""

from __future__ import annotations

import math
import re

__all__ = ["CONTROL", "NUMBER", "resolved"]

LONGEST_INTEGER = 18  # characters: all such numbers fit in 64 bits

# Besides what YAML forbids: line breaks that editors do not show, which would shift every line number.
CONTROL = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")

NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}


def resolved(word: str) -> str | bool | int | float | None:
    """Return the value of *word*.

    Raises:
        ValueError: it is a whole number too large for any setting.
    """
    if word in _WORDS:
        return _WORDS[word]
    if _INTEGER.match(word):
        if len(word) > LONGEST_INTEGER:
            raise ValueError("is too large a number")
        return int(word)
    return float(word) if NUMBER.match(word) else word
