"""The answer to a server that asks who is there: Basic (RFC 7617) and Digest (RFC 7616)."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from itertools import islice

from edged.camera.http.address import Address

__all__ = ["LONGEST_CHALLENGE", "authorization", "schemes"]

LONGEST_CHALLENGE = 4096
MOST_CHALLENGES = 8

# A name with its value, or a word alone, which is a scheme. Nothing in it is tried twice: it is linear.
_ITEM = re.compile(r'([^\s=,"]++)(?:\s*+=\s*+(?:"((?:[^"\\]++|\\.|\\\Z)*+)(?:"|\Z)|([^\s,"]*+)))?', re.DOTALL)

_HASHES: dict[str, Callable[[bytes], str]] = {  # the better one first
    "SHA-256": lambda text: hashlib.sha256(text).hexdigest(),
    "MD5": lambda text: hashlib.md5(text, usedforsecurity=False).hexdigest(),  # what most cameras can
}


def authorization(
    challenges: Iterable[str], address: Address, *, method: str = "GET", uri: str | None = None
) -> str | None:
    """The ``Authorization`` header for a request, to a server that sent these ``WWW-Authenticate`` headers.

    *uri* is what the request line has; None: the path and query of *address*. Digest is preferred, since it does not
    give the password away. Returns None where the server asks for something else, or at more length than
    `LONGEST_CHALLENGE`.
    """
    request = f"{method}:{address.target if uri is None else uri}"
    offered = _offered(challenges)
    digests = [parameters for scheme, parameters in offered if scheme == "digest"]
    for algorithm, digest in _HASHES.items():
        for asked in digests:
            answer = _digest(asked, algorithm, digest, address, request)
            if answer is not None:
                return answer
    if any(scheme == "basic" for scheme, _ in offered):
        return f"Basic {address.basic}"
    return None


def schemes(challenges: Iterable[str]) -> list[str]:
    """The schemes that are asked for, such as ``Digest SHA-256`` and ``Basic``, as the server names them."""
    return [
        f"{scheme.capitalize()} {parameters.get('algorithm', 'MD5')}" if scheme == "digest" else scheme.capitalize()
        for scheme, parameters in _offered(challenges)
    ]


def _offered(challenges: Iterable[str]) -> list[tuple[str, dict[str, str]]]:
    return [item for header in islice(challenges, MOST_CHALLENGES) for item in _challenges(header)]


def _challenges(header: str) -> list[tuple[str, dict[str, str]]]:
    """The schemes in *header*, each with its parameters. Commas between these may be missing, as with some cameras."""
    found: list[tuple[str, dict[str, str]]] = []
    if len(header) > LONGEST_CHALLENGE:
        return found
    for item in _ITEM.finditer(header):
        name, quoted, token = item[1].lower(), item[2], item[3]
        if quoted is None and token is None:
            if not found or name in ("basic", "digest"):
                found.append((name, {}))
        elif found:
            found[-1][1][name] = token if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    return found


def _digest(
    asked: dict[str, str], name: str, digest: Callable[[bytes], str], address: Address, request: str
) -> str | None:
    algorithm = asked.get("algorithm", "MD5")
    qualities = [word.strip() for word in asked["qop"].split(",")] if asked.get("qop") else []
    if algorithm.upper().removesuffix("-SESS") != name or (qualities and "auth" not in qualities):
        return None

    def hashed(*parts: str) -> str:
        return digest(":".join(parts).encode())

    realm, nonce, user = asked.get("realm", ""), asked.get("nonce", ""), address.user or ""
    own_nonce, count = secrets.token_hex(8), "00000001"
    secret = hashed(user, realm, address.password)
    if algorithm.upper().endswith("-SESS"):
        secret = hashed(secret, nonce, own_nonce)
    asked_for = hashed(request)
    fields = {"username": user, "realm": realm, "nonce": nonce, "uri": request.partition(":")[2]}
    if qualities:
        fields["response"] = hashed(secret, nonce, count, own_nonce, "auth", asked_for)
    else:
        fields["response"] = hashed(secret, nonce, asked_for)
    if "opaque" in asked:
        fields["opaque"] = asked["opaque"]
    if qualities or algorithm.upper().endswith("-SESS"):
        fields["cnonce"] = own_nonce
    text = ", ".join(f"{key}={_quoted(value)}" for key, value in fields.items())
    return f"Digest {text}, algorithm={algorithm}" + (f", qop=auth, nc={count}" if qualities else "")


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
