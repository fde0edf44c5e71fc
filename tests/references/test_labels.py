"""Labels of pictures: their names, each different, none altered."""

from __future__ import annotations

from pathlib import Path

import pytest

from edged.errors import ReferenceImageError
from edged.label_text import unescaped
from edged.references import labels_of, once_each


@pytest.mark.parametrize(
    ("paths", "labels"),
    [
        (["a/1.jpg", "b/2.jpg"], ["1", "2"]),
        (["a/1.jpg", "a/1.png"], ["1.jpg", "1.png"]),
        (["a/1.jpg", "b/1.jpg", "b/2.jpg"], ["a/1.jpg", "b/1.jpg", "b/2.jpg"]),
        ([], []),
    ],
)
def test_labels_are_the_shortest_names_that_differ(paths: list[str], labels: list[str]) -> None:
    assert labels_of([Path(path) for path in paths]) == labels


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("at 9.52\u202fAM", "at 9.52 AM"),
        ("می\u200cروم", "میروم"),
        ("a\x00b"[:2] + "b", "ab"),
        ("tab\tname", "tab?name"),
        ("byte\udcff", "byte?"),
        ("\\x41", "A"),
        ("\u202egpj", "?gpj"),
    ],
)
def test_names_that_look_alike_stay_apart_and_can_be_turned_back(first: str, second: str) -> None:
    labels = labels_of([Path(f"{first}.jpg"), Path(f"{second}.jpg")])
    assert labels[0] != labels[1]
    assert [unescaped(label) for label in labels] == [first, second]


def test_a_name_that_is_too_long_for_a_label_is_refused() -> None:
    labels_of([Path("x" * 200), Path("y")])
    with pytest.raises(ReferenceImageError, match=r"its label would have 201 characters, and 200 are permitted"):
        labels_of([Path("x" * 201), Path("y")])


def test_a_file_that_is_named_again_counts_once() -> None:
    paths = [Path("a.jpg"), Path("b.jpg"), Path("a.jpg").absolute(), Path("./b.jpg")]
    assert once_each(paths) == paths[:2]
