"""YAML text → values that know where they stand.

This is YAML 1.2's core schema with nothing that surprises: a key is always text (``on:`` and ``no:`` are fine names),
``yes``, ``0o17``, ``1_000``, ``12:30`` and dates are text, and tags, merge keys and a second document are refused.
Aliases are allowed as long as what they repeat stays small. Whatever the text is, reading it takes little time and
memory.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn

import yaml

from edged.config.problems import ConfigFileError, KeyPath, Problem, dotted, shortened, shown

__all__ = ["MOST_CHARACTERS", "Document", "Mark", "Node", "position"]

MOST_CHARACTERS = 1 << 20
MOST_VALUES = 50_000
DEEPEST = 32
LONGEST_INTEGER = 18  # digits: all such numbers fit in 64 bits

Mark = tuple[int, int]
"""Line and column, counted from 1."""

# Besides what YAML forbids: line breaks that editors do not show, which would shift every line number.
_CONTROL = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_BREAK = re.compile(r"\r\n?|\n")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
NUMBER = re.compile(rf"(?:{_FLOAT.pattern})\Z")
_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **{sign + word: math.inf for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}


@dataclass(slots=True)
class Node:
    """A value of the file: ``plain`` as Python has it, and where it and what it holds stand.

    ``children`` are the values by key or list position and ``keys`` is where each key stands. ``size`` counts the
    values in it, aliases written out; ``height`` is how deep it is nested.
    """

    plain: object
    mark: Mark
    children: dict[str | int, Node] = field(default_factory=dict)
    keys: dict[str, Mark] = field(default_factory=dict)
    size: int = 1
    height: int = 1

    def add(self, key: str | int, child: Node) -> None:
        """Put *child* at *key* of this mapping, or at the end of this list."""
        self.children[key] = child
        self.size += child.size
        self.height = max(self.height, child.height + 1)
        if isinstance(self.plain, dict):
            self.plain[key] = child.plain
        elif isinstance(self.plain, list):
            self.plain.append(child.plain)


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file: its name as the user wrote it, its values, and what was wrong without making it unreadable."""

    file: str
    root: Node
    problems: tuple[Problem, ...]

    @classmethod
    def parse(cls, text: str, file: str) -> Document:
        """Read *text*; its top is a mapping.

        Raises:
            ConfigFileError: it is not YAML, is too large or too deep, or is not a mapping.
        """
        return _Composer(file, text.removeprefix("\ufeff")).compose()

    def value_at(self, path: KeyPath) -> Mark:
        """Where the value of *path* stands, or as much of *path* as is in the file."""
        node = self.root
        mark = node.mark
        for part in path:
            if part not in node.children:
                break
            node = node.children[part]
            mark = node.mark
        return mark

    def key_at(self, path: KeyPath) -> Mark:
        """Where the key that *path* ends in stands; the value, for an item of a list or what is not in the file."""
        node = self.root
        for part in path[:-1]:
            if part not in node.children:
                return self.value_at(path)
            node = node.children[part]
        last = path[-1] if path else None
        return node.keys[last] if isinstance(last, str) and last in node.keys else self.value_at(path)

    def problem(self, path: KeyPath, rule: str, mark: Mark | None = None) -> Problem:
        """*rule* told of *path*, at *mark* or where the value stands."""
        line, column = mark or self.value_at(path)
        return Problem(self.file, line, column, dotted(path), rule)


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet; ``key`` is the one that waits for its value."""

    node: Node
    anchor: str | None
    key: str | None = None
    dropped: bool = False

    @property
    def wants_key(self) -> bool:
        return isinstance(self.node.plain, dict) and self.key is None


class _Composer:
    """Turns the parser's events into one tree, without recursion, and stops at the first sign of a bomb."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        self._problems: list[Problem] = []
        self._anchors: dict[str, Node] = {}
        self._open: list[_Open] = []
        self._root: Node | None = None
        self._values = 0

    def compose(self) -> Document:
        self._look_at_characters()
        for event in self._events():
            self._take(event)
        root = self._root
        if root is None or root.plain is None:
            self._fail((1, 1), "is empty; it needs at least 'cameras:' with one camera")
        if not isinstance(root.plain, dict):
            self._fail(root.mark, f"must be a mapping of settings such as 'cameras:' (got {shown(root.plain)})")
        return Document(self._file, root, tuple(self._problems))

    def _look_at_characters(self) -> None:
        if len(self._text) > MOST_CHARACTERS:
            self._fail((0, 0), "is too large for a configuration: more than 1 MiB")
        found = _CONTROL.search(self._text)
        if found:
            self._fail(
                position(self._text, found.start()),
                f"must not hold control characters or invisible ones (got U+{ord(found[0]):04X})",
            )

    def _events(self) -> Iterator[yaml.Event]:
        # libyaml is some ten times faster, and not on every board.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            yield from yaml.parse(self._text, Loader=loader)
        except yaml.MarkedYAMLError as exc:
            raise ConfigFileError([*self._problems, self._syntax_problem(exc)]) from exc

    def _take(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent() if self._root is not None:
                self._fail(_mark(event), "a second document begins here, and a configuration is only one")
            case yaml.ScalarEvent() if self._open and self._open[-1].wants_key:
                self._take_key(event)
            case yaml.ScalarEvent():
                self._refuse_tag(event)
                self._add(self._scalar(event), event.anchor)
            case yaml.AliasEvent():
                self._add(self._repeated(event), None)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._begin(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                done = self._open.pop()
                self._values -= done.node.size - 1  # its values were counted one by one, and count again as a whole
                self._add(done.node, done.anchor)

    def _begin(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        self._refuse_tag(event)
        if self._open and self._open[-1].wants_key:
            self._fail(_mark(event), "a key must be text, not a list or a mapping")
        if len(self._open) >= DEEPEST:
            self._fail(_mark(event), f"is nested more than {DEEPEST} levels deep")
        empty: object = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._open.append(_Open(Node(empty, _mark(event)), event.anchor))

    def _take_key(self, event: yaml.ScalarEvent) -> None:
        self._refuse_tag(event)
        top, key, mark = self._open[-1], event.value, _mark(event)
        top.key = key
        top.dropped = True
        if key in top.node.keys:
            line = top.node.keys[key][0]
            self._tell(mark, f"is given twice; the first is in line {line}")
        elif key == "<<" and not event.style:
            self._tell(mark, "merge keys are not supported; write the settings out")
        else:
            top.node.keys[key] = mark
            top.dropped = False

    def _add(self, node: Node, anchor: str | None) -> None:
        self._values += node.size
        if self._values > MOST_VALUES:
            self._fail(node.mark, f"holds more than {MOST_VALUES} values, counting what aliases repeat")
        if anchor:
            self._anchors[anchor] = node
        if not self._open:
            self._root = node
            return
        top = self._open[-1]
        if isinstance(top.node.plain, list):
            top.node.add(len(top.node.children), node)
        elif not top.dropped:
            assert top.key is not None
            top.node.add(top.key, node)
        top.key = None

    def _repeated(self, event: yaml.AliasEvent) -> Node:
        name = event.anchor or ""
        node = self._anchors.get(name)
        if node is None:
            self._fail(_mark(event), f"there is no anchor '&{shortened(name)}' before this alias")
        if self._open and self._open[-1].wants_key:
            self._fail(_mark(event), "a key must be text, not an alias")
        if len(self._open) + node.height > DEEPEST:
            self._fail(_mark(event), f"is nested more than {DEEPEST} levels deep")
        return node

    def _scalar(self, event: yaml.ScalarEvent) -> Node:
        text, mark = event.value, _mark(event)
        if event.style:  # quoted, or a block
            found = _CONTROL.search(text)
            if found:
                self._tell(mark, f"must not hold control characters (got U+{ord(found[0]):04X})")
            return Node(text, mark)
        if text in _WORDS:
            return Node(_WORDS[text], mark)
        if _INTEGER.fullmatch(text):
            if len(text) > LONGEST_INTEGER:
                self._tell(mark, f"is too large a number (got {shortened(text)})")
                return Node(text, mark)
            return Node(int(text), mark)
        return Node(float(text) if _FLOAT.fullmatch(text) else text, mark)

    def _refuse_tag(self, event: yaml.ScalarEvent | yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        if event.tag is not None:
            self._tell(_mark(event), f"tags are not allowed; remove {shortened(_as_written(event.tag))}")

    def _syntax_problem(self, exc: yaml.MarkedYAMLError) -> Problem:
        at = exc.problem_mark or exc.context_mark
        lines = _BREAK.split(self._text)
        line, column = (min(at.line, len(lines) - 1), at.column) if at else (0, 0)
        indent = re.match(r"\s*", lines[line])
        if indent and "\t" in indent[0]:
            tab = indent[0].index("\t")
            return Problem(self._file, line + 1, tab + 1, "", "a tab indents this line, and YAML takes only spaces")
        rule = ", ".join(part for part in (exc.context, exc.problem) if part)
        return Problem(self._file, line + 1, column + 1, "", f"is not YAML: {rule}")

    def _tell(self, mark: Mark, rule: str) -> None:
        path: list[str | int] = []
        for level in self._open:
            here = level.key if isinstance(level.node.plain, dict) else len(level.node.children)
            if here is not None:
                path.append(here)
        self._problems.append(Problem(self._file, *mark, dotted(tuple(path)), rule))

    def _fail(self, mark: Mark, rule: str) -> NoReturn:
        self._tell(mark, rule)
        raise ConfigFileError(self._problems)


def position(text: str, index: int) -> Mark:
    """The line and column of ``text[index]``."""
    lines = _BREAK.split(text[:index])
    return len(lines), len(lines[-1]) + 1


def _mark(event: yaml.Event) -> Mark:
    assert event.start_mark is not None  # what a parser emits is marked
    return event.start_mark.line + 1, event.start_mark.column + 1


def _as_written(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
