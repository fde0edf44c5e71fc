"""The head of an answer, as servers write it."""

from __future__ import annotations

import pytest

from edged.camera.http.head import LONGEST_LINE, MOST_LINES, HeadEnd, read_head


def test_headers_are_found_by_name_in_any_case() -> None:
    head = read_head(b"HTTP/1.1 200 All is well \r\nA: 1\r\nb :2\r\na:  3 \r\n\tand more\r\nnothing\r\n\r\n")
    assert (head.status, head.reason) == (200, "All is well")
    assert list(head.headers.all("a")) == ["1", "3 and more"]
    assert head.headers.get("B") == "2"
    assert head.headers.get("nothing") == ""
    assert list(head.headers.all("c")) == []


def test_bare_line_ends_and_missing_reasons_are_taken() -> None:
    assert read_head(b"ICY 200\nA: 1\n\n").headers.get("a") == "1"
    assert read_head(b"HTTP/1.0 404 \r\n\r\n").reason == ""


def test_a_header_holds_no_control_character() -> None:
    assert read_head(b"HTTP/1.1 200 OK\r\nA: b\rc\x00d\x1be\r\n\r\n").headers.get("a") == "b c d e"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"HTTP/2 200 OK\r\n\r\n", "it does not answer as a web server does"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "it does not answer as a web server does"),
        ("HTTP/1.1 ２００ OK\r\n\r\n".encode(), "it does not answer as a web server does"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * (MOST_LINES + 1) + b"\r\n", "more than 100 headers"),
        (b"HTTP/1.1 200 " + b"x" * LONGEST_LINE + b"\r\n\r\n", "a line of more than 8192 bytes"),
        (b"HTTP/1.1 200 OK\r\na: " + b"x" * LONGEST_LINE + b"\r\n\r\n", "a line of more than 8192 bytes"),
        (b"HTTP/1.1 200 OK\r\na: b\r\n" + b" xxx\r\n" * 90 + b" " + b"x" * 8100 + b"\r\n\r\n", "a line of more than"),
    ],
)
def test_what_is_too_much_or_no_head_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_head(content)


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"\n\r\n"])
@pytest.mark.parametrize("step", [1, 2, 3, 100])
def test_the_end_is_found_wherever_the_bytes_are_cut(end: bytes, step: int) -> None:
    content, head_end = b"HTTP/1.1 200 OK\r\nA: b" + end, HeadEnd()
    received = content + b"body"
    found = [head_end.find(received, until) for until in [*range(0, len(content), step), len(received)]]
    assert [end for end in found if end is not None] == [len(content)]
