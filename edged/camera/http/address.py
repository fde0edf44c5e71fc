"""The address of a stream: a URL, taken apart, that does not show its password."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import quote

from edged.config.problems import redacted
from edged.config.url import ESCAPES, split_url

__all__ = ["Address"]

_PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}
_WEB = ("http", "https")
_LEFT_ALONE = "/%:@!$&'()*+,;=~?"  # what may stand in a path or query; all else is quoted, line ends above all


@dataclass(frozen=True, slots=True)
class Address:
    """An ``http``, ``https``, ``rtsp`` or ``rtsps`` URL.

    Its text shows neither user nor password, nor a password among its parameters.
    """

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)
    """Path and query, as the request line has them."""
    user: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str, schemes: Collection[str] = _WEB) -> Self:
        """Take *url* apart.

        Raises:
            ValueError: it is no URL of one of *schemes*.
        """
        try:
            parts, cure = split_url(url), ""
        except ValueError as exc:
            parts, cure = None, str(exc) if str(exc).startswith(ESCAPES) else ""
        if parts is None or parts.scheme not in schemes:
            forms = " or ".join(f"{scheme}://HOST/…" for scheme in schemes)
            raise ValueError(f"must be {forms}{cure and f'; {cure}'} (got {redacted(url)})")
        target = quote(parts.path or "/", _LEFT_ALONE) + (f"?{quote(parts.query, _LEFT_ALONE)}" if parts.query else "")
        return cls(parts.scheme, parts.host, parts.port or _PORTS[parts.scheme], target, parts.user, parts.password)

    @property
    def name(self) -> str:
        """The host as others know it: without the zone of an IPv6 address, which counts on this machine only."""
        return self.host.partition("%")[0]

    @property
    def host_header(self) -> str:
        """Host and port as the request's header ``Host`` has them."""
        host = f"[{self.name}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def with_login_of(self, other: Address) -> Address:
        """The same address with the user and password of *other*."""
        return replace(self, user=other.user, password=other.password)

    def without_login(self, text: str) -> str:
        """*text* of a server, which may send back what it was given, without the password as it knows it."""
        if not self.password:
            return text
        return re.sub(f"{re.escape(self.basic)}|{re.escape(self.password)}", "***", text, flags=re.IGNORECASE)

    @property
    def basic(self) -> str:
        """User and password as the scheme Basic has them (RFC 7617)."""
        return base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    @property
    def is_encrypted(self) -> bool:
        """True where nobody on the way can read along."""
        return self.scheme in ("https", "rtsps")

    @property
    def url(self) -> str:
        """The URL without user and password, as the host is asked for it."""
        return f"{self.scheme}://{self.host_header}{self.target}"

    def __str__(self) -> str:
        return redacted(self.url.replace(f"[{self.name}]", f"[{self.host.replace('%', '%25')}]", 1))
