"""The address of a stream: a URL, taken apart, that does not show its password."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import quote, unquote, urljoin, urlsplit

from edged.config.problems import redacted

__all__ = ["Address"]

_PORTS = {"http": 80, "https": 443}
_LEFT_ALONE = "/%:@!$&'()*+,;=~?"  # what may stand in a path or query; all else is quoted, line ends above all


@dataclass(frozen=True, slots=True)
class Address:
    """An ``http`` or ``https`` URL. Its text shows neither user nor password, nor a password among its parameters."""

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)
    """Path and query, as the request line has them."""
    user: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Take *url* apart.

        Raises:
            ValueError: it is no such URL.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
            host = (parts.hostname or "").encode("idna").decode()
        except ValueError:  # whose text may quote a part of the password
            parts, port, host = urlsplit(""), None, ""
        if parts.scheme not in _PORTS or not host:
            raise ValueError(f"must be http://HOST/… or https://HOST/… (got {redacted(url)})")
        target = quote(parts.path or "/", _LEFT_ALONE) + (f"?{quote(parts.query, _LEFT_ALONE)}" if parts.query else "")
        user = None if parts.username is None else unquote(parts.username)
        return cls(parts.scheme, host, port or _PORTS[parts.scheme], target, user, unquote(parts.password or ""))

    @property
    def host_header(self) -> str:
        """Host and port as the request's header ``Host`` has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def moved_to(self, location: str) -> Address:
        """The address that *location*, of a redirection, leads to. User and password go along to the same server only.

        Raises:
            ValueError: nowhere.
        """
        there = Address.parse(urljoin(self._url, location))
        if there.user is None and (there.scheme, there.host, there.port) == (self.scheme, self.host, self.port):
            return Address(there.scheme, there.host, there.port, there.target, self.user, self.password)
        return there

    @property
    def _url(self) -> str:
        return f"{self.scheme}://{self.host_header}{self.target}"

    def __str__(self) -> str:
        return redacted(self._url)
