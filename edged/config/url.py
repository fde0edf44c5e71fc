"""URLs of cameras, as people write them: taken apart so that nothing of a password is taken for a host."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import unquote, urlsplit

__all__ = ["ESCAPES", "CameraUrl", "split_url"]

ESCAPES = (
    "in a user or password, write # as %23, / as %2F, ? as %3F, @ as %40 and [ as %5B, "
    "and likewise % as %25, ] as %5D and \\ as %5C"
)

_PLACE = re.compile(r"(?:\[[^][]+\]|[^][]+)(?::[0-9]*)?")
_AUTHORITY_END = re.compile(r"[/?#\\]|$")


@dataclass(frozen=True, slots=True)
class CameraUrl:
    """The parts of a URL. ``host`` is as it is resolved: an IPv6 address without brackets, its zone after a ``%``."""

    scheme: str
    host: str
    port: int | None
    path: str
    query: str
    user: str | None
    password: str


def split_url(text: str) -> CameraUrl:
    """Take *text* apart.

    Raises:
        ValueError: it is no URL with a host, or has a user and password in which signs are not escaped: one that ends
            the host's part of a URL makes a host of what stands before it. The error says nothing of the text.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        raise ValueError("it has no ://")
    end = _AUTHORITY_END.search(rest)
    assert end is not None, "it matches the end"
    authority, after = rest[: end.start()], rest[end.start() :]
    login, has_login, place = authority.rpartition("@")
    is_plain_place = ":" not in re.sub(r"^\[[^]]*\]", "", place)
    if "@" in after and (has_login or not is_plain_place):
        raise ValueError(f"{ESCAPES}; an @ in the path or query is %40, too")
    if any(sign in login for sign in "@[]"):
        raise ValueError(ESCAPES)
    if not _PLACE.fullmatch(place):
        raise ValueError("its host has brackets that are not around an address")
    parts = urlsplit(f"{scheme}://{place}{after}")
    if not parts.hostname or (place.startswith("[") and ":" not in parts.hostname):
        raise ValueError(ESCAPES)
    user, _, password = login.partition(":")
    return CameraUrl(
        parts.scheme,
        _host(parts.hostname),
        parts.port,
        parts.path,
        parts.query,
        _unescaped(user) if has_login else None,
        _unescaped(password),
    )


def _unescaped(text: str) -> str:
    """Return *text* of a user or password without its escapes, which have to be those of a text."""
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ValueError(ESCAPES) from None  # the error of Python has the password


def _host(name: str) -> str:
    """Return *name* as it is resolved. RFC 6874 writes the zone of an IPv6 address after ``%25``."""
    if ":" not in name:
        encoded = name.encode("idna").decode()
        encoded.encode("idna")  # as the resolver does; of an ellipsis there are three dots now, and nothing in between
        return encoded
    address, _, zone = name.partition("%")
    IPv6Address(address)
    zone = zone[2:] if zone.startswith("25") and len(zone) > 2 else zone
    return f"{address}%{unquote(zone)}" if zone else address
