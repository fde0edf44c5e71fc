"""Requests and responses of HTTP/1.1: one request a connection, ``GET`` only, no bodies (RFC 9112)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl

__all__ = ["LONGEST_HEAD", "PageResponse", "Request", "RequestError", "json_response", "read_request", "text_response"]

LONGEST_HEAD = 16_384  # bytes of the request line and all fields; browsers send some 700
MOST_FIELDS = 64
MOST_QUERY_KEYS = 16
ONCE = {"host", "origin", "authorization", "cookie", "upgrade", "content-length", "if-none-match"}

_LINE = re.compile(rb"([A-Z]{1,20}) (/[!-~]{0,2048}) HTTP/1\.([01])")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}):[ \t]*([\t -~\x80-\xff]*)")


class RequestError(Exception):
    """A request is refused; nothing else of it is read."""

    def __init__(self, status: HTTPStatus, text: str = "") -> None:
        super().__init__(text or status.phrase)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """The head of a request. Names of ``fields`` are in small letters; ``path`` is without the query."""

    method: str
    path: str
    query: Mapping[str, str]
    fields: Mapping[str, str]

    def field(self, name: str) -> str:
        """Return the value of the field *name*; empty if it is absent."""
        return self.fields.get(name, "")


@dataclass(frozen=True, slots=True)
class PageResponse:
    """A whole response, with the fields that are its own."""

    status: HTTPStatus
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    cache: str = "no-store"
    fields: Mapping[str, str] = field(default_factory=dict)
    cookies: Sequence[str] = ()

    def head(self, usual: Mapping[str, str]) -> bytes:
        """Return the bytes before the body; *usual* are the fields that every response has."""
        lines = [f"HTTP/1.1 {self.status.value} {self.status.phrase}"]
        if self.status is not HTTPStatus.NOT_MODIFIED:
            lines += [f"Content-Type: {self.content_type}", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in {"Cache-Control": self.cache, **usual, **self.fields}.items()]
        lines += [f"Set-Cookie: {cookie}" for cookie in self.cookies]
        return ("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n").encode("latin-1", "replace")


def text_response(status: HTTPStatus, text: str = "", fields: Mapping[str, str] | None = None) -> PageResponse:
    """Return a response with *text*, or else the phrase of *status*."""
    return PageResponse(status, f"{text or status.phrase}\n".encode(), fields=fields or {})


def json_response(content: object, cookies: Sequence[str] = ()) -> PageResponse:
    """Return a response with *content* in JSON."""
    return PageResponse(HTTPStatus.OK, json.dumps(content).encode(), "application/json", cookies=cookies)


def read_request(head: bytes) -> Request:
    """Return the request with that *head*, which ends with an empty line.

    Raises:
        RequestError: it is malformed, has a body, or says something twice that may be said once.
    """
    line, *rest = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    parts = _LINE.fullmatch(line)
    if parts is None or len(rest) > MOST_FIELDS:
        raise RequestError(HTTPStatus.BAD_REQUEST)
    fields: dict[str, str] = {}
    for each in rest:
        match = _FIELD.fullmatch(each)
        if match is None:
            raise RequestError(HTTPStatus.BAD_REQUEST)
        name, value = match[1].decode().lower(), match[2].decode("latin-1").rstrip(" \t")
        if name in fields and name in ONCE:
            raise RequestError(HTTPStatus.BAD_REQUEST, f"the field {name} is given twice")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    if "host" not in fields:
        raise RequestError(HTTPStatus.BAD_REQUEST, "the field Host is missing")
    if "transfer-encoding" in fields or fields.get("content-length", "0") != "0":
        raise RequestError(
            HTTPStatus.CONTENT_TOO_LARGE if hasattr(HTTPStatus, "CONTENT_TOO_LARGE") else HTTPStatus(413)
        )
    path, _, query = parts[2].decode().partition("?")
    return Request(parts[1].decode(), path, _read_query(query), fields)


def _read_query(query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, max_num_fields=MOST_QUERY_KEYS))
    except ValueError as exc:
        raise RequestError(HTTPStatus.BAD_REQUEST, f"the query has more than {MOST_QUERY_KEYS} keys") from exc
