"""YAML text → a ``Document``.

Nothing here surprises: a key is always text (``on:`` and ``no:`` are fine names), and tags, merge keys and a second
document are refused. Aliases are allowed as long as what they repeat stays small. ``${NAME}`` in a value is replaced,
and then read as if it had stood there: as a number where it looks like one and is not in quotes. For every text,
reading it takes little time and memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import yaml

from edged.config.problems import ConfigFileError, Problem, brief, dotted, shown
from edged.config.reader.document import Document, Mark, YamlNode
from edged.config.reader.scalars import CONTROL, resolved
from edged.config.reader.variables import FilledValue, Variables

__all__ = ["LARGEST", "compose", "position"]

LARGEST = 1 << 20  # bytes, and characters
MOST_VALUES = 50_000
DEEPEST = 32

_BREAK = re.compile(r"\r\n?|\n")


def compose(text: str, file: str) -> Document:
    """Read *text*, whose top is a mapping, and call it *file* in its problems.

    Raises:
        ConfigFileError: it is not YAML, is too large or too deep, or is not a mapping.
    """
    return _Composer(text.removeprefix("\ufeff"), file).compose()


def position(text: str, index: int) -> Mark:
    """Return the line and column of ``text[index]``."""
    lines = _BREAK.split(text[:index])
    return len(lines), len(lines[-1]) + 1


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet.

    ``key`` waits for its value; the value is ``dropped`` if the key must not be there.
    """

    node: YamlNode
    anchor: str | None
    key: str | None = None
    dropped: bool = False

    @property
    def wants_key(self) -> bool:
        return isinstance(self.node.plain, dict) and self.key is None


class _Composer:
    """Turns the parser's events into one tree, without recursion, and stops at the first sign of a bomb."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._problems: list[Problem] = []
        self._anchors: dict[str, YamlNode] = {}
        self._open: list[_Open] = []
        self._root: YamlNode | None = None
        self._values = 0
        self._variables = Variables()

    def compose(self) -> Document:
        self._check_characters()
        for event in self._events():
            self._read_event(event)
        root = self._root
        if root is None or root.plain is None:
            self._fail((1, 1), "is empty; it needs at least 'cameras:' with one camera")
        if not isinstance(root.plain, dict):
            self._fail(root.mark, f"must be a mapping of settings such as 'cameras:' (got {shown(root.plain)})")
        return Document(self._file, root, tuple(self._problems))

    def _check_characters(self) -> None:
        if len(self._text) > LARGEST:
            self._fail((0, 0), "is too large for a configuration: more than 1 MiB")
        found = CONTROL.search(self._text)
        if found:
            mark = position(self._text, found.start())
            self._fail(mark, f"must not hold control characters or invisible ones (got U+{ord(found[0]):04X})")

    def _events(self) -> Iterator[yaml.Event]:
        # libyaml is some ten times faster, and not on every board.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            yield from yaml.parse(self._text, Loader=loader)
        except yaml.YAMLError as exc:
            raise ConfigFileError([*self._problems, self._syntax_problem(exc)]) from exc

    def _read_event(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent() if self._root is not None:
                self._fail(_mark(event), "a second document begins here, and a configuration is only one")
            case yaml.ScalarEvent() if self._wants_key:
                self._read_key(event)
            case yaml.ScalarEvent():
                self._refuse_tag(event)
                self._add(self._scalar(event), event.anchor)
            case yaml.AliasEvent():
                self._add(self._repeated(event), None)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._begin(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                done = self._open.pop()
                self._values -= done.node.size - 1  # counted one by one so far, and now again as a whole
                self._add(done.node, done.anchor)

    @property
    def _wants_key(self) -> bool:
        return bool(self._open) and self._open[-1].wants_key

    def _begin(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        self._refuse_tag(event)
        if self._wants_key:
            self._fail(_mark(event), "a key must be text, not a list or a mapping")
        if len(self._open) >= DEEPEST:
            self._fail(_mark(event), f"is nested more than {DEEPEST} levels deep")
        empty: object = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._open.append(_Open(YamlNode(empty, _mark(event)), event.anchor))

    def _read_key(self, event: yaml.ScalarEvent) -> None:
        self._refuse_tag(event)
        top, key, mark = self._open[-1], event.value, _mark(event)
        top.key, top.dropped = key, True
        if key in top.node.keys:
            self._add_problem(mark, f"is given twice; the first is in line {top.node.keys[key][0]}")
        elif self._is_unprintable(event):
            pass
        elif key == "<<" and not event.style:
            self._add_problem(mark, "merge keys are not supported; write the settings out")
        else:
            top.node.keys[key] = mark
            top.dropped = False

    def _add(self, node: YamlNode, anchor: str | None) -> None:
        self._values += node.size
        if self._values > MOST_VALUES:
            self._fail(node.mark, f"holds more than {MOST_VALUES} values, counting what aliases repeat")
        if anchor:
            self._anchors[anchor] = node
        if not self._open:
            self._root = node
            return
        top = self._open[-1]
        if top.key is None:
            top.node.add(len(top.node.children), node)
        elif not top.dropped:
            top.node.add(top.key, node)
        top.key = None

    def _repeated(self, event: yaml.AliasEvent) -> YamlNode:
        name = event.anchor or ""
        node = self._anchors.get(name)
        if node is None:
            self._fail(_mark(event), f"there is no anchor '&{brief(name)}' before this alias")
        if self._wants_key:
            self._fail(_mark(event), "a key must be text, not an alias")
        if len(self._open) + node.height > DEEPEST:
            self._fail(_mark(event), f"is nested more than {DEEPEST} levels deep")
        return node

    def _scalar(self, event: yaml.ScalarEvent) -> YamlNode:
        self._is_unprintable(event)
        filled = self._filled(event)
        return YamlNode(self._resolved(event, filled.text), _mark(event), secret=filled.secret)

    def _filled(self, event: yaml.ScalarEvent) -> FilledValue:
        try:
            return self._variables.fill(event.value)
        except ValueError as exc:
            self._add_problem(_mark(event), str(exc))
            return FilledValue(event.value)

    def _resolved(self, event: yaml.ScalarEvent, text: str) -> object:
        if event.style:  # in quotes, or a block of lines
            return text
        try:
            return resolved(text)
        except ValueError as exc:
            self._add_problem(_mark(event), f"{exc} (got {brief(text)})")
            return text

    def _is_unprintable(self, event: yaml.ScalarEvent) -> bool:
        found = CONTROL.search(event.value)  # an escape in quotes can make one
        if found:
            self._add_problem(_mark(event), f"must not hold control characters (got U+{ord(found[0]):04X})")
        return found is not None

    def _refuse_tag(self, event: yaml.ScalarEvent | yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        if event.tag is not None:
            written = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._add_problem(_mark(event), f"must not have a tag; remove {brief(written)}")

    def _syntax_problem(self, exc: yaml.YAMLError) -> Problem:
        at = getattr(exc, "problem_mark", None) or getattr(exc, "context_mark", None)
        lines = _BREAK.split(self._text)
        line, column = (min(at.line, len(lines) - 1), at.column) if at else (0, 0)
        indent = lines[line][: len(lines[line]) - len(lines[line].lstrip())]
        if "\t" in indent:
            rule = "a tab indents this line, and YAML takes only spaces"
            return Problem(self._file, line + 1, indent.index("\t") + 1, "", rule)
        parts = [getattr(exc, name, None) for name in ("context", "problem")]
        rule = ", ".join(part for part in parts if part) or "it cannot be read"
        if "${" in lines[line][: column + 1]:
            rule += "; between [ ] or { } a ${NAME} must be in quotes, as text; for a number give it a line of its own"
        return Problem(self._file, line + 1, column + 1, "", f"is not YAML: {rule}")

    def _add_problem(self, mark: Mark, rule: str) -> None:
        path: list[str | int] = []
        for level in self._open:
            if level.key is not None:
                path.append(level.key)
            elif not level.wants_key:
                path.append(len(level.node.children))
        self._problems.append(Problem(self._file, *mark, dotted(tuple(path)), rule))

    def _fail(self, mark: Mark, rule: str) -> NoReturn:
        self._add_problem(mark, rule)
        raise ConfigFileError(self._problems)


def _mark(event: yaml.Event) -> Mark:
    assert event.start_mark is not None  # what a parser emits is marked
    return event.start_mark.line + 1, event.start_mark.column + 1
