"""Playlists of HTTP Live Streaming (RFC 8216): which segments there are, or which other playlist to read."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["LONGEST_PLAYLIST", "ByteRange", "Playlist", "Segment", "is_playlist", "read_playlist"]

LONGEST_PLAYLIST = 4 << 20  # bytes
MOST_SEGMENTS = 50_000
LONGEST_SEGMENT = 600.0  # seconds that are believed

_ATTRIBUTE = re.compile(r'([A-Z0-9-]{1,64})=(?:"([^"\r\n]*)"|([^",\s]*))')
_AUDIO = ("mp4a", "ac-3", "ec-3", "opus", "flac", "fLaC", "mp3")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes of a file, from *begin* on, without the one at *end*."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the video. ``beginning`` is what has to be read before it: a file, or a part of one."""

    number: int
    location: str
    seconds: float
    part: ByteRange | None
    is_cut: bool
    """It continues in another way than the one before has ended."""
    beginning: tuple[str, ByteRange | None] | None


@dataclass(frozen=True, slots=True)
class Playlist:
    """A list of segments, or of variants of the stream, whose first one with video is ``variant``.

    ``seconds`` is how long a segment takes at most; ``has_ended``: no further ones will be added.
    """

    segments: tuple[Segment, ...] = ()
    seconds: float = 1.0
    has_ended: bool = False
    variant: str = ""
    encryption: str = ""
    """The method in which a segment is encrypted; empty where none is."""


@dataclass(slots=True)
class _Reading:
    """The next segment, as far as the lines so far describe it."""

    number: int = 0
    seconds: float = 0.0
    part: ByteRange | None = None
    last_end: int = 0  # of the part before, of the same file
    is_cut: bool = False
    beginning: tuple[str, ByteRange | None] | None = None
    is_variant: bool = False
    segments: list[Segment] = field(default_factory=list)


def is_playlist(head: bytes) -> bool:
    """Check whether what begins with *head* is a playlist."""
    return head.removeprefix(b"\xef\xbb\xbf").startswith(b"#EXTM3U")


def read_playlist(content: bytes) -> Playlist:
    """Take a whole playlist apart. Lines that mean nothing here are passed over.

    Raises:
        ValueError: it lists more segments than is believed.
    """
    reading, seconds, has_ended, encryption = _Reading(), 0.0, False, ""
    for line in _lines(content):
        name, _, value = line.partition(":")
        match name:
            case "#EXT-X-TARGETDURATION":
                seconds = _seconds(value)
            case "#EXT-X-ENDLIST":
                has_ended = True
            case "#EXT-X-KEY":
                method = _attributes(value).get("METHOD", "")
                encryption = encryption or ("" if method == "NONE" else method)
            case "#EXT-X-STREAM-INF":
                reading.is_variant = _has_video(_attributes(value).get("CODECS", ""))
            case _ if line.startswith("#"):
                _read_tag(reading, name, value)
            case _ if reading.is_variant:
                return Playlist(variant=line)
            case _ if reading.seconds > 0:
                _add_segment(reading, line)
    longest = max((segment.seconds for segment in reading.segments), default=1.0)
    return Playlist(tuple(reading.segments), seconds or longest, has_ended, "", encryption)


def _lines(content: bytes) -> Iterator[str]:
    for line in content.decode("utf-8", "replace").splitlines():
        stripped = line.strip()
        if stripped:
            yield stripped


def _read_tag(reading: _Reading, name: str, value: str) -> None:
    match name:
        case "#EXTINF":
            reading.seconds = max(_seconds(value.partition(",")[0]), 0.001)
        case "#EXT-X-MEDIA-SEQUENCE":
            reading.number = int(value) if re.fullmatch(r"[0-9]{1,18}", value, re.ASCII) else 0
        case "#EXT-X-DISCONTINUITY":
            reading.is_cut = True
        case "#EXT-X-BYTERANGE":
            reading.part = _byte_range(value, reading.last_end)
        case "#EXT-X-MAP":
            attributes = _attributes(value)
            part = _byte_range(attributes["BYTERANGE"], 0) if "BYTERANGE" in attributes else None
            reading.beginning = (attributes.get("URI", ""), part) if attributes.get("URI") else None


def _add_segment(reading: _Reading, location: str) -> None:
    if len(reading.segments) >= MOST_SEGMENTS:
        raise ValueError(f"its list has more than {MOST_SEGMENTS} segments")
    reading.segments.append(
        Segment(reading.number, location, reading.seconds, reading.part, reading.is_cut, reading.beginning)
    )
    reading.last_end = reading.part.end if reading.part is not None else 0
    reading.number, reading.seconds, reading.part, reading.is_cut = reading.number + 1, 0.0, None, False


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return min(seconds, LONGEST_SEGMENT) if math.isfinite(seconds) and seconds > 0 else 0.0


def _byte_range(text: str, begin: int) -> ByteRange | None:
    found = re.fullmatch(r"([0-9]{1,15})(?:@([0-9]{1,15}))?", text.strip(), re.ASCII)
    if found is None or int(found[1]) == 0:
        return None
    begin = int(found[2]) if found[2] is not None else begin
    return ByteRange(begin, begin + int(found[1]))


def _attributes(text: str) -> dict[str, str]:
    return {name: quoted or plain for name, quoted, plain in _ATTRIBUTE.findall(text[:4096])}


def _has_video(codecs: str) -> bool:
    return not codecs or not all(codec.strip().startswith(_AUDIO) for codec in codecs.split(","))
