"""Requests and responses of HTTP/1.1, for read-only pages (RFC 9112)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias

__all__ = ["LONGEST_REQUEST", "Page", "Pages", "answer", "is_complete", "json_page", "plain_page"]

LONGEST_REQUEST = 8192  # bytes; Prometheus sends some 300

_LINE = re.compile(rb"([A-Z]{1,20}) (/[!-~]*) HTTP/1\.([01])")
_UNKNOWN_HOST = (
    "This server is not known under that name. Ask it by an IP address, localhost or the name of its machine, or add "
    "the name to metrics.hosts in edged's configuration.\n"
)


@dataclass(frozen=True, slots=True)
class Page:
    """A page: status, content type and body."""

    status: HTTPStatus
    content_type: str
    body: bytes


Pages: TypeAlias = Mapping[str, Callable[[], Page]]
"""For each path the function that makes its page."""


def json_page(value: object, status: HTTPStatus = HTTPStatus.OK) -> Page:
    """*value* as JSON."""
    return Page(status, "application/json", json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


def plain_page(status: HTTPStatus, text: str = "") -> Page:
    """A page with *text*, or the phrase of *status*."""
    return Page(status, "text/plain; charset=utf-8", (text or f"{status.phrase}\n").encode())


def is_complete(received: bytes) -> bool:
    """Whether a request is complete. A body, which could follow, is not read."""
    return b"\r\n\r\n" in received or b"\n\n" in received or len(received) > LONGEST_REQUEST


def answer(received: bytes, pages: Pages, hosts: Container[bytes]) -> bytes:
    """The whole response to the request *received*; the connection ends with it.

    Only requests whose ``Host`` is in *hosts* get a page.
    """
    line, _, rest = received.partition(b"\n")
    parts = _LINE.fullmatch(line.rstrip(b"\r"))
    named = _hosts_in(rest)
    if len(received) > LONGEST_REQUEST:
        return _response(plain_page(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
    if parts is None or len(named) > 1 or (not named and parts[3] == b"1"):
        return _response(plain_page(HTTPStatus.BAD_REQUEST))
    if named and named[0] not in hosts:
        return _response(plain_page(HTTPStatus.MISDIRECTED_REQUEST, _UNKNOWN_HOST))
    if parts[1] not in (b"GET", b"HEAD"):
        return _response(plain_page(HTTPStatus.METHOD_NOT_ALLOWED), "Allow: GET, HEAD\r\n")
    page = pages.get(parts[2].partition(b"?")[0].decode())
    response = _response(plain_page(HTTPStatus.NOT_FOUND) if page is None else page())
    return response if parts[1] == b"GET" else response[: response.index(b"\r\n\r\n") + 4]


def _hosts_in(lines: bytes) -> list[bytes]:
    """The values of the fields ``Host`` in the *lines* after the first."""
    head = (b"\n" + lines.replace(b"\r\n", b"\n")).partition(b"\n\n")[0]
    fields = (line.partition(b":") for line in head.split(b"\n"))
    return [value.strip(b" \t") for name, _, value in fields if name.strip().lower() == b"host"]


def _response(page: Page, header: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {page.status.value} {page.status.phrase}\r\n"
        f"Content-Type: {page.content_type}\r\n"
        f"Content-Length: {len(page.body)}\r\n"
        "Cache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        f"{header}"
        "Connection: close\r\n"
        "\r\n"
    )
    return head.encode() + page.body
