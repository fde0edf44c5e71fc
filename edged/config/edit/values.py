"""Values to set, as people and programs give them: a line of YAML, or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

import yaml

from edged.config.edit.changes import Changes
from edged.config.edit.paths import parse_path
from edged.config.edit.tree import parse_places
from edged.config.problems import brief, shown
from edged.config.reader.compose import DEEPEST, LARGEST

__all__ = ["parse_changes", "parse_value"]


def parse_value(text: str) -> object:
    """Return the value of *text*, which is YAML as it could stand in a configuration; variables stay as they are.

    Raises:
        ValueError: it is not YAML, or has tags, anchors or aliases.
    """
    try:
        _check(text)
        return parse_places(text).plain
    except yaml.YAMLError as exc:
        problem = getattr(exc, "problem", None) or "it cannot be read"
        raise ValueError(f"is not YAML: {problem} (got {brief(text)!r}); quotes make it text") from exc


def _check(text: str) -> None:
    if len(text) > LARGEST:
        raise ValueError("is larger than a configuration may be")
    depth = 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise ValueError(f"must not have tags, anchors or aliases (got {brief(text)!r})")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"is nested more than {DEEPEST} levels deep")


def parse_changes(text: str) -> Changes:
    """Return the changes of *text*, JSON such as ``{"set": {"cameras.street.fps": 5}, "unset": ["log.level"]}``.

    Raises:
        ValueError: it is something else.
    """
    try:
        read = json.loads(text, parse_constant=_refuse)
    except RecursionError as exc:
        raise ValueError("the changes are nested too deep") from exc
    except ValueError as exc:
        raise ValueError(f"the changes are not JSON: {exc}") from exc
    if not isinstance(read, Mapping) or (unknown := read.keys() - {"set", "unset"}):
        got = f"the key {brief(min(unknown))!r}" if isinstance(read, Mapping) else shown(read)
        raise ValueError(f'the changes must be {{"set": {{PATH: VALUE}}, "unset": [PATH]}} (got {got})')
    to_set: Any = read.get("set") or {}
    to_unset: Any = read.get("unset") or []
    if _is_deeper(read, DEEPEST + 2):
        raise ValueError(f"the changes are nested more than {DEEPEST} levels deep")
    if not isinstance(to_set, Mapping):
        raise ValueError(f"set must be a mapping of paths to values (got {shown(to_set)})")  # noqa: TRY004 - of JSON
    if not isinstance(to_unset, list) or not all(isinstance(path, str) for path in to_unset):
        raise ValueError(f"unset must be a list of paths (got {shown(to_unset)})")
    return Changes([(parse_path(path), each) for path, each in to_set.items()], [*map(parse_path, to_unset)])


def _is_deeper(value: object, most: int) -> bool:
    """Whether *value* has more than *most* mappings and lists within each other."""
    level = [value]
    for _ in range(most):
        parts = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [inner for part in parts for inner in part]
    return any(isinstance(each, dict | list) for each in level)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number there")
