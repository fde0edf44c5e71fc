"""Where a camera's frames come from, as the config says it: ``file:street.mp4``, ``usb:/dev/video0``, ``rtsp://…``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from edged.config.problems import redacted, shown
from edged.config.sections.paths import absolute

__all__ = ["SOURCE_PATTERN", "SourceKind", "SourceSpec"]

SourceKind = Literal["file", "dir", "usb", "picamera", "pattern", "rtsp", "rtsps", "http", "https"]

SOURCE_PATTERN = r"^(pattern:|(file|dir|usb|picamera):.|(rtsp|http)s?://.)"
"""What a source begins with, as a regular expression for editors."""

SMALLEST_PATTERN, LARGEST_PATTERN = 32, 8192
"""Pixels of a side of a test picture."""

_HIDDEN = "***"
_NUMBER = re.compile(r"(video)?[0-9]+", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_KINDS = "file:, dir:, usb:, picamera:, pattern:, rtsp://, rtsps://, http:// or https://"


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A kind of source and what it opens.

    ``target`` is the path of a video for ``file`` and of a folder for ``dir``, a device's path or a part of its name
    for ``usb``, a number, Id or model for ``picamera``, nothing or ``WIDTHxHEIGHT`` for ``pattern``, and the whole URL
    for the others. ``str()`` and ``repr()`` are for people, and show no user and password of a URL.
    """

    kind: SourceKind
    target: str

    @property
    def is_live(self) -> bool:
        """Do frames come whether or not anybody reads them?"""
        return self.kind not in {"file", "dir"}

    @property
    def is_url(self) -> bool:
        """Is the target a URL, which may hold a user and password?"""
        return self.kind in {"rtsp", "rtsps", "http", "https"}

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height that a test picture shall have, if the source says so."""
        size = _SIZE.fullmatch(self.target) if self.kind == "pattern" else None
        return (int(size[1]), int(size[2])) if size else None

    def __str__(self) -> str:
        return redacted(self.target) if self.is_url else f"{self.kind}:{self.target}"

    def __repr__(self) -> str:
        return f"SourceSpec({redacted(str(self))!r})"

    @classmethod
    def parse(cls, text: str, folder: Path) -> SourceSpec:
        """The source that *text* names; a relative path of a file or folder starts at *folder*.

        Raises:
            ValueError: *text* names none.
        """
        kind, colon, target = text.partition(":")
        match kind if colon else "":
            case "file":
                return cls("file", _path(target, text, folder, "a video file by its path, such as file:street.mp4"))
            case "dir":
                return cls("dir", _path(target, text, folder, "a folder by its path, such as dir:pictures"))
            case "usb":
                return cls("usb", _usb(target, text))
            case "picamera":
                return cls("picamera", _picamera(target, text))
            case "pattern":
                return cls("pattern", _pattern(target, text))
            case "rtsp" | "rtsps" | "http" | "https" as scheme if target.startswith("//"):
                return cls(scheme, _url(text))
            case _:
                raise ValueError(f"must begin with {_KINDS} (got {shown(text)})")


def _path(target: str, text: str, folder: Path, what: str) -> str:
    if _SCHEME.match(target):
        raise ValueError(f"must be the URL itself, without {text.partition(':')[0]}: before it (got {shown(text)})")
    if not target or target.startswith("//"):
        raise ValueError(f"must name {what} (got {shown(text)})")
    return str(absolute(target, folder))


def _usb(target: str, text: str) -> str:
    if not target.strip() or _NUMBER.fullmatch(target) or ("/" in target and not target.startswith("/")):
        raise ValueError(
            "must name a device file, such as usb:/dev/video0, or a camera by its name, such as usb:C920 "
            f"(got {shown(text)})"
        )
    return target


def _picamera(target: str, text: str) -> str:
    if not target.strip():
        raise ValueError(f"must name a camera by number, Id or model, such as picamera:0 (got {shown(text)})")
    return target


def _pattern(target: str, text: str) -> str:
    size = _SIZE.fullmatch(target)
    if target and not (size and all(SMALLEST_PATTERN <= int(side) <= LARGEST_PATTERN for side in size.groups())):
        raise ValueError(
            "must be pattern: alone or with a size such as pattern:640x480, of sides in "
            f"{SMALLEST_PATTERN}…{LARGEST_PATTERN} (got {shown(text)})"
        )
    return target


def _url(text: str) -> str:
    if any(f"{before}{_HIDDEN}" in text for before in ("//", "=")):
        raise ValueError(f"has {_HIDDEN} where edged hid a user and password; write them in again (got {shown(text)})")
    if any(character.isspace() or not character.isprintable() for character in text):
        raise ValueError(f"must not hold spaces, which are %20 in a URL (got {shown(text)})")
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").encode("idna")
        is_whole = bool(host) and (parts.port is None or parts.port > 0)
    except ValueError:  # whose text may quote a part of the password
        is_whole = False
    if not is_whole:
        raise ValueError(
            f"must be {text.partition(':')[0]}://HOST/… or …://HOST:PORT/…, and / and @ in a user or password must be "
            f"%2F and %40 (got {shown(text)})"
        )
    return text
