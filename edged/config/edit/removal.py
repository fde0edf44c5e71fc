"""Splices that remove a key or an item from a YAML text, with the comments that belong to it."""

from __future__ import annotations

import re

from edged.config.edit.layout import Layout
from edged.config.edit.tree import Place, YamlEntry
from edged.config.edit.writing import Splice

__all__ = ["removed"]

_BLANKS = re.compile(r"[ \t]*")


def removed(layout: Layout, place: Place, entry: YamlEntry) -> Splice | None:
    """Remove *entry* from *place*, which has others; None if it begins in the line of what is around it."""
    return _without_lines(layout, place, entry) if place.is_block else _without_part(layout, place, entry)


def _without_lines(layout: Layout, place: Place, entry: YamlEntry) -> Splice | None:
    """Remove its lines, the comments right above it, and those below that are indented further than it is."""
    lines = layout.lines
    start = layout.dash(place, entry) if place.kind == "list" else entry.start
    if layout.before(start):  # "- key: value" is one line
        return None
    line, column = lines.number(start), lines.column(start)
    last = layout.last_line(entry.value) if entry.value.is_block else _last_line(layout, entry)
    last = lines.own_comments_below(last, column + 1, past_blanks=True)
    first = lines.own_comments_above(line, column)
    if lines.end(last) == len(layout.text) and first > 0:  # the line end before goes, as there is none after
        return Splice(lines.end(first - 1), len(layout.text), "")
    return Splice(lines.start(first), lines.start(last + 1), "")


def _last_line(layout: Layout, entry: YamlEntry) -> int:
    return max(layout.last_line(entry.value), layout.lines.number(entry.key_end))


def _without_part(layout: Layout, place: Place, entry: YamlEntry) -> Splice:
    """Remove it and its comma; whole lines, if nothing else stands in them."""
    lines, text = layout.lines, layout.text
    number = place.entries.index(entry)
    end = max(entry.value.end, entry.key_end)
    comma = layout.comma_after(end, place)
    blanks = _BLANKS.match(text, end if comma is None else comma)
    after = blanks.end() if blanks else end
    first, last = lines.number(entry.start), lines.number(after)
    if not layout.before(entry.start) and (after == lines.end(last) or text[after] == "#"):
        first = lines.own_comments_above(first, lines.column(entry.start))
        return Splice(lines.start(first), lines.start(last + 1), "")
    if number + 1 < len(place.entries) or number == 0:
        return Splice(entry.start, after, "")
    before = place.entries[number - 1]
    before_end = max(before.value.end, before.key_end)
    if lines.number(before_end) == first:
        return Splice(before_end, end, "")
    return Splice(entry.start, after, "")
