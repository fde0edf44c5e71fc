"""``${NAME}`` in a value: what a variable of the environment holds, or a credential that systemd keeps for the service.

What is put in is never looked at again, so that it cannot ask for more, and its size is bounded. What is secret may
stand only where `redacted` hides it, in the URL of a camera, and is refused everywhere else: then no message, no output
and no hash can show it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from edged.config.environment import credential, variable
from edged.config.problems import brief, redacted
from edged.config.reader.scalars import CONTROL
from edged.config.sections.camera_kinds import CAMERA_KINDS

__all__ = ["MOST_FILLED_IN", "FilledValue", "Variables", "escaped", "where_secrets_go"]

MOST_FILLED_IN = 1 << 20
"""Characters that the values of one file may have got from variables, as many as the file itself may have."""

_CREDENTIAL = "CREDENTIAL:"
_REFERENCE = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<source>CREDENTIAL:(?=[A-Za-z0-9_]))?"
    r"(?P<name>(?(source)[A-Za-z0-9_.-]{1,255}|[A-Za-z_][A-Za-z0-9_]{0,254}))"
    r"(?P<default>:-(?:[^}$]|\$(?!\{))*)?\}|(?P<wrong>\{))"
)
_URL = re.compile(rf"(?:{'|'.join(kind.prefix for kind in CAMERA_KINDS if kind.is_url)})(?P<authority>[^/?#]*)")
_SECRET = re.compile(r"(?:pass|passphrase|psw|pw|pwd|[a-z]*(?:password|passwd|secret|token))[0-9]*")
_PLACES = {"dir", "directory", "file", "folder", "path"}  # of a secret, and no secret themselves
_STAND_IN = "\x01"  # in place of a secret: no file can hold it


@dataclass(frozen=True, slots=True)
class FilledValue:
    """A value with everything put in. ``secret`` is the last secret in it, as the file spells it; none is ``""``."""

    text: str
    secret: str = ""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a value: as it will be, and as it is where secrets are hidden."""

    text: str
    shown: str
    secret: str = ""


class Variables:
    """Fills in the values of one file."""

    def __init__(self) -> None:
        self._left = MOST_FILLED_IN

    def fill(self, text: str) -> FilledValue:
        """Return *text* with every ``${NAME}`` replaced, and ``$$`` by ``$``.

        In the URL of a camera, what holds a user or password is put in percent-encoded: it is given as it is.

        Raises:
            ValueError: it cannot be done, or would show a secret; the rule never quotes what a variable holds.
        """
        if "$" not in text:
            return FilledValue(text)
        pieces = list(self._pieces(text))
        secrets = [piece.secret for piece in pieces if piece.secret]
        if secrets and (not _URL.match(text) or _STAND_IN in redacted("".join(piece.shown for piece in pieces))):
            raise ValueError(where_secrets_go(secrets[-1]))
        return FilledValue("".join(piece.text for piece in pieces), *secrets[-1:])

    def _pieces(self, text: str) -> Iterator[_Piece]:
        end, login_end = 0, _login_end(text)
        for reference in _REFERENCE.finditer(text):
            if between := text[end : reference.start()]:
                yield _Piece(between, between)
            end = reference.end()
            yield self._piece(reference, in_login=end <= login_end, in_url=login_end >= 0)
        yield _Piece(text[end:], text[end:])

    def _piece(self, reference: re.Match[str], *, in_login: bool, in_url: bool) -> _Piece:
        if reference["dollar"]:
            return _Piece("$", "$")
        if reference["wrong"]:
            raise ValueError(
                "has ${ without being ${NAME}, ${NAME:-default} or ${CREDENTIAL:name}; a plain ${ is written $${, and "
                "a default cannot hold ${ or }"
            )
        value = self._value(reference)
        if not _is_secret(reference):
            value = quote(value, safe=":") if in_login else value
            return _Piece(value, value)
        if in_url:
            value = quote(value, safe=":" if in_login else "")
        return _Piece(value, _STAND_IN, _spelled(reference))

    def _value(self, reference: re.Match[str]) -> str:
        held = _held(reference)
        self._left -= len(held)
        if self._left < 0:
            raise ValueError(f"would be more than {MOST_FILLED_IN >> 20} MiB, with what other variables hold")
        if odd := CONTROL.search(held):
            code = ord(odd[0])
            raise ValueError(f"must not hold control characters ({_spelled(reference)} has U+{code:04X})")
        return held


def escaped(text: str) -> str:
    """*text* as a file must spell it."""
    return text.replace("$", "$$") if "$$" in text or "${" in text else text


def where_secrets_go(spelled: str) -> str:
    """Return the rule on the secret that is *spelled* like that."""
    name = brief(spelled)
    cure = "" if _CREDENTIAL in spelled else "; a variable that holds none must have another name"
    return (
        f"must not have {name}, because it would be shown here: a secret goes into the URL of a camera, as user or "
        f"password (rtsp://USER:{name}@HOST/) or as a parameter (http://HOST/?token={name}){cure}"
    )


def _held(reference: re.Match[str]) -> str:
    """Return what *reference* refers to. Empty is as good as missing where there is a default, as in a shell."""
    name, default = reference["name"], reference["default"]
    try:
        held = credential(name) if reference["source"] else variable(name)
    except (LookupError, OSError, ValueError) as exc:
        if default is None or not isinstance(exc, LookupError):
            raise ValueError(f"needs {_spelled(reference)}: {exc.args[0] if exc.args else exc}") from exc
        held = ""
    return default.removeprefix(":-") if default is not None and not held else held


def _is_secret(reference: re.Match[str]) -> bool:
    """Credentials are, and variables whose name has a word such as PASSWORD or TOKEN, unless it is the place of one."""
    words = reference["name"].lower().split("_")
    is_place = words[-1] in _PLACES or words in (["pwd"], ["oldpwd"])  # these two every shell sets
    return bool(reference["source"]) or (not is_place and any(map(_SECRET.fullmatch, words)))


def _spelled(reference: re.Match[str]) -> str:
    """Return the reference without its default, which may be a secret."""
    return f"${{{reference['source'] or ''}{reference['name']}}}"


def _login_end(text: str) -> int:
    """Return the end of user and password in a URL: -1 if it is not one, 0 if it has none. *text* is unresolved."""
    if _URL.match(text) is None:
        return -1
    masked = _REFERENCE.sub(lambda reference: "x" * len(reference[0]), text)
    url = _URL.match(masked)
    return -1 if url is None else masked.rfind("@", *url.span("authority")) + 1
