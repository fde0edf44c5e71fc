"""The gate: who may see the page, and who may change something."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.page.gate import COOKIE_SECONDS, AccessGate, Login, read_authorization
from tests.page.serving import TOKENS

NOW = 1_800_000_000.0
GATE = AccessGate(TOKENS, {"localhost", "127.0.0.1", "[::1]", "porch", "porch.local"})


def cookie(gate: AccessGate, role: str = "change", now: float = NOW) -> str:
    return gate.cookie(role, now).partition(";")[0]  # type: ignore[arg-type]  # a role


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:80", "porch.local.", "porch:1"]
)
def test_the_names_of_the_machine_are_admitted_at_any_port(host: str) -> None:
    assert GATE.admits_host(host, "127.0.0.1")


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "192.168.1.9", "porch:", "porch:123456", "[::2]", "a b", "porch/"],
)
def test_other_names_are_not(host: str) -> None:
    assert not GATE.admits_host(host, "192.168.1.8")


def test_the_address_that_a_request_came_in_at_is_a_name_too() -> None:
    """A page of a stranger can point its name at this address, but not call itself so."""
    assert GATE.admits_host("192.168.1.8:8443", "192.168.1.8")
    assert GATE.admits_host("[fd00::8]", "fd00::8")


def test_behind_a_proxy_its_name_alone_counts() -> None:
    gate = AccessGate(TOKENS, (), "https", "cams.example.org")
    assert gate.admits_host("cams.example.org", "127.0.0.1")
    assert not gate.admits_host("127.0.0.1", "127.0.0.1")
    assert not gate.admits_host("cams.example.org:8080", "127.0.0.1")
    assert gate.admits_origin("https://cams.example.org", "cams.example.org")


@pytest.mark.parametrize(
    "origin", ["null", "", "http://localhost", "https://localhost:8080", "http://localhost:8081", "http://evil.example"]
)
def test_another_origin_than_the_page_itself_is_refused(origin: str) -> None:
    assert GATE.admits_origin("http://localhost:8080", "localhost:8080")
    assert not GATE.admits_origin(origin, "localhost:8080")


def test_a_cookie_ends_when_a_password_changes() -> None:
    """Else who was given a password would stay for 30 days after it was taken back."""
    before = AccessGate(TOKENS, {"localhost"}, digests=[b"one"])
    after = AccessGate(TOKENS, {"localhost"}, digests=[b"two"])
    assert before.role_of_cookies(cookie(before), NOW) == "change"
    value = cookie(before).partition("=")[2]
    assert after.role_of_cookies(f"{after.cookie_name}={value}", NOW) is None


def test_a_token_has_its_role() -> None:
    assert GATE.role_of_token(TOKENS["look"]) == "look"
    assert GATE.role_of_token(TOKENS["change"]) == "change"


@given(st.text(max_size=60))
def test_any_other_text_has_none(text: str) -> None:
    assert GATE.role_of_token(text) is None or text in TOKENS.values()
    assert GATE.role_of_cookies(text, NOW) is None


def test_a_page_to_look_only_has_no_token_to_change() -> None:
    gate = AccessGate({"look": TOKENS["look"]}, {"localhost"})
    assert gate.role_of_token(TOKENS["change"]) is None
    assert gate.role_of_cookies(cookie(GATE), NOW) is None


def test_a_cookie_has_its_role_among_others() -> None:
    assert GATE.role_of_cookies(f"a=b; {cookie(GATE, 'look')}; c", NOW) == "look"
    assert GATE.role_of_cookies(cookie(GATE), NOW + COOKIE_SECONDS - 1) == "change"


def test_a_cookie_that_is_too_old_or_from_the_future_counts_no_more() -> None:
    assert GATE.role_of_cookies(cookie(GATE), NOW + COOKIE_SECONDS + 1) is None
    assert GATE.role_of_cookies(cookie(GATE, now=NOW + 3600), NOW) is None


def test_a_look_cookie_cannot_be_made_one_that_changes() -> None:
    assert GATE.role_of_cookies(cookie(GATE, "look").replace("look", "change"), NOW) is None


@given(st.integers(0, 200), st.sampled_from("0123456789abcdef."))
def test_a_changed_cookie_is_refused(place: int, letter: str) -> None:
    name, _, value = cookie(GATE).partition("=")
    changed = value[:place] + letter + value[place + 1 :]
    assert (GATE.role_of_cookies(f"{name}={changed}", NOW) is None) == (changed != value)


def test_new_tokens_end_old_cookies() -> None:
    assert AccessGate({**TOKENS, "look": "x" * 43}, {"localhost"}).role_of_cookies(cookie(GATE), NOW) is None


def test_the_cookie_is_for_this_site_and_not_for_scripts() -> None:
    fields = GATE.cookie("look", NOW).split("; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(fields)
    assert "Secure" not in fields
    secure = AccessGate(TOKENS, {"localhost"}, "https").cookie("look", NOW)
    assert secure.startswith("__Host-")
    assert "Secure" in secure.split("; ")


def test_a_cookie_holds_no_token() -> None:
    assert not any(token in GATE.cookie("change", NOW) for token in TOKENS.values())


def test_a_token_comes_bare_or_as_a_password() -> None:
    assert read_authorization("Bearer abc") == Login("", "abc")
    assert read_authorization(f"Basic {b64encode(b'ha:a:b').decode()}") == Login("ha", "a:b")


@given(st.text(max_size=40))
def test_any_other_authorization_is_none(text: str) -> None:
    login = read_authorization(text)
    assert login is None or text.lower().startswith(("bearer", "basic"))


def test_a_login_does_not_show_its_secret() -> None:
    assert "abc" not in repr(Login("", "abc"))
