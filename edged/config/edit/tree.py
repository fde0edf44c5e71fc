"""A YAML text as a tree of the places where its values stand, by the marks of the parser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import yaml

from edged.config.problems import KeyPath
from edged.config.reader.scalars import resolved

__all__ = ["Place", "YamlEntry", "parse_places"]

Kind = Literal["scalar", "mapping", "list", "alias"]


@dataclass(slots=True, eq=False)
class Place:
    """A value and the part of the text that it takes, ``text[start:end]``, with its anchor.

    ``style`` is that of a scalar: ``"``, ``'``, ``|``, ``>`` or empty. ``is_flow``: a mapping or list in brackets. The
    end of a block, which has none, is somewhere before the next thing. ``target`` is what an alias repeats, and
    ``aliases`` are the places that repeat this value.
    """

    kind: Kind
    start: int
    end: int
    style: str = ""
    is_flow: bool = False
    anchor: str | None = None
    text: str = ""
    entries: list[YamlEntry] = field(default_factory=list)
    target: Place | None = None
    aliases: list[Place] = field(default_factory=list)

    @property
    def is_block(self) -> bool:
        """Whether it is a mapping or list without brackets."""
        return self.kind in ("mapping", "list") and not self.is_flow

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands there, or null in a spelling of it."""
        return self.kind == "scalar" and self.plain is None

    @property
    def plain(self) -> object:
        """The value as Python has it, before variables are filled in; aliases stand for what they repeat."""
        match self.kind:
            case "mapping":
                return {entry.key: entry.value.plain for entry in self.entries}
            case "list":
                return [entry.value.plain for entry in self.entries]
            case "alias":
                return self.target.plain if self.target else None
            case _:
                return self.text if self.style else _resolved(self.text)

    def entry(self, key: str | int) -> YamlEntry | None:
        """Return the entry of *key* or list position, None if there is none."""
        return next((entry for entry in self.entries if entry.key == key), None)

    def all_places(self) -> Iterator[Place]:
        """Return this place and all in it."""
        yield self
        for entry in self.entries:
            yield from entry.value.all_places()

    def at(self, path: KeyPath) -> Place | None:
        """Return the place of *path* below this one, not through aliases; None if it is not there."""
        place: Place | None = self
        for part in path:
            found = place.entry(part) if place else None
            place = found.value if found else None
        return place


@dataclass(slots=True, eq=False)
class YamlEntry:
    """A key with its value, or an item of a list, whose key is its position.

    ``start`` is where the key stands; the value, for an item. ``key_end`` is where the key ends.
    """

    key: str | int
    start: int
    key_end: int
    value: Place


def parse_places(text: str) -> Place:
    """Return the places of *text*, which is of few enough values, as `compose` makes sure.

    Raises:
        yaml.YAMLError: it is not YAML.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    reading = _Reading()
    for event in yaml.parse(text, Loader=loader):
        reading.take(event)
    return reading.root


class _Reading:
    """Makes the tree of the parser's events."""

    def __init__(self) -> None:
        self.root = Place("scalar", 0, 0)
        self._open: list[Place] = []
        self._keys: list[tuple[str, int, int] | None] = []
        self._anchors: dict[str, Place] = {}

    def take(self, event: yaml.Event) -> None:
        start, end = _span(event)
        match event:
            case yaml.ScalarEvent() if self._wants_key:
                self._keys[-1] = (event.value, start, end)
            case yaml.ScalarEvent():
                style = event.style or ""
                self._add(
                    Place("scalar", start, end, style if style in "\"'|>" else "", text=event.value), event.anchor
                )
            case yaml.AliasEvent():
                target = self._anchors[event.anchor or ""]
                alias = Place("alias", start, end, target=target)
                target.aliases.append(alias)
                self._add(alias, None)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                kind: Kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "list"
                place = Place(kind, start, end, is_flow=bool(event.flow_style))
                self._add(place, event.anchor)
                self._open.append(place)
                self._keys.append(None)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._keys.pop()
                self._open.pop().end = end

    @property
    def _wants_key(self) -> bool:
        return bool(self._open) and self._open[-1].kind == "mapping" and self._keys[-1] is None

    def _add(self, place: Place, anchor: str | None) -> None:
        if anchor:
            place.anchor = anchor
            self._anchors[anchor] = place
        if not self._open:
            self.root = place
            return
        parent, key = self._open[-1], self._keys[-1]
        if key is None:
            parent.entries.append(YamlEntry(len(parent.entries), place.start, place.start, place))
        else:
            parent.entries.append(YamlEntry(key[0], key[1], key[2], place))
        self._keys[-1] = None


def _span(event: yaml.Event) -> tuple[int, int]:
    assert event.start_mark is not None  # what a parser emits is marked
    assert event.end_mark is not None
    return event.start_mark.index, event.end_mark.index


def _resolved(word: str) -> object:
    try:
        return resolved(word)
    except ValueError:  # a number that is too large; the reader reports it
        return word
