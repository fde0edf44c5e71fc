"""The session description (SDP, RFC 8866) of a camera: which of its streams is the video, and what it is made of."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

__all__ = ["Codec", "VideoTrack", "video_track"]

Codec = Literal["h264", "hevc", "mjpeg"]
"""The names that FFmpeg has for what edged reads."""

MOST_LINES = 1000
MOST_PARAMETER_SETS = 32

_CODECS: Mapping[str, Codec] = {"H264": "h264", "H265": "hevc", "JPEG": "mjpeg"}
_PARAMETER_SETS: Mapping[Codec, tuple[str, ...]] = {
    "h264": ("sprop-parameter-sets",),
    "hevc": ("sprop-vps", "sprop-sps", "sprop-pps"),
    "mjpeg": (),
}
_JPEG_TYPE = 26  # RFC 3551: the one payload type of a video that needs no rtpmap
_RTPMAP = re.compile(r"rtpmap:([0-9]{1,3}) ++([^/]{1,64})/([0-9]{1,9})", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,6})?", re.ASCII)
_LEFT_ALONE = "/%:@!$&'()*+,;=~?#[]"
FASTEST = 1000.0  # frames per second; a higher claim is wrong


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """The stream of a session that is read.

    ``control`` is its URL for ``SETUP``, ``session_control`` that of the session for ``PLAY``. ``parameter_sets`` are
    NAL units without start codes, ``clock_rate`` are units of its timestamps per second, and ``fps`` are frames per
    second where it gives them.
    """

    codec: Codec
    payload_type: int
    clock_rate: int
    control: str
    session_control: str
    parameter_sets: tuple[bytes, ...] = ()
    fps: float | None = None


@dataclass(slots=True)
class _Media:
    kind: str
    types: list[str]
    attributes: list[str] = field(default_factory=list)


def video_track(description: bytes, base: str) -> VideoTrack:
    """Return the first video in *description* that edged can read. Relative URLs in it start at *base*.

    Raises:
        ValueError: there is none; the text gives what there is.
    """
    lines = description.decode("utf-8", "replace").splitlines()
    if len(lines) > MOST_LINES:
        raise ValueError(f"its description has more than {MOST_LINES} lines")
    session, *media = _media(lines)
    base = _resolved(quote(base, _LEFT_ALONE), _attribute(session, "control:"))
    tracks = [track for medium in media if medium.kind == "video" if (track := _track(medium, base)) is not None]
    if tracks:
        return tracks[0]
    names = sorted({name for medium in media if medium.kind == "video" for name in _names(medium)})
    if names:
        raise ValueError(f"its video is {', '.join(names)}; edged reads H264, H265 and JPEG: choose one in the camera")
    others = ", ".join(sorted({medium.kind for medium in media}))
    raise ValueError(
        f"it has no video{f', but {others}' if others else ''}: check the path of the URL, and whether the camera has "
        "that stream switched on"
    )


def _media(lines: Iterable[str]) -> Iterator[_Media]:
    """First what stands before all media, then each of these."""
    medium = _Media("session", [])
    for line in lines:
        if line.startswith("m="):
            yield medium
            kind, *rest = line[2:].split() or [""]
            medium = _Media(kind, rest[2:])
        elif line.startswith("a="):
            medium.attributes.append(line[2:].strip())
    yield medium


def _track(medium: _Media, base: str) -> VideoTrack | None:
    for payload_type, name, clock_rate in _formats(medium):
        codec = _CODECS.get(name.upper())
        if codec is not None and clock_rate > 0:
            control = _attribute(medium, "control:")
            return VideoTrack(
                codec=codec,
                payload_type=payload_type,
                clock_rate=clock_rate,
                control=_resolved(base, control),
                session_control=base,
                parameter_sets=_sets(medium, payload_type, codec),
                fps=_fps(medium),
            )
    return None


def _formats(medium: _Media) -> Iterator[tuple[int, str, int]]:
    maps: dict[str, list[tuple[str, int]]] = {}
    for found in filter(None, map(_RTPMAP.match, medium.attributes)):
        maps.setdefault(found[1], []).append((found[2], int(found[3])))
    for number in dict.fromkeys(medium.types):  # each once, so that the time does not grow with their product
        for name, clock_rate in maps.get(number, []):
            yield int(number), name, clock_rate
        if number == str(_JPEG_TYPE) and number not in maps:
            yield _JPEG_TYPE, "JPEG", 90_000


def _names(medium: _Media) -> list[str]:
    return [name for _, name, _ in _formats(medium)] or [f"of type {number}" for number in medium.types]


def _attribute(medium: _Media, prefix: str) -> str:
    return next((text[len(prefix) :].strip() for text in medium.attributes if text.startswith(prefix)), "")


def _fps(medium: _Media) -> float | None:
    text = _attribute(medium, "framerate:")
    fps = float(text) if _NUMBER.fullmatch(text) else 0.0
    return fps if 0.0 < fps < FASTEST else None


def _sets(medium: _Media, payload_type: int, codec: Codec) -> tuple[bytes, ...]:
    parameters: dict[str, str] = {}
    for text in medium.attributes:
        if text.startswith(f"fmtp:{payload_type} "):
            pairs = (part.partition("=") for part in text.partition(" ")[2].split(";"))
            parameters.update({name.strip().lower(): value.strip() for name, _, value in pairs})
    coded = [part for name in _PARAMETER_SETS[codec] for part in parameters.get(name, "").split(",") if part]
    sets: list[bytes] = []
    for part in coded[:MOST_PARAMETER_SETS]:
        try:
            sets.append(base64.b64decode(part))
        except binascii.Error:
            return ()  # most streams carry them too
    return tuple(sets)


def _resolved(base: str, control: str) -> str:
    """Return the URL of a stream, as cameras mean it: what is relative is put behind the address of the session.

    An absolute URL is sent over the same connection, whatever host it names.
    """
    if control in ("", "*"):
        return base
    control = quote(control, _LEFT_ALONE)
    if "://" in control:
        return control
    return f"{base.rstrip('/')}/{control.lstrip('/')}"
