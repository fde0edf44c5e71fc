"""Values as YAML text: on one line, or as a block of lines."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator

import yaml

from edged.config.dumping import YamlDumper

__all__ = ["block_lines", "inline", "is_short"]

WIDTH = 100  # of a mapping or list that is written on one line


def inline(value: object, style: str = "", *, in_flow: bool = True) -> str:
    """*value* on one line. *style* is the kind of quotes that a text gets; it gets them anyway where it needs them.

    Not *in_flow*, a text has fewer signs that need quotes, so that ``${NAME}`` stands without them.
    """
    match value:
        case dict():
            return "{" + ", ".join(f"{inline(key)}: {inline(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(inline, value)) + "]"
        case str():
            quotes = style if value.isprintable() else '"'  # others would take several lines
            return _dumped([value], quotes)[1:-1] if in_flow else _dumped(value, quotes).removesuffix("\n...")
        case float() if math.isfinite(value):
            written = repr(value)
            return written if "." in written else written.replace("e", ".0e")
        case float():
            return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
        case _:
            return json.dumps(value)  # null, true, 5


def _dumped(value: object, style: str) -> str:
    written: str = yaml.dump(
        value,
        Dumper=YamlDumper,
        default_style=style or None,
        default_flow_style=True,
        allow_unicode=True,
        width=sys.maxsize,
    )
    return written.removesuffix("\n")


def is_short(value: object, column: int = 0) -> bool:
    """Whether *value* is best written on one line that begins at *column*: it is flat, or a list of such, and fits."""
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if isinstance(value, dict) and any(isinstance(part, dict | list) and part for part in parts):
        return False
    return not parts or column + len(inline(value)) <= WIDTH


def block_lines(
    value: dict[str, object] | list[object], column: int, step: int, *, as_blocks: bool = False
) -> Iterator[str]:
    """Lines of *value*, without line ends: its keys or dashes at *column*, and *step* more inside it.

    Short mappings and lists are written on one line; with *as_blocks* mappings of *value* are not.
    """
    if isinstance(value, list):
        yield from (f"{' ' * column}- {inline(item, in_flow=False)}" for item in value)
        return
    for key, each in value.items():
        start = f"{' ' * column}{inline(key)}:"
        is_long = isinstance(each, dict | list) and not is_short(each, len(start) + 1)
        if isinstance(each, dict | list) and each and (is_long or (as_blocks and isinstance(each, dict))):
            yield start
            yield from block_lines(each, column + step, step)
        else:
            yield f"{start} {inline(each, in_flow=False)}"
