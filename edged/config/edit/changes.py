"""Changes of a configuration: values to set and to remove, and the text that has them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import yaml

from edged.config.edit.edits import EditError, is_same, set_value, unset_value
from edged.config.edit.spelling import block_lines, inline
from edged.config.edit.tree import parse_places
from edged.config.problems import ConfigFileError, KeyPath, Problem, dotted
from edged.config.reader.compose import compose, position

__all__ = ["Changes", "changed_text"]

_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Changes:
    """The values to set, by their paths, and the paths of those to remove; values are as JSON has them.

    A text is what the file is to hold: ``${NAME}`` in it stands for a variable.
    """

    set: Sequence[tuple[KeyPath, object]] = ()
    unset: Sequence[KeyPath] = ()

    def as_yaml(self) -> str:
        """Return them as lines to paste into a configuration, by hand."""
        way = _Way()
        for path, value in self.set:
            _put(way, path, value)
        lines = [*_lines(way, 0), *(f"# remove {dotted(path)}" for path in self.unset)]
        return "".join(f"{line}\n" for line in lines)

    def needed_in(self, text: str) -> Changes:
        """Return them without the removal of what *text* does not have; it is a configuration."""
        root = parse_places(text.removeprefix(_BOM))
        return Changes(self.set, [path for path in self.unset if root.at(path) is not None])


class _Way(dict[str, object]):
    """A mapping on the way to a value, which is written as a block however short it is."""


def changed_text(text: str, changes: Changes, file: str) -> str:
    """Return *text* with *changes*. Comments, order and spelling of everything else stay; *file* is its name.

    Raises:
        ConfigFileError: it is no YAML, or a value cannot be changed where it stands.
    """
    compose(text, file)  # refuses what is no configuration, and what takes too long to read
    mark = _BOM if text.startswith(_BOM) else ""
    before = after = text.removeprefix(_BOM)
    expected = parse_places(before).plain
    try:
        for path, value in changes.set:
            after = set_value(after, path, value)
            expected = _with(expected, path, value)
        for path in changes.unset:
            after = unset_value(after, path)
            expected = _without(expected, path)
    except EditError as exc:
        line, column = position(after, exc.index)
        raise ConfigFileError([Problem(file, line, column, dotted(exc.path), str(exc))]) from exc
    if not _holds(after, expected):
        paths = ", ".join(dotted(path) for path in [*(path for path, _ in changes.set), *changes.unset])
        rule = "cannot be changed in this text without changing something else; change it by hand"
        raise ConfigFileError([Problem(file, 0, 0, paths, rule)])
    return mark + after


def _holds(text: str, expected: object) -> bool:
    try:
        return is_same(parse_places(text).plain, expected)
    except yaml.YAMLError:
        return False


def _with(tree: object, path: KeyPath, value: object) -> object:
    """*tree* with *value* at *path*, where `set_value` has set it."""
    tree = copy.deepcopy(tree)
    node = tree
    for part, inner in pairwise(path):
        if isinstance(node, dict) and (node.get(part) is None):
            node[part] = {} if isinstance(inner, str) else []
        node = node[part]  # type: ignore[index]  # what is neither was refused
    if isinstance(node, list) and path[-1] == len(node):
        node.append(value)
    else:
        node[path[-1]] = value  # type: ignore[index]  # likewise
    return tree


def _without(tree: object, path: KeyPath) -> object:
    tree = copy.deepcopy(tree)
    node = tree
    for part in path[:-1]:
        node = node.get(part) if isinstance(node, dict) else _item(node, part)
    if isinstance(node, dict):
        node.pop(path[-1], None)
    elif isinstance(node, list) and isinstance(path[-1], int) and path[-1] < len(node):
        del node[path[-1]]
    return tree


def _item(node: object, part: object) -> object:
    return node[part] if isinstance(node, list) and isinstance(part, int) and part < len(node) else None


def _put(way: _Way, path: KeyPath, value: object) -> None:
    """Put *value* into the lines to paste; a list that has a position in its path is shown with that as a key."""
    for part in path[:-1]:
        inner = way.get(str(part))
        if not isinstance(inner, _Way):
            inner = way[str(part)] = _Way()
        way = inner
    way[str(path[-1])] = value


def _lines(way: _Way, column: int) -> Iterator[str]:
    for key, each in way.items():
        if isinstance(each, _Way):
            yield f"{' ' * column}{inline(key)}:"
            yield from _lines(each, column + 2)
        else:
            yield from block_lines({key: each}, column, 2)
