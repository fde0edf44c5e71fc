"""Made-up YAML texts, of which each line is known: the path that it belongs to. For property tests of edits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from edged.config.edit.spelling import inline

Path = tuple[str | int, ...]

KEYS = st.sampled_from(["a", "b", "c", "left", "bay-1", "on", "1", "null", "k_k"])
SCALARS = st.one_of(
    st.integers(-999, 999),
    st.sampled_from([0.5, 1e-05, 1.0, True, False, None]),
    st.sampled_from(
        ["", "x", "a b", "it's", 'say "a"', "1", "true", "a: b", "x # y", "#", "- a", "é", "${X}", "{", "~"]
    ),
)
FLAT = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(KEYS, SCALARS, max_size=3))
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
TREES = st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)


@dataclass(frozen=True)
class Line:
    """A line and the path that it belongs to; its own comments belong to an entry, too. ``()``: to none."""

    text: str
    path: Path
    has_more: bool = False
    """Whether parts of that value stand in it, such as between brackets."""


@dataclass(frozen=True)
class Made:
    """A text with its lines, and what it holds."""

    lines: list[Line]
    tree: dict[str, Any]
    brk: str
    ends_in_break: bool

    @property
    def text(self) -> str:
        return self.brk.join(line.text for line in self.lines) + (self.brk if self.ends_in_break else "")


class _Writer:
    """Writes a tree, with choices drawn by hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._step = draw(st.sampled_from([1, 2, 4]))

    def _is(self, times: int = 3) -> bool:
        return self._draw(st.integers(0, times)) == 0

    def comments(self, indent: int, path: Path) -> Iterator[Line]:
        if self._is():
            yield Line("", path[:-1])
        if self._is():
            yield Line(f"{' ' * indent}# of {path}", path)

    def mapping(self, tree: dict[str, Any], indent: int, path: Path) -> Iterator[Line]:
        for key, value in tree.items():
            at = (*path, key)
            yield from self.comments(indent, at)
            yield from self.entry(f"{' ' * indent}{inline(key)}:", value, indent, at)

    def entry(self, start: str, value: Any, indent: int, at: Path) -> Iterator[Line]:
        tail = self._draw(st.sampled_from(["", "", " ", "  # tail: {x"]))
        if isinstance(value, dict) and value and not self._is():
            yield Line(start + tail, at)
            yield from self.mapping(value, indent + self._step, at)
        elif isinstance(value, list) and value and self._is(1):
            yield Line(start + tail, at)
            inner = indent + self._draw(st.sampled_from([0, self._step]))
            for number, item in enumerate(value):
                yield from self.comments(inner, (*at, number))
                yield Line(f"{' ' * inner}- {inline(item)}{tail}", (*at, number), has_more=True)
        elif value is None and self._is(1):
            yield Line(start + tail, at)
        elif isinstance(value, dict) and len(value) > 1 and self._is():
            yield from self.flow_lines(start, value, at)
        else:
            style = self._draw(st.sampled_from(["", "'", '"'])) if isinstance(value, str) else ""
            yield Line(f"{start}  {inline(value, style)}{tail}", at, has_more=True)

    def flow_lines(self, start: str, value: dict[str, Any], at: Path) -> Iterator[Line]:
        yield Line(f"{start} {{", at)
        for number, (key, each) in enumerate(value.items()):
            comma = "," if number + 1 < len(value) or self._is(1) else ""
            yield Line(f"{' ' * len(start)}{inline({key: each})[1:-1]}{comma}  # of {key}", (*at, key), has_more=True)
        yield Line(f"{' ' * len(start)}}}", at)


@st.composite
def documents(draw: st.DrawFn) -> Made:
    """Texts of all the styles that people write in, without anchors."""
    tree = draw(TREES)
    lines = [Line("# top", ()), Line("", ()), *_Writer(draw).mapping(tree, 0, ())]
    if draw(st.booleans()):
        lines += [Line("", ()), Line("# end", ())]
    return Made(lines, tree, draw(st.sampled_from(["\n", "\r\n"])), draw(st.booleans()))


def paths_in(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of everything in *value*."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield (*path, key)
        yield from paths_in(each, (*path, key))
