"""The responses to valid and invalid requests."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.service.metrics.request import LONGEST_REQUEST, answer, is_complete, json_page

PAGES = {"/x": lambda: json_page({"well": True}, HTTPStatus.SERVICE_UNAVAILABLE)}

HOSTS = {b"a"}


def status(request: bytes) -> int:
    return int(answer(request, PAGES, HOSTS).split(b" ", 2)[1])


def test_a_page_is_answered_with_its_status_and_its_length() -> None:
    head, _, body = answer(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n", PAGES, HOSTS).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"Content-Type: application/json\r\n" in head
    assert f"Content-Length: {len(body)}\r\n".encode() in head
    assert head.endswith(b"Connection: close")
    assert body == b'{"well": true}\n'


def test_head_is_get_without_the_page() -> None:
    get, head = (answer(b"%s /x HTTP/1.1\r\nHost: a\r\n\r\n" % method, PAGES, HOSTS) for method in (b"GET", b"HEAD"))
    assert get == head + b'{"well": true}\n'


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        (b"GET /x?a=b HTTP/1.0", 503),
        (b"GET / HTTP/1.1", 404),
        (b"GET /x/ HTTP/1.1", 404),
        (b"GET /../x HTTP/1.1", 404),
        (b"POST /x HTTP/1.1", 405),
        (b"DELETE /y HTTP/1.1", 405),
        (b"GET /x", 400),
        (b"GET /x HTTP/2.0", 400),
        (b"GET x HTTP/1.1", 400),
        (b"GET /\xff HTTP/1.1", 400),
        (b"get /x HTTP/1.1", 400),
        (b"\x16\x03\x01", 400),
        (b"", 400),
        (b"GET /" + b"x" * LONGEST_REQUEST + b" HTTP/1.1", 431),
    ],
)
def test_anything_else_is_refused(request_line: bytes, expected: int) -> None:
    assert status(request_line + b"\r\nHost: a\r\n\r\n") == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"HTTP/1.1\r\nHost: a", 503),
        (b"HTTP/1.1\r\nAccept: */*\r\nhOsT:\ta ", 503),
        (b"HTTP/1.1\nHost: a", 503),
        (b"HTTP/1.0", 503),
        (b"HTTP/1.0\r\nHost: b", 421),
        (b"HTTP/1.1\r\nHost: b", 421),
        (b"HTTP/1.1\r\nHost:", 421),
        (b"HTTP/1.1\r\nHost: a, b", 421),
        (b"HTTP/1.1", 400),
        (b"HTTP/1.1\r\nHost: a\r\nHost: b", 400),
        (b"HTTP/1.1\r\nHost: b\r\nHost: a", 400),
        (b"HTTP/1.1\r\nhost : b\r\nHost: a", 400),
        (b"HTTP/1.1\r\n\r\nHost: a", 400),
    ],
)
@pytest.mark.parametrize("path", [b"/x", b"/nothing"])
def test_only_a_known_host_is_answered(path: bytes, head: bytes, expected: int) -> None:
    if expected == 503 and path != b"/x":
        expected = 404
    assert status(b"GET %b %b\r\n\r\n" % (path, head)) == expected


def test_an_unknown_host_is_shown_the_setting() -> None:
    assert b"metrics.hosts" in answer(b"GET /x HTTP/1.1\r\nHost: b\r\n\r\n", PAGES, HOSTS)


def test_a_refused_method_is_answered_with_the_allowed_ones() -> None:
    assert b"\r\nAllow: GET, HEAD\r\n" in answer(b"PUT /x HTTP/1.1\r\nHost: a\r\n\r\n", PAGES, HOSTS)


def test_a_request_is_complete_with_its_empty_line_or_when_it_is_too_long() -> None:
    assert not is_complete(b"GET /x HTTP/1.1\r\nHost: a\r\n")
    assert is_complete(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
    assert is_complete(b"GET /x HTTP/1.0\n\n")
    assert is_complete(b"x" * (LONGEST_REQUEST + 1))


@given(st.binary(max_size=200))
def test_any_bytes_get_an_answer(request: bytes) -> None:
    assert answer(request, PAGES, HOSTS).startswith(b"HTTP/1.1 ")
