"""Splices that write a value into a YAML text: in place of another one, or at the end of a mapping or list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from edged.config.edit.layout import Layout
from edged.config.edit.spelling import block_lines, inline, is_short
from edged.config.edit.tree import Place, YamlEntry

__all__ = ["Splice", "added", "replaced", "spliced"]

Collection: TypeAlias = "dict[str, object] | list[object]"

_ANCHOR = re.compile(r"&\S+")


class Splice(NamedTuple):
    """``text[start:end]`` becomes *new*."""

    start: int
    end: int
    new: str


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """Return *text* with *splices*, which do not overlap; of two at one place the first comes first."""
    parts, at = [], 0
    for start, end, new in sorted(splices, key=lambda splice: splice[:2]):
        parts += [text[at:start], new]
        at = end
    return "".join([*parts, text[at:]])


def replaced(layout: Layout, place: Place, wanted: object) -> Iterator[Splice]:
    """Write *wanted* in place of *place*, whose anchor and whose comment in the same line stay."""
    owner = layout.owner(place)
    parent = owner[0] if owner else None
    anchor = _ANCHOR.match(layout.text, place.start) if place.anchor else None
    start, end, comment = _extent(layout, place)
    kept = f"{anchor[0]} " if anchor else ""
    if parent is not None and isinstance(wanted, dict | list) and _is_block_wanted(layout, place, parent, wanted):
        yield from _as_block(layout, place, parent, wanted, kept.rstrip())
        return
    before = layout.text[start - 1 : start]
    blank = " " if before and not before.isspace() and before not in "[{," else ""
    style = place.style if place.style in ("'", '"') else ""
    written = inline(wanted, style, in_flow=parent is not None and parent.is_flow)
    yield Splice(start, end, f"{blank}{kept}{written}{comment}")


def _extent(layout: Layout, place: Place) -> tuple[int, int, str]:
    """Return begin and end of *place*, and the comment in its first line."""
    text, lines = layout.text, layout.lines
    if place.is_block:
        owner = layout.owner(place)
        start = place.start if owner is None else _begin_of_block(layout, place, *owner)
        comment = "" if start == place.start else layout.comment_at(start)
        return start, lines.end(_end_of_block(layout, place)), comment
    if place.style in ("|", ">"):
        comment = layout.comment_at(place.start, lines.end(lines.number(place.start)))
        return place.start, place.start + len(text[place.start : place.end].rstrip()), comment
    return place.start, place.end, ""


def _begin_of_block(layout: Layout, place: Place, owner: Place, entry: YamlEntry) -> int:
    """Return the place after the colon or dash before *place*; its own begin where it has an anchor."""
    if place.anchor:
        return place.start
    return layout.after_colon(entry) if owner.kind == "mapping" else layout.dash(owner, entry) + 1


def _end_of_block(layout: Layout, place: Place) -> int:
    """Return the last line of *place*, with the comments below it that are indented further than its key."""
    owner = layout.owner(place)
    least = layout.column_of(owner[0]) + 1 if owner and owner[0].is_block else 1
    return layout.lines.own_comments_below(layout.last_line(place), least, past_blanks=True)


def _is_block_wanted(layout: Layout, place: Place, parent: Place, wanted: Collection) -> bool:
    """Whether *wanted* is to be lines, and not between brackets: as its neighbours are, and what it replaces."""
    if not wanted or not parent.is_block or parent.kind != "mapping":
        return False
    if place.entries:
        return place.is_block
    beside = isinstance(wanted, dict) and layout.blocks_beside(parent, place)
    return beside or not is_short(wanted, layout.lines.column(place.start))


def _as_block(layout: Layout, place: Place, parent: Place, wanted: Collection, anchor: str) -> Iterator[Splice]:
    lines = layout.lines
    outer, step = layout.column_of(parent), layout.step()
    column = layout.column_of(place) if place.is_block else outer + step
    if isinstance(wanted, dict) and column == outer:  # in place of a list that is not indented
        column += step
    new = list(block_lines(wanted, column, step))
    if not place.is_block:
        start = len(layout.text[: place.start].rstrip(" "))
        yield Splice(start, place.end, f" {anchor}" if anchor else "")
        yield _below(layout, lines.number(max(place.end - 1, place.start)), new)
        return
    first = lines.number(layout.after_colon(next(entry for entry in parent.entries if entry.value is place)))
    last = _end_of_block(layout, place)
    brk = lines.break_at(first)
    yield Splice(lines.end(first), lines.end(last), "".join(brk + line for line in new))


def added(layout: Layout, place: Place, new: Collection) -> Iterator[Splice]:
    """Write the items or keys of *new* after the last one of *place*, which has some: as they are written."""
    if place.is_block:
        yield _added_lines(layout, place, new)
        return
    parts = [inline({key: each})[1:-1] for key, each in new.items()] if isinstance(new, dict) else [*map(inline, new)]
    last, lines = place.entries[-1], layout.lines
    end = max(last.value.end, last.key_end)
    comma, line = layout.comma_after(end, place), lines.number(end)
    if not layout.before(last.start) and lines.number(place.end) > line:  # in a line of its own
        yield Splice(end, end, "" if comma else ",")
        indent = " " * lines.column(last.start)
        line = lines.number(comma or end)
        written = f",{lines.break_at(line)}{indent}".join(parts) + ("," if comma else "")
        yield _below(layout, line, [indent + written])
    elif comma:
        yield Splice(comma, comma, f" {', '.join(parts)},")
    else:
        yield Splice(end, end, "".join(f", {part}" for part in parts))


def _added_lines(layout: Layout, place: Place, new: Collection) -> Splice:
    column = layout.column_of(place)
    written = block_lines(new, column, layout.step(), as_blocks=layout.blocks_beside(place))
    last = layout.lines.own_comments_below(layout.last_line(place), max(column, 1))
    return _below(layout, last, written)


def _below(layout: Layout, line: int, new: Iterable[str]) -> Splice:
    """Write the lines *new* below *line*. A text without a line end at its end stays so."""
    lines, size = layout.lines, len(layout.text)
    brk = lines.break_at(line)
    if lines.end(line) == size:
        return Splice(size, size, "".join(brk + each for each in new))
    start = lines.start(line + 1)
    return Splice(start, start, "".join(each + brk for each in new))
