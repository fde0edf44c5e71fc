"""Names as labels: what people write stays, what is no text is escaped, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.label_text import escaped, is_text, shown_path, unescaped


@pytest.mark.parametrize(
    "name",
    [
        "bolt m8",
        "Screenshot 2024-05-10 at 9.52.38\u202fAM",
        "می\u200cروم",
        "Füße",
        "猫 (2)",
        "👩\u200d🔬",
        "a\u3000b",
        "A'B\"c",
    ],
)
def test_a_name_that_people_write_is_its_label(name: str) -> None:
    assert escaped(name) == name


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("a\nb", "a\\x0ab"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\\b", "a\\\\b"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\u2028", "\\u2028"),
        ("\udcff", "\\udcff"),
        ("\U000e0041", "\\U000e0041"),
        ("\x85", "\\x85"),
    ],
)
def test_what_is_no_text_is_escaped(name: str, label: str) -> None:
    assert escaped(name) == label
    assert all(map(is_text, label))


@given(st.text(st.characters()))
def test_every_name_can_be_turned_back(name: str) -> None:
    assert unescaped(escaped(name)) == name


@given(st.text("\\xuU0a1f"), st.text("\\xuU0a1f"))
def test_two_names_have_two_labels(one: str, other: str) -> None:
    assert (escaped(one) == escaped(other)) == (one == other)


def test_a_path_in_a_message_is_printable_and_keeps_its_folder() -> None:
    assert shown_path(Path("/srv/my faces/gate.jpg")) == "/srv/my faces/gate.jpg"
    assert shown_path(Path("/srv/a\x1b[31m\nb\udcff.jpg")) == r"/srv/a\x1b[31m\x0ab\udcff.jpg"
