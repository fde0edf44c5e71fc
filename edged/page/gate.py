"""Who may see the page and change something: hosts, origins, tokens, cookies and roles. Pure."""

from __future__ import annotations

import hmac
import re
from base64 import b64decode
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, TypeAlias, get_args

__all__ = ["COOKIE_SECONDS", "ROLES", "AccessGate", "Login", "Role", "read_authorization"]

Role: TypeAlias = Literal["look", "change"]
"""``look`` sees everything; ``change`` may also teach, draw and keep."""

ROLES: tuple[Role, ...] = get_args(Role)

COOKIE_SECONDS = 30 * 86_400
MOST_OTHERS = 8  # cookies of other pages that a browser keeps

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,255})(?::[0-9]{1,5})?")
_COOKIE_NAME = re.compile(r"(__Host-)?edged-[0-9a-f]{8}")
_COOKIE = re.compile(r"(look|change)\.([0-9]{1,12})\.([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Login:
    """What a request says who it is from: a user name, empty for a bare token, and a token or password."""

    user: str
    secret: str = field(repr=False)


def read_authorization(value: str) -> Login | None:
    """Return what is in the field ``Authorization``: ``Bearer TOKEN`` or ``Basic base64(USER:TOKEN)``."""
    scheme, _, rest = value.partition(" ")
    if scheme.lower() == "bearer":
        return Login("", rest.strip())
    if scheme.lower() == "basic":
        try:
            user, colon, secret = b64decode(rest.strip(), validate=True).decode().partition(":")
        except ValueError:  # not base64, or not UTF-8
            return None
        return Login(user, secret) if colon else None
    return None


class AccessGate:
    """Decides by the fields of a request.

    *tokens* has a secret for each role, and *digests* are those of passwords: a cookie ends when one of them changes.
    *names* are the hosts under which this page is known; *proxy*, ``HOST[:PORT]``,
    is the only one if the page is behind a proxy. *scheme* is the one in a browser's address line.
    """

    def __init__(
        self,
        tokens: Mapping[Role, str],
        names: Collection[str],
        scheme: str = "http",
        proxy: str | None = None,
        digests: Iterable[bytes] = (),
    ) -> None:
        self._tokens = dict(tokens)
        self._names = {name.lower().removesuffix(".") for name in names}
        self._proxy = None if proxy is None else proxy.lower()
        self.scheme = scheme
        secrets = [*(tokens[role] for role in ROLES if role in tokens), *(digest.hex() for digest in digests)]
        self._key = sha256("\n".join(["edged page", *secrets]).encode())
        # A browser sends cookies to all ports of a host, so those of two pages have different names.
        prefix = "__Host-" if scheme == "https" else ""
        self.cookie_name = f"{prefix}edged-{self._sign('name')[:8]}"

    def admits_host(self, host: str, local: str) -> bool:
        """Return whether *host*, the field ``Host``, is a name of this page; *local* is the address it came in at.

        Else a stranger's web page could point its own name at this machine (DNS rebinding).
        """
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        if self._proxy is not None:
            return host.lower() == self._proxy
        name = match[1].lower().removesuffix(".")
        return name in self._names or (name.strip("[]") == local and not name[-1].isalpha())

    def admits_origin(self, origin: str, host: str) -> bool:
        """Return whether *origin* is this page itself, under the name *host* of the same request."""
        return origin.lower() == f"{self.scheme}://{host}".lower()

    def role_of_token(self, token: str) -> Role | None:
        """Return the role of that token; None if it is not one."""
        found: Role | None = None
        for role, own in self._tokens.items():
            if hmac.compare_digest(own.encode(), token.encode()):
                found = role
        return found

    def cookie(self, role: Role, now: float) -> str:
        """Return the field ``Set-Cookie`` of a browser that has shown a token at *now*, in seconds since 1970."""
        value = f"{role}.{int(now)}"
        secure = "; Secure" if self.scheme == "https" else ""
        return (
            f"{self.cookie_name}={value}.{self._sign(value)}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; "
            f"SameSite=Strict{secure}"
        )

    def removals(self, cookies: str) -> list[str]:
        """Return a field ``Set-Cookie`` for each cookie in *cookies*, the field ``Cookie``, that is to be removed.

        Each start with new keys has a cookie of another name, and a browser sends all that it has got at this host,
        until a request would be too long. The newest few stay: other pages may run beside this one.
        """
        found = []
        for each in cookies.split(";"):
            name, _, value = each.strip().partition("=")
            match = _COOKIE.fullmatch(value)
            if match is not None and name != self.cookie_name and _COOKIE_NAME.fullmatch(name):
                found.append((int(match[2]), name))
        old = [name for _, name in sorted(found, reverse=True)[MOST_OTHERS:]]
        return [f"{name}=; Path=/; Max-Age=0{'; Secure' if name.startswith('__Host-') else ''}" for name in old]

    def role_of_cookies(self, cookies: str, now: float) -> Role | None:
        """Return the role in the field ``Cookie``; None if none of ours is in it, or it is too old."""
        for each in cookies.split(";"):
            name, _, value = each.strip().partition("=")
            match = _COOKIE.fullmatch(value) if name == self.cookie_name else None
            if match is None:
                continue
            signed = f"{match[1]}.{match[2]}"
            fresh = -60 <= now - int(match[2]) <= COOKIE_SECONDS  # a clock may be set back a little
            if fresh and hmac.compare_digest(self._sign(signed), match[3]):
                return next(role for role in ROLES if role == match[1])
        return None

    def _sign(self, text: str) -> str:
        return hmac.new(self._key.digest(), text.encode(), sha256).hexdigest()
