"""The layout of a YAML text: in which lines and columns its values, keys, dashes, commas and comments stand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from edged.config.edit.lines import TextLines
from edged.config.edit.tree import Place, YamlEntry, parse_places

__all__ = ["Layout"]

USUAL_STEP = 2

_TO_COLON = re.compile(r"\s*:(?=\s|\Z|[\[{\"'])")
_COMMENT = re.compile(r"[ \t]+#[^\r\n]*")


class Layout:
    """A text with its lines and the places of its values."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = TextLines(text)
        self.root = parse_places(text)
        self._owners = {id(entry.value): (outer, entry) for outer in self.root.all_places() for entry in outer.entries}

    def line_of(self, place: Place) -> int:
        """Return the line of *place* for people, counted from 1."""
        return self.lines.number(place.start) + 1

    def column_of(self, place: Place) -> int:
        """Return the column of the keys or dashes of *place*, a block."""
        first = place.entries[0]
        return self.lines.column(first.start if place.kind == "mapping" else self.dash(place, first))

    def step(self) -> int:
        """Return by how much a block is indented inside another one in this text."""
        for place in self.root.all_places():
            for entry in place.entries if place.kind == "mapping" and place.is_block else ():
                inner = entry.value
                if inner.kind == "mapping" and inner.is_block:
                    return self.column_of(inner) - self.lines.column(entry.start)
        return USUAL_STEP

    def has_plain_keys(self, place: Place) -> bool:
        """Whether the keys of *place*, a block, are written as ``key: value``, and not as ``? key``."""
        return all(
            _TO_COLON.match(self.text, entry.key_end) and not self.before(entry.start).endswith("?")
            for entry in (place.entries if place.kind == "mapping" else ())
        )

    def before(self, index: int) -> str:
        """Return what stands before ``text[index]`` in its line, without blanks."""
        return self.text[self.lines.start(self.lines.number(index)) : index].strip()

    def after_colon(self, entry: YamlEntry) -> int:
        """Return the place after the colon of *entry* of a mapping."""
        colon = _TO_COLON.match(self.text, entry.key_end)
        return colon.end() if colon else entry.key_end

    def comment_at(self, index: int, end: int | None = None) -> str:
        """Return the comment that begins at ``text[index]``, with the blanks before it; of the first till *end*."""
        found = _COMMENT.match(self.text, index) if end is None else _COMMENT.search(self.text, index, end)
        return found[0] if found else ""

    def comma_after(self, index: int, place: Place) -> int | None:
        """Return the place after the comma that follows ``text[index]``; None if the bracket of *place* does."""
        while index < place.end:
            match self.text[index]:
                case ",":
                    return index + 1
                case "#":
                    index = self.lines.end(self.lines.number(index))
                case _:
                    index += 1
        return None

    def dash(self, place: Place, entry: YamlEntry) -> int:
        """Return where the dash of *entry* stands, an item of the block list *place*."""
        first, line = self._first_dash(place), self.lines.number(entry.start)
        column = self.lines.column(first)
        while line > self.lines.number(first) and not self._begins_with_dash(line, column):
            line -= 1
        return self.lines.start(line) + column

    def _first_dash(self, place: Place) -> int:
        if not place.anchor:
            return place.start
        return self.text.rindex("-", 0, place.entries[0].start + 1)

    def _begins_with_dash(self, line: int, column: int) -> bool:
        content = self.lines.content(line)
        return not content[:column].strip() and content[column : column + 1] == "-"

    def last_line(self, place: Place) -> int:
        """Return the last line of *place*, without comments below it."""
        while place.is_block:
            entry = place.entries[-1]
            if not entry.value.is_block:
                return max(self._last_line(entry.value), self.lines.number(entry.key_end))
            place = entry.value
        return self._last_line(place)

    def _last_line(self, place: Place) -> int:
        end = place.end
        if place.style in ("|", ">"):
            header = self.text[place.start : self.lines.end(self.lines.number(place.start))]
            if "+" not in header.partition("#")[0]:  # else the blank lines at its end are of the value
                end = place.start + len(self.text[place.start : end].rstrip())
        return self.lines.number(max(end - 1, place.start))

    def owner(self, place: Place) -> tuple[Place, YamlEntry] | None:
        """Return the mapping or list that *place* is in, and its entry there; None for the top."""
        return self._owners.get(id(place))

    def blocks_beside(self, owner: Place, place: Place | None = None) -> bool:
        """Whether the last other mapping or list with something in it, in *owner*, is a block."""
        found = [each for each in _values(owner) if each is not place and each.entries]
        return bool(found) and found[-1].is_block


def _values(place: Place) -> Iterator[Place]:
    return (entry.value for entry in place.entries)
