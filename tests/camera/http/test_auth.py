"""Basic and Digest, against the examples of their standards."""

from __future__ import annotations

import hashlib
import re
import secrets

import pytest

from edged.camera.http.address import Address
from edged.camera.http.auth import authorization

# RFC 7616, section 3.9.1.
MUFASA = Address.parse("http://Mufasa:Circle%20of%20Life@www.example.org/dir/index.html")
ASKED = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


@pytest.fixture
def _known_nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda length: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")


def fields(header: str | None) -> dict[str, str]:
    assert header is not None
    return {name: quoted or bare for name, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^,]+))', header)}


@pytest.mark.usefixtures("_known_nonce")
@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_answers_as_the_standard_shows(algorithm: str, response: str) -> None:
    said = authorization([ASKED.format(algorithm)], MUFASA)
    assert said is not None
    assert said.startswith("Digest ")
    assert fields(said) == {
        "username": "Mufasa",
        "realm": "http-auth@example.org",
        "uri": "/dir/index.html",
        "algorithm": algorithm,
        "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "nc": "00000001",
        "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        "qop": "auth",
        "response": response,
        "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    }


@pytest.mark.parametrize(
    ("algorithm", "own_nonce", "response"),
    [
        (
            "MD5-sess",
            "ZjE4Y2Q3M2Q0OWQ4MzBlMDQ3YTE3MTk4ZjdiZjNlZGM=",
            "27a070747b851f210d6c867822dceaab",
        ),
        (
            "SHA-256-sess",
            "MTBhYTYwYTEyMDI1ZmY0NjZmY2Y5MmU1OGU3MWEyOWE=",
            "422b6d7d62598e0259ae217926a75687424652f712a50e5251a46a58a1721414",
        ),
    ],
)
def test_a_session_is_answered_as_curl_answers(
    monkeypatch: pytest.MonkeyPatch, algorithm: str, own_nonce: str, response: str
) -> None:
    """Recorded from curl 7.88.1. The standards have no example of a session."""
    monkeypatch.setattr(secrets, "token_hex", lambda length: own_nonce)
    said = fields(authorization([ASKED.format(algorithm)], MUFASA))
    assert (said["algorithm"], said["cnonce"], said["response"]) == (algorithm, own_nonce, response)


@pytest.mark.usefixtures("_known_nonce")
def test_a_session_without_qop_has_the_nonce_that_its_secret_is_made_of() -> None:
    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    said = fields(authorization(['Digest realm="cam", nonce="n1", algorithm=MD5-sess'], MUFASA))
    secret = md5(f"{md5('Mufasa:cam:Circle of Life')}:n1:{said['cnonce']}")  # RFC 2617, 3.2.2.2
    assert said["response"] == md5(f"{secret}:n1:{md5('GET:/dir/index.html')}")  # 3.2.2.1, without qop
    assert "qop" not in said
    assert "nc" not in said


def test_basic_answers_as_the_standard_shows() -> None:
    aladdin = Address.parse("http://Aladdin:open%20sesame@host/")  # RFC 7617, section 2
    assert authorization(['Basic realm="WallyWorld"'], aladdin) == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


@pytest.mark.parametrize(
    ("challenges", "begin"),
    [
        (['Basic realm="x"', ASKED.format("MD5")], "Digest "),
        ([f'Basic realm="x", {ASKED.format("MD5")}'], "Digest "),
        ([ASKED.format("SHA-512-256"), "basic"], "Basic "),
        (['Digest realm="x", nonce="y", qop="auth-int"', 'BASIC realm="x"'], "Basic "),
    ],
)
def test_the_best_that_is_offered_is_used(challenges: list[str], begin: str) -> None:
    said = authorization(challenges, MUFASA)
    assert said is not None
    assert said.startswith(begin)


def test_the_stronger_hash_is_preferred() -> None:
    said = authorization([ASKED.format("MD5"), ASKED.format("SHA-256")], MUFASA)
    assert fields(said)["algorithm"] == "SHA-256"


@pytest.mark.parametrize("challenges", [[], [""], ["Negotiate"], ["Bearer realm=x"], [ASKED.format("NEW")]])
def test_what_cannot_be_answered_is_not_answered(challenges: list[str]) -> None:
    assert authorization(challenges, MUFASA) is None


def test_quotes_in_names_cannot_break_out() -> None:
    address = Address.parse("http://a%22%5Cb:c@host/")
    said = authorization(['Digest realm="r\\"x", nonce="n"'], address)
    assert said is not None
    assert 'username="a\\"\\\\b"' in said
    assert 'realm="r\\"x"' in said


def test_an_address_shows_neither_user_nor_password() -> None:
    address = Address.parse("https://user:secret@[::1]:8443/a b?c=d#e")
    assert (address.user, address.password) == ("user", "secret")
    assert str(address) == "https://[::1]:8443/a%20b?c=d"
    assert "secret" not in repr(address)
    assert "user'" not in repr(address)
    address = Address.parse("http://cam/video.cgi?user=admin&pwd=secret&size=2")
    assert address.target == "/video.cgi?user=admin&pwd=secret&size=2"
    for text in (str(address), repr(address), str(Address.parse("http://cam/other?password=secret"))):
        assert "secret" not in text
