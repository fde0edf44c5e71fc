"""The kinds of cameras: one table of all that edged knows about each.

A new kind of camera is an entry of `CAMERA_KINDS`, a module in ``edged/camera/`` with the class that the entry names,
and a line in ``config/edged.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edged.config.problems import shown
from edged.config.sections.paths import absolute
from edged.config.url import ESCAPES, split_url

__all__ = ["CAMERA_KINDS", "KINDS_BY_NAME", "CameraKind", "kinds_that_know", "listed", "picture_size"]

SMALLEST_PATTERN, LARGEST_PATTERN = 32, 8192
"""Pixels of a side of a test picture."""

_HIDDEN = "***"
_NUMBER = re.compile(r"(video)?[0-9]+", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CameraKind:
    """One kind of camera: how a source of it is written, what opens it, and which settings it knows.

    ``source_class`` is the `edged.camera.Source` that ``from_config`` makes, as ``module:class``. ``read_target`` makes
    of the whole text of a source, and of the folder that relative paths start at, what the class is to open; it raises
    ``ValueError`` where that is wrong. ``form`` is how the source is written, for people.
    """

    name: str
    form: str
    source_class: str
    read_target: Callable[[str, Path], str]
    is_live: bool = True
    """Frames come whether or not anybody reads them."""
    is_url: bool = False
    """The target is a URL, which may hold a user and password; the server chooses the rate of the frames."""
    needs_target: bool = True
    options: frozenset[str] = frozenset()
    """Those of `edged.config.CameraConfig` that only some kinds know and that this one does."""
    shows_pictures: bool = False
    """Frames are picture files, which may be transparent."""
    repeats_pictures: bool = True
    """A picture may come twice, and if it does for long the camera is frozen."""
    sends_jpegs: bool = False
    """Frames may come one by one as JPEGs."""
    chooses_size: bool = False
    """Without ``width`` and ``height`` frames are as large as the model and the regions need."""
    takes_one_side: bool = True
    """``width`` or ``height`` may be given without the other."""
    least_side: int = 1
    size_cure: str = ""
    """The way to give the size of the frames, where it is not ``width`` and ``height``."""
    max_reopens: int = 0

    @property
    def prefix(self) -> str:
        """The beginning of a source of this kind, such as ``usb:`` or ``rtsp://``."""
        return f"{self.name}://" if self.is_url else f"{self.name}:"


def picture_size(target: str) -> tuple[int, int] | None:
    """Return width and height of a target such as ``640x480``; None if it is not a size."""
    size = _SIZE.fullmatch(target)
    return (int(size[1]), int(size[2])) if size else None


def _path(what: str, text: str, folder: Path) -> str:
    prefix, _, target = text.partition(":")
    if _SCHEME.match(target):
        raise ValueError(f"must be the URL itself, without {prefix}: before it (got {shown(text)})")
    if not target or target.startswith("//"):
        raise ValueError(f"must name {what} (got {shown(text)})")
    return str(absolute(target, folder))


def _usb(text: str, _: Path) -> str:
    target = text.partition(":")[2]
    if not target.strip() or _NUMBER.fullmatch(target) or ("/" in target and not target.startswith("/")):
        raise ValueError(
            "must name a device file, such as usb:/dev/video0, or a camera by its name, such as usb:C920 "
            f"(got {shown(text)})"
        )
    return target


def _picamera(text: str, _: Path) -> str:
    target = text.partition(":")[2]
    if not target.strip():
        raise ValueError(f"must name a camera by number, Id or model, such as picamera:0 (got {shown(text)})")
    return target


def _pattern(text: str, _: Path) -> str:
    target = text.partition(":")[2]
    sides = picture_size(target)
    if target and not (sides and all(SMALLEST_PATTERN <= side <= LARGEST_PATTERN for side in sides)):
        raise ValueError(
            "must be pattern: alone or with a size such as pattern:640x480, of sides in "
            f"{SMALLEST_PATTERN}…{LARGEST_PATTERN} (got {shown(text)})"
        )
    return target


def _url(text: str, _: Path) -> str:
    if any(f"{before}{_HIDDEN}" in text for before in ("//", "=")):
        raise ValueError(f"has {_HIDDEN} where edged hid a user and password; write them in again (got {shown(text)})")
    if any(character.isspace() or not character.isprintable() for character in text):
        raise ValueError(f"must not hold spaces, which are %20 in a URL (got {shown(text)})")
    try:
        port = split_url(text).port
    except ValueError:  # whose text may quote a part of the password
        port = 0
    if port == 0:
        scheme = text.partition(":")[0]
        raise ValueError(
            f"must be {scheme}://HOST/… or {scheme}://USER:PASSWORD@HOST:PORT/…; {ESCAPES} (got {shown(text)})"
        )
    return text


_SIDES = frozenset({"width", "height"})
_STREAM = frozenset({"follow_redirects", "decode_frames", "decoder"})

CAMERA_KINDS = (
    CameraKind(
        name="file",
        form="file:VIDEO",
        source_class="edged.camera.file:VideoFile",
        read_target=partial(_path, "a video file by its path, such as file:street.mp4"),
        is_live=False,
        options=frozenset({"decoder"}),
    ),
    CameraKind(
        name="dir",
        form="dir:FOLDER of pictures",
        source_class="edged.camera.folder:FolderSource",
        read_target=partial(_path, "a folder by its path, such as dir:pictures"),
        is_live=False,
        shows_pictures=True,
    ),
    CameraKind(
        name="usb",
        form="usb:DEVICE or usb:NAME",
        source_class="edged.camera.usb:UsbCamera",
        read_target=_usb,
        options=_SIDES | {"pixel_format", "controls"},
        sends_jpegs=True,
        takes_one_side=False,
    ),
    CameraKind(
        name="picamera",
        form="picamera:CAMERA such as picamera:0",
        source_class="edged.camera.picamera:PicameraSource",
        read_target=_picamera,
        options=_SIDES | {"hflip", "vflip", "controls", "scaler_crop"},
        chooses_size=True,
        least_side=64,
        max_reopens=6,
    ),
    CameraKind(
        name="pattern",
        form="pattern: for a moving test picture",
        source_class="edged.camera.pattern:PatternSource",
        read_target=_pattern,
        needs_target=False,
        repeats_pictures=False,
        size_cure="pattern:WIDTHxHEIGHT",
    ),
    CameraKind(
        name="rtsp",
        form="rtsp://…",
        source_class="edged.camera.rtsp.source:RtspSource",
        read_target=_url,
        is_url=True,
        options=_STREAM | {"rtsp_transport", "ts_from"},
    ),
    CameraKind(
        name="rtsps",
        form="rtsps://…",
        source_class="edged.camera.rtsp.source:RtspSource",
        read_target=_url,
        is_url=True,
        options=_STREAM | {"rtsp_transport", "ts_from", "verify_tls"},
    ),
    *(
        CameraKind(
            name=name,
            form=f"{name}://…",
            source_class="edged.camera.web:WebSource",
            read_target=_url,
            is_url=True,
            options=_STREAM | {"verify_tls"},
            sends_jpegs=True,
        )
        for name in ("http", "https")
    ),
)

KINDS_BY_NAME = {kind.name: kind for kind in CAMERA_KINDS}


def kinds_that_know(option: str) -> list[CameraKind]:
    """Return the kinds that know *option*, which others do not."""
    return [kind for kind in CAMERA_KINDS if option in kind.options]


def listed(words: Iterable[str], conjunction: str) -> str:
    """*words*, of which there is at least one, as in a sentence: ``usb:, http:// and https://``."""
    *first, last = words
    return f"{', '.join(first)} {conjunction} {last}" if first else last
