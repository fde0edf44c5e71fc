"""What a request gets: nothing without the right host, origin, method, and token."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.page.gate import MOST_OTHERS, AccessGate
from edged.page.http import LONGEST_HEAD, PageResponse, Request, RequestError, read_request
from edged.page.routes import CheckPassword, OpenWebSocket, Route, Routes, SendPicture
from edged.page.static_files import StaticFiles
from tests.page.serving import TOKENS

NOW = 1_800_000_000.0
GATE = AccessGate(TOKENS, {"localhost"})
ROUTES = Routes(GATE, StaticFiles(), with_passwords=False)
HOST = "localhost:8080"
COOKIE = GATE.cookie("look", NOW).partition(";")[0]

METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"])
PATHS = st.sampled_from(["/", "/ws", "/session", "/cameras/street.jpg", "/index.html"]) | st.text(
    "/ws.%-ajpg", max_size=20
)
FIELDS = st.dictionaries(
    st.sampled_from(["upgrade", "connection", "accept", "sec-fetch-site", "x-forwarded-host", "forwarded", "referer"]),
    st.text(max_size=30) | st.sampled_from(["websocket", HOST, "same-origin"]),
)
FOREIGN = st.sampled_from(["evil.example", "localhost.evil.example", "10.0.0.1", "[::1]", "", "null"]) | st.text(
    max_size=20
)


def route(path: str = "/", method: str = "GET", **fields: str) -> Route:
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return ROUTES.route(Request(method, path, {}, {"host": HOST, **named}), "127.0.0.1", NOW)


def status(routed: Route) -> int:
    assert isinstance(routed, PageResponse), routed
    return int(routed.status)


@given(METHODS, PATHS, FOREIGN, FIELDS)
def test_a_foreign_host_gets_nothing_even_with_a_token(
    method: str, path: str, host: str, fields: dict[str, str]
) -> None:
    if GATE.admits_host(host, "127.0.0.1"):
        return
    known = {**fields, "host": host, "cookie": COOKIE, "authorization": f"Bearer {TOKENS['change']}"}
    assert status(ROUTES.route(Request(method, path, {}, known), "127.0.0.1", NOW)) == HTTPStatus.MISDIRECTED_REQUEST


@given(METHODS, PATHS, FOREIGN, FIELDS)
def test_a_foreign_origin_gets_nothing_even_with_a_cookie(
    method: str, path: str, origin: str, fields: dict[str, str]
) -> None:
    known = {**fields, "host": HOST, "origin": origin, "cookie": COOKIE}
    routed = ROUTES.route(Request(method, path, {}, known), "127.0.0.1", NOW)
    assert status(routed) == (HTTPStatus.FORBIDDEN if method == "GET" else HTTPStatus.METHOD_NOT_ALLOWED)


@given(METHODS.filter("GET".__ne__), PATHS, FIELDS)
def test_there_is_no_other_method_than_get(method: str, path: str, fields: dict[str, str]) -> None:
    routed = ROUTES.route(Request(method, path, {}, {**fields, "host": HOST, "cookie": COOKIE}), "127.0.0.1", NOW)
    assert status(routed) == HTTPStatus.METHOD_NOT_ALLOWED


@given(PATHS, FIELDS, st.text(max_size=50), st.text(max_size=50))
def test_without_a_token_there_are_the_files_of_the_page_alone(
    path: str, fields: dict[str, str], cookie: str, authorization: str
) -> None:
    known = {**fields, "host": HOST, "cookie": cookie, "authorization": authorization}
    routed = ROUTES.route(Request("GET", path, {}, known), "127.0.0.1", NOW)
    assert isinstance(routed, PageResponse)
    if path in ("/ws", "/session") or path.startswith("/cameras/"):
        assert routed.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    assert not routed.cookies


def test_a_websocket_needs_the_cookie_and_the_origin_of_the_page() -> None:
    own = {"origin": f"http://{HOST}", "cookie": COOKIE, "upgrade": "websocket"}
    assert route("/ws", **own) == OpenWebSocket("look")
    for missing, expected in (("origin", 403), ("cookie", 401), ("upgrade", 426)):
        assert status(route("/ws", **{name: value for name, value in own.items() if name != missing})) == expected


def test_a_token_in_the_field_is_no_ticket_for_a_websocket() -> None:
    token = f"Bearer {TOKENS['change']}"
    assert status(route("/ws", origin=f"http://{HOST}", authorization=token, upgrade="websocket")) == 401


def test_a_token_gets_a_cookie_and_its_role() -> None:
    routed = route("/session", authorization=f"Bearer {TOKENS['change']}")
    assert isinstance(routed, PageResponse)
    assert (routed.status, routed.body) == (200, b'{"role": "change"}')
    assert GATE.role_of_cookies(routed.cookies[0], NOW) == "change"
    assert routed.cache == "no-store"


def test_a_cookie_gets_its_role_and_no_new_cookie() -> None:
    routed = route("/session", cookie=COOKIE)
    assert isinstance(routed, PageResponse)
    assert (routed.body, routed.cookies) == (b'{"role": "look"}', ())


def test_cookies_of_earlier_pages_are_removed_but_for_the_newest() -> None:
    """Else a browser would send more with each start of a page, until no page read its requests any more."""
    gates = [AccessGate({"look": f"{number}" * 43}, {"localhost"}) for number in range(MOST_OTHERS + 2)]
    left = [gate.cookie("look", NOW + number).partition(";")[0] for number, gate in enumerate(gates)]
    others = [COOKIE, "edged-theme=dark", "edged-00000000=x", "session=look.1.2"]
    routed = route("/session", authorization=f"Bearer {TOKENS['look']}", cookie="; ".join([*left, *others]))
    assert isinstance(routed, PageResponse)
    own, *removed = routed.cookies
    assert own.partition("=")[0] == GATE.cookie_name
    assert removed == [f"{gate.cookie_name}=; Path=/; Max-Age=0" for gate in (gates[1], gates[0])]
    assert routed.head({}).count(b"\r\nSet-Cookie: ") == 3


def test_a_wrong_token_does_not_count_beside_a_right_cookie() -> None:
    assert status(route("/session", cookie=COOKIE, authorization="Bearer wrong")) == 401


def test_a_picture_is_for_the_token_as_home_assistant_sends_it() -> None:
    login = b64encode(f"ha:{TOKENS['look']}".encode()).decode()
    assert route("/cameras/street.jpg", authorization=f"Basic {login}") == SendPicture("street", 640)
    assert route("/cameras/street.jpg", cookie=COOKIE) == SendPicture("street", 640)


@pytest.mark.parametrize(
    "path", ["/cameras/../x.jpg", "/cameras/Street.jpg", "/cameras/", "/cameras/a/b.jpg", "/cameras/a.png"]
)
def test_a_picture_has_a_name(path: str) -> None:
    assert status(route(path, cookie=COOKIE)) == 404


@pytest.mark.parametrize("width", ["1", "63", "1921", "٦٤٠", "", "640.0", "99999"])
def test_a_picture_has_a_possible_width(width: str) -> None:
    request = Request("GET", "/cameras/street.jpg", {"width": width}, {"host": HOST, "cookie": COOKIE})
    assert status(ROUTES.route(request, "127.0.0.1", NOW)) == 404


def test_what_is_not_a_token_may_be_a_password_where_there_are_some() -> None:
    routes = Routes(GATE, StaticFiles(), with_passwords=True)
    request = Request("GET", "/session", {}, {"host": HOST, "authorization": "Bearer guess"})
    asked = routes.route(request, "127.0.0.1", NOW)
    assert isinstance(asked, CheckPassword)
    assert status(routes.grant(request, None, NOW)) == 401
    granted = routes.grant(request, "look", NOW)
    assert isinstance(granted, PageResponse)
    assert granted.cookies


# -- heads ------------------------------------------------------------------------------------------------------------


def head(*lines: str) -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@pytest.mark.parametrize(
    "lines",
    [
        ("GET / HTTP/1.1",),
        ("GET / HTTP/1.1", "Host: a", "Host: b"),
        ("GET / HTTP/1.1", "Host: a", "Origin: a", "Origin: b"),
        ("GET / HTTP/1.1", "Host : a"),
        ("GET / HTTP/1.1", "Host: a", " folded"),
        ("GET / HTTP/1.1", "Host: a", "Content-Length: 5"),
        ("GET / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked"),
        ("GET http://evil/ HTTP/1.1", "Host: a"),
        ("GET / HTTP/2", "Host: a"),
        ("get / HTTP/1.1", "Host: a"),
        ("GET /\x7f HTTP/1.1", "Host: a"),
        ("GET / HTTP/1.1", *(f"a{number}: b" for number in range(80)), "Host: a"),
        (f"GET /?{'a&' * 40} HTTP/1.1", "Host: a"),
        (f"GET /?{'a=1&' * 40} HTTP/1.1", "Host: a"),
    ],
    ids=str,
)
def test_a_malformed_head_is_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(RequestError):
        read_request(head(*lines))


def test_the_head_of_a_browser_is_read() -> None:
    read = read_request(head("GET /cameras/street.jpg?width=320 HTTP/1.1", "HOST: localhost", "Accept: a", "accept: b"))
    assert (read.path, read.query, read.field("accept")) == ("/cameras/street.jpg", {"width": "320"}, "a, b")


@given(st.text("/?&=;+%a0", max_size=200))
def test_any_query_is_read_or_refused(query: str) -> None:
    with suppress(RequestError):
        assert len(read_request(head(f"GET /?{query} HTTP/1.1", "Host: a")).query) <= 16


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_refused(noise: bytes) -> None:
    try:
        request = read_request(noise + b"\r\n\r\n")
    except RequestError:
        return
    assert request.fields["host"] is not None


def test_a_value_of_a_field_cannot_begin_a_new_line_of_a_response() -> None:
    """Whatever the parser lets through has no line ends."""
    with pytest.raises(RequestError):
        read_request(b"GET / HTTP/1.1\r\nHost: a\r\nX: a\nSet-Cookie: b\r\n\r\n")
    assert LONGEST_HEAD < 65_536


def test_files_are_found_by_their_names_only() -> None:
    assert status(route("/")) == 200
    for path in ("/../gate.py", "/%2e%2e/gate.py", "//etc/passwd", "/static", "/.", ""):
        assert status(route(path)) == 404


def test_an_unchanged_file_is_not_sent_again() -> None:
    first = route("/")
    assert isinstance(first, PageResponse)
    again = route("/", if_none_match=first.fields["ETag"])
    assert isinstance(again, PageResponse)
    assert (again.status, again.body) == (304, b"")
    packed = route("/", accept_encoding="gzip, br")
    assert isinstance(packed, PageResponse)
    assert packed.fields["Content-Encoding"] == "gzip"
