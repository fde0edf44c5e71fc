"""Text of a peer that may be shown."""

from __future__ import annotations

import pytest

from edged.peer_text import peer_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Not Found", "Not Found"),
        ("Größe 5×5", "Größe 5×5"),
        ("a\r\nb\tc", "a  b c"),
        ("\x1b[31mred\x07\x00", "?[31mred??"),
        ("right\u202eleft\ud800", "right?left?"),
        (b"\xfc\x9b", "ü?"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
        (b"\x1b" * 100_000, "?" * 199 + "…"),
    ],
)
def test_the_text_of_a_peer_is_one_short_printable_line(text: str | bytes, shown: str) -> None:
    assert peer_text(text) == shown
    assert peer_text(text).isprintable()
