"""Edits of a YAML text: the fewest that make a value what it is to be. Nothing else in the text changes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from edged.config.edit.layout import Layout
from edged.config.edit.removal import removed
from edged.config.edit.tree import Place, YamlEntry
from edged.config.edit.writing import Splice, added, replaced, spliced
from edged.config.problems import KeyPath, brief, dotted, shown

__all__ = ["EditError", "is_same", "set_value", "unset_value"]

MOST_REMOVALS = 100
"""Of parts of one value; a value of which more have to go is written anew."""


class EditError(ValueError):
    """A value cannot be changed where it stands. ``path`` is that of the obstacle, and ``index`` its place."""

    def __init__(self, path: KeyPath, rule: str, index: int) -> None:
        super().__init__(rule)
        self.path = path
        self.index = index


def set_value(text: str, path: KeyPath, value: object) -> str:
    """Return *text* with *value* at *path*; the mappings on the way there are made where there are none.

    Raises:
        EditError: it cannot be set there, or would change something elsewhere, which an alias repeats.
    """
    for _ in range(MOST_REMOVALS):
        edit = _Edit(text)
        place, at, wanted = edit.nearest(path, value)
        surplus = next(edit.surplus(place, at, wanted), None)
        if surplus is None:
            return spliced(text, edit.changed(place, at, wanted))
        text = unset_value(text, surplus)
    edit = _Edit(text)
    place, at, wanted = edit.nearest(path, value)
    return spliced(text, edit.replaced(place, at, wanted))


def unset_value(text: str, path: KeyPath) -> str:
    """Return *text* without the value at *path* and the comments that belong to it; as it is if there is none.

    Raises:
        EditError: it cannot be removed there, or would change something elsewhere, which an alias repeats.
    """
    edit = _Edit(text)
    parent = edit.parent_of(path)
    entry = parent.entry(path[-1]) if parent else None
    if parent is None or entry is None:
        return text
    edit.check_unused(entry.value, path)
    if len(parent.entries) == 1:
        return spliced(text, edit.replaced(parent, path[:-1], {} if parent.kind == "mapping" else []))
    edit.check_plain(parent, path[:-1])
    splice = removed(edit.layout, parent, entry)
    if splice is None:
        rule = f"begins in the line of what is around it; set {dotted(path[:-1])} as a whole"
        raise EditError(path, rule, entry.start)
    return spliced(text, [splice])


def is_same(one: object, other: object) -> bool:
    """Whether two plain values are the same, also in their types."""
    if not isinstance(one, dict | list):
        return type(one) is type(other) and (one == other or one != one)  # .nan is not itself
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


class _Edit:
    """One text, and what may be changed in it."""

    def __init__(self, text: str) -> None:
        self.layout = Layout(text)

    def parent_of(self, path: KeyPath) -> Place | None:
        """Return the place that holds *path*, which may be changed alone; None if there is none."""
        place = self.layout.root
        for depth, part in enumerate(path):
            is_there = (place.target or place).entry(part) is not None
            if not is_there:
                return None
            self.check_alone(place, path[:depth])
            if depth + 1 < len(path):
                place = _value(place, part)
        return place

    def nearest(self, path: KeyPath, value: object) -> tuple[Place, KeyPath, object]:
        """Return the innermost place on the way to *path* that is there, its path, and its value to be."""
        place = self.layout.root
        for depth, part in enumerate(path):
            self.check_alone(place, path[:depth])
            if place.entry(part) is None:
                return place, path[:depth], _extended(place, path[:depth], path[depth:], value)
            place = _value(place, part)
        return place, path, value

    def check_alone(self, place: Place, path: KeyPath) -> None:
        """Refuse a place in which a change would change another one."""
        if place.target is not None:
            line, name = self.layout.line_of(place.target), place.target.anchor
            rule = (
                f"repeats what stands in line {line} (*{name}), which would change too; set {dotted(path)} as a whole"
            )
            raise EditError(path, rule, place.start)
        if place.aliases:
            line = self.layout.line_of(place.aliases[0])
            rule = f"is repeated in line {line} (*{place.anchor}), which would change too; write it out there first"
            raise EditError(path, rule, place.start)

    def check_unused(self, place: Place, path: KeyPath) -> None:
        """Refuse to remove a place with something that is repeated outside it."""
        inside = set(place.all_places())
        for each in inside:
            for alias in each.aliases:
                if alias not in inside:
                    line = self.layout.line_of(alias)
                    rule = f"holds what is repeated in line {line} (*{each.anchor}); write it out there first"
                    raise EditError(path, rule, each.start)

    def check_plain(self, place: Place, path: KeyPath) -> None:
        """Refuse a mapping whose keys are written with a question mark."""
        if place.is_block and not self.layout.has_plain_keys(place):
            raise EditError(path, "must be written as 'key: value' to be changed by edged", place.start)

    def surplus(self, place: Place, at: KeyPath, wanted: object) -> Iterator[KeyPath]:
        """Return the paths of what is in *place* and must not be in it, where some of the rest stays."""
        if is_same(place.plain, wanted) or not _is_changed_inside(place, wanted):
            return
        self.check_alone(place, at)
        if isinstance(wanted, dict):
            yield from ((*at, entry.key) for entry in place.entries if entry.key not in wanted)
        elif isinstance(wanted, list) and len(place.entries) > len(wanted):
            yield (*at, len(place.entries) - 1)
        for entry, value in _pairs(place, wanted):
            yield from self.surplus(entry.value, (*at, entry.key), value)

    def changed(self, place: Place, at: KeyPath, wanted: object) -> Iterator[Splice]:
        """Make *place* the value *wanted*; there is no `surplus` in it."""
        if is_same(place.plain, wanted):
            return
        if not _is_changed_inside(place, wanted):
            yield from self.replaced(place, at, wanted)
            return
        self.check_alone(place, at)
        self.check_plain(place, at)
        for entry, value in _pairs(place, wanted):
            yield from self.changed(entry.value, (*at, entry.key), value)
        new: dict[str, object] | list[object] = []
        if isinstance(wanted, dict):
            new = {key: value for key, value in wanted.items() if place.entry(key) is None}
        elif isinstance(wanted, list):
            new = wanted[len(place.entries) :]
        if new:
            yield from added(self.layout, place, new)

    def replaced(self, place: Place, at: KeyPath, wanted: object) -> Iterator[Splice]:
        """Write *wanted* in place of *place*."""
        self.check_unused(place, at)
        return replaced(self.layout, place, wanted)


def _value(place: Place, key: str | int) -> Place:
    entry = place.entry(key)
    assert entry is not None, "the caller has looked"
    return entry.value


def _extended(place: Place, at: KeyPath, missing: KeyPath, value: object) -> object:
    """Return the plain value of *place* with *value* at *missing*, which is not there yet."""
    part, plain = missing[0], place.plain
    if not isinstance(part, int) and not isinstance(plain, dict) and not place.is_empty:
        got = brief(place.text) if "${" in place.text else shown(plain)
        raise EditError(at, f"must be a mapping, to have {brief(part)} in it (got {got})", place.start)
    if isinstance(part, int) and not (isinstance(plain, list) and part == len(plain)):
        has = f"it has {len(plain)}" if isinstance(plain, list) else "it is not a list"
        raise EditError(at, f"has no item {part}, because {has}", place.start)
    for key in reversed(missing[1:]):
        if isinstance(key, int):
            raise EditError(at, f"has no {dotted(missing)}: set a new list as a whole", place.start)
        value = {key: value}
    if isinstance(plain, list):
        return [*plain, value]
    return {**(plain if isinstance(plain, dict) else {}), part: value}


def _is_changed_inside(place: Place, wanted: object) -> bool:
    """Whether *place* stays what it is, and only what is in it changes."""
    if place.kind == "mapping":
        return isinstance(wanted, dict) and any(entry.key in wanted for entry in place.entries)
    if place.kind != "list" or not isinstance(wanted, list) or not wanted or not place.entries:
        return False
    return place.is_block or len(place.entries) == len(wanted)


def _pairs(place: Place, wanted: object) -> Iterator[tuple[YamlEntry, object]]:
    """Return each entry of *place* that stays, with its value to be."""
    if isinstance(wanted, dict):
        yield from ((entry, wanted[entry.key]) for entry in place.entries if entry.key in wanted)
    elif isinstance(wanted, list):
        yield from zip(place.entries, wanted, strict=False)  # one of them may be longer
