"""Paths of values as people write them: ``cameras.street.regions.bay``, ``publish.endpoints[1]``."""

from __future__ import annotations

import re

from edged.config.problems import KeyPath, brief

__all__ = ["parse_path"]

LONGEST = 1000  # characters
_PART = re.compile(r'(?P<dot>\A|\.)(?:(?P<key>[^\s."\[\]]+)|"(?P<quoted>[^"]+)")|\[(?P<index>[0-9]{1,6})\]')


def parse_path(text: str) -> KeyPath:
    """Return the keys and list positions of *text*. A key that has dots is in quotes: ``options."a.b"``.

    Raises:
        ValueError: it is not a path.
    """
    parts: list[str | int] = []
    end = 0
    while end < len(text) <= LONGEST and (found := _PART.match(text, end)):
        parts.append(int(found["index"]) if found["index"] else found["key"] or found["quoted"])
        end = found.end()
    if end != len(text) or not parts or isinstance(parts[0], int):
        raise ValueError(f"must be a path such as cameras.street.fps or publish.endpoints[0] (got {brief(text)!r})")
    return tuple(parts)
