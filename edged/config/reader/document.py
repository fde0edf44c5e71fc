"""The values of a YAML file together with the places where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from edged.config.problems import KeyPath, Problem, dotted

__all__ = ["Document", "Mark", "YamlNode"]

Mark = tuple[int, int]
"""Line and column, counted from 1."""


@dataclass(slots=True)
class YamlNode:
    """A value: ``plain`` as Python has it, and where it and what it holds stand.

    ``children`` are the values by key or list position and ``keys`` is where each key stands. ``size`` counts the
    values in it, aliases written out; ``height`` is how deep it is nested. ``secret`` is a secret that was put into it,
    as the file spells it, such as ``${CREDENTIAL:front}``, or into a value that it holds.
    """

    plain: object = field(repr=False)  # it may hold a secret, as what it holds may
    mark: Mark
    children: dict[str | int, YamlNode] = field(default_factory=dict)
    keys: dict[str | int, Mark] = field(default_factory=dict)
    size: int = 1
    height: int = 1
    secret: str = ""

    def add(self, key: str | int, child: YamlNode) -> None:
        """Put *child* at *key* of this mapping, or at the end of this list."""
        self.children[key] = child
        self.size += child.size
        self.height = max(self.height, child.height + 1)
        self.secret = self.secret or child.secret
        if isinstance(self.plain, dict):
            self.plain[key] = child.plain
        elif isinstance(self.plain, list):
            self.plain.append(child.plain)


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file: its name as the user wrote it, its values, and what was wrong without making it unreadable."""

    file: str
    root: YamlNode
    problems: tuple[Problem, ...] = ()

    def value_at(self, path: KeyPath) -> Mark:
        """Return the mark of the value of *path*; of the key of the section around it, if it is not in the file."""
        node = self.root
        for depth, part in enumerate(path):
            if part not in node.children:
                return self.key_at(path[:depth])
            node = node.children[part]
        return node.mark

    def key_at(self, path: KeyPath) -> Mark:
        """Return the mark of the key that *path* ends in, or of the value if it is an item of a list."""
        node, mark = self.root, self.root.mark
        for part in path:
            mark = node.keys.get(part, mark)
            if part not in node.children:
                break
            if part not in node.keys:
                mark = node.children[part].mark
            node = node.children[part]
        return mark

    def secrets(self) -> Iterator[tuple[KeyPath, str]]:
        """Return the values that hold a secret, and how it is spelled there."""
        return _secrets(self.root, ())

    def problem(self, path: KeyPath, rule: str, mark: Mark | None = None) -> Problem:
        """*rule* as a problem of *path*, at *mark* or where the value stands."""
        line, column = mark or self.value_at(path)
        return Problem(self.file, line, column, dotted(path), rule)


def _secrets(node: YamlNode, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if node.secret and not node.children:
        yield path, node.secret
    for key, child in node.children.items():
        if child.secret:
            yield from _secrets(child, (*path, key))
