"""Redirections: which are followed, and whether user and password go along."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal
from urllib.parse import urljoin

from edged.camera.http.address import Address
from edged.peer_text import peer_text

__all__ = ["MOST_REDIRECTIONS", "REDIRECTIONS", "Follow", "redirected"]

Follow = Literal["same-host", "any"]
"""Which redirections are followed: those to the host of the configured URL, on any port, or all."""

REDIRECTIONS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTIONS = 5

_FAMILIES = (("http", "https"), ("rtsp", "rtsps"))


def redirected(origin: Address, here: Address, location: str, follow: Follow, how: str = "it redirects") -> Address:
    """Return where *location*, which the server at *here* has sent, leads; *how* begins the sentences of the errors.

    *origin* is the configured address: its user and password go along to its own host only, whatever its port.

    Raises:
        ValueError: it leads nowhere, or to where edged does not go. The text gives the cure.
    """
    schemes = next(family for family in _FAMILIES if origin.scheme in family)
    try:
        there = Address.parse(_escaped(urljoin(here.url, location)), schemes)
    except ValueError as exc:
        raise ValueError(f"{how} to what is no address: {peer_text(str(exc))}") from exc
    if here.is_encrypted and not there.is_encrypted:
        raise ValueError(
            f"{how} to clear text ({peer_text(str(there))}), which edged does not follow from {here.scheme}://; "
            "if everybody on the network may see the pictures, write that address as the source"
        )
    if there.name == here.name:
        there = replace(there, host=here.host)  # a server does not know the zone that it is reached through
    is_home = there.host == origin.host
    if not is_home and follow == "same-host":
        raise ValueError(
            f"{how} to another host ({peer_text(str(there))}); write that address as the source, or allow every "
            "host with follow_redirects: any"
        )
    return there.with_login_of(origin) if is_home and there.user is None else there


def _escaped(url: str) -> str:
    """Return *url* of a server with each @ in its path or query escaped; there it is none of a password."""
    begin = url.find("://") + 3
    end = min(filter(lambda at: at >= 0, (url.find(sign, begin) for sign in "/?#")), default=len(url))
    return url[:end] + url[end:].replace("@", "%40")
