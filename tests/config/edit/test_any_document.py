"""Whatever the document and the change: it holds what it should, and every other line is as before."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edged.config.edit.changes import Changes, changed_text
from edged.config.edit.edits import is_same
from edged.config.edit.tree import parse_places
from tests.config.edit.documents import KEYS, VALUES, Line, Made, Path, documents, paths_in

at_leisure = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])


def at(tree: Any, path: Path) -> Any:
    for part in path:
        tree = tree[part]
    return tree


def untouched(made: Made, path: Path) -> list[str]:
    """The lines that have nothing to do with *path*."""

    def is_touched(line: Line) -> bool:
        inside = line.path[: len(path)] == path
        around = line.has_more and path[: len(line.path)] == line.path
        return bool(line.path) and (inside or around)

    return [line.text for line in made.lines if not is_touched(line)]


def is_in_order(some: list[str], lines: list[str]) -> bool:
    rest = iter(lines)
    return all(line in rest for line in some)


@at_leisure
@given(documents(), st.data())
def test_a_document_is_what_it_was_made_of(made: Made, data: st.DataObject) -> None:
    assert is_same(parse_places(made.text).plain, made.tree)
    some = data.draw(st.sampled_from(sorted(paths_in(made.tree), key=repr)))
    assert changed_text(made.text, Changes(set=[(some, at(made.tree, some))]), "f") == made.text


@at_leisure
@given(documents(), st.data(), VALUES)
def test_a_value_is_replaced(made: Made, data: st.DataObject, value: Any) -> None:
    path = data.draw(st.sampled_from(sorted(paths_in(made.tree), key=repr)))
    expected = copy.deepcopy(made.tree)
    at(expected, path[:-1])[path[-1]] = value
    text = changed_text(made.text, Changes(set=[(path, value)]), "f")
    check(made, text, path, expected)


@at_leisure
@given(documents(), st.data(), KEYS, VALUES)
def test_a_new_key_comes_last_in_its_mapping_and_no_line_goes(
    made: Made, data: st.DataObject, key: str, value: Any
) -> None:
    mappings = [(), *(path for path in paths_in(made.tree) if isinstance(at(made.tree, path), dict))]
    path = data.draw(st.sampled_from(sorted(mappings, key=repr)))
    new = f"new-{key}"
    expected = copy.deepcopy(made.tree)
    at(expected, path)[new] = value
    text = changed_text(made.text, Changes(set=[((*path, new), value)]), "f")
    check(made, text, (*path, new), expected)
    assert list(at(parse_places(text).plain, path))[-1] == new


@at_leisure
@given(documents(), st.data())
def test_a_value_is_removed_with_its_own_comments(made: Made, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(paths_in(made.tree), key=repr)))
    expected = copy.deepcopy(made.tree)
    del at(expected, path[:-1])[path[-1]]
    text = changed_text(made.text, Changes(unset=[path]), "f")
    touched = path if at(expected, path[:-1]) else path[:-1]
    check(made, text, touched, expected)
    if touched == path and made.text.count(f"# of {path}") == 1:
        assert f"# of {path}" not in text


def check(made: Made, text: str, path: Path, expected: Any) -> None:
    assert is_same(parse_places(text).plain, expected), text
    lines = text.split(made.brk)
    assert made.brk == "\n" or "\n" not in "".join(lines), "all line ends are those of the document"
    rest = untouched(made, path)
    assert is_in_order(without_commas(rest), without_commas(lines)), text
    assert text.endswith(made.brk) == made.ends_in_break or not rest[-1], "no line end comes or goes"


def without_commas(lines: list[str]) -> list[str]:
    """The last of some values between brackets gets a comma when another one follows."""
    return [line.replace(",  # of", "  # of") for line in lines]
