"""The answer to a server that asks who is there: Basic (RFC 7617) and Digest (RFC 7616)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable

from edged.camera.http.address import Address

__all__ = ["authorization"]

_NEXT_CHALLENGE = re.compile(r",\s*(?=(?:Basic|Digest)\s)", re.IGNORECASE)
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')

_HASHES: dict[str, Callable[[bytes], str]] = {  # the better one first
    "SHA-256": lambda text: hashlib.sha256(text).hexdigest(),
    "MD5": lambda text: hashlib.md5(text, usedforsecurity=False).hexdigest(),  # what most cameras can
}


def authorization(challenges: Iterable[str], address: Address) -> str | None:
    """The ``Authorization`` header for a GET of *address*, to a server that sent these ``WWW-Authenticate`` headers.

    Digest is preferred, since it does not tell the password. None: the server asks for something else.
    """
    offered = [part.partition(" ") for header in challenges for part in _NEXT_CHALLENGE.split(header.strip())]
    digests = [_parameters(rest) for scheme, _, rest in offered if scheme.lower() == "digest"]
    for algorithm, digest in _HASHES.items():
        for asked in digests:
            answer = _digest(asked, algorithm, digest, address)
            if answer is not None:
                return answer
    if any(scheme.lower() == "basic" for scheme, _, _ in offered):
        return "Basic " + base64.b64encode(f"{address.user}:{address.password}".encode()).decode()
    return None


def _parameters(text: str) -> dict[str, str]:
    found = _PARAMETER.findall(text)
    return {name.lower(): re.sub(r"\\(.)", r"\1", quoted) or token for name, quoted, token in found}


def _digest(asked: dict[str, str], name: str, digest: Callable[[bytes], str], address: Address) -> str | None:
    algorithm = asked.get("algorithm", "MD5")
    qualities = re.split(r"\s*,\s*", asked["qop"]) if asked.get("qop") else []
    if algorithm.upper().removesuffix("-SESS") != name or (qualities and "auth" not in qualities):
        return None

    def hashed(*parts: str) -> str:
        return digest(":".join(parts).encode())

    realm, nonce, user = asked.get("realm", ""), asked.get("nonce", ""), address.user or ""
    own_nonce, count = secrets.token_hex(8), "00000001"
    secret = hashed(user, realm, address.password)
    if algorithm.upper().endswith("-SESS"):
        secret = hashed(secret, nonce, own_nonce)
    request = hashed("GET", address.target)
    fields = {"username": user, "realm": realm, "nonce": nonce, "uri": address.target}
    if qualities:
        fields["response"] = hashed(secret, nonce, count, own_nonce, "auth", request)
    else:
        fields["response"] = hashed(secret, nonce, request)
    if "opaque" in asked:
        fields["opaque"] = asked["opaque"]
    if qualities or algorithm.upper().endswith("-SESS"):
        fields["cnonce"] = own_nonce
    text = ", ".join(f"{key}={_quoted(value)}" for key, value in fields.items())
    return f"Digest {text}, algorithm={algorithm}" + (f", qop=auth, nc={count}" if qualities else "")


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
