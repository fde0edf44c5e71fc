"""Messages between a browser and the page, over its WebSocket. Pure; ``docs/page.md`` describes them.

Text frames are JSON objects with a ``type``. A binary frame is a picture: four bytes with the length of its header, big
endian, the header in JSON, and the picture as JPEG or PNG.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from reprlib import repr as short
from typing import Any, ClassVar, TypeAlias

from edged.errors import WireError, map_exceptions
from edged.values import check_name
from edged.wire.json_schema import DIALECT, object_schema
from edged.wire.typed import object_reader

__all__ = [
    "LONGEST_MESSAGE",
    "MOST_CAMERAS",
    "Ack",
    "Ask",
    "BrowserMessage",
    "CameraView",
    "LookRequest",
    "WatchedRegion",
    "browser_schema",
    "picture_frame",
    "read_message",
    "write_message",
]

LONGEST_MESSAGE = 65_536  # bytes that a browser may send in a message
MOST_CAMERAS = MOST_PLACES = 32
LEAST_FPS, MOST_FPS = 0.1, 10.0
LEAST_WIDTH, MOST_WIDTH = 64, 1920
LONGEST_ID = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraView:
    """A camera that a tab looks at: pictures at most ``width`` wide, ``fps`` of them a second."""

    camera: str
    width: int = 640
    fps: float = 5.0

    def __post_init__(self) -> None:
        _check_name("camera", self.camera)
        _check_range("width", self.width, LEAST_WIDTH, MOST_WIDTH)
        _check_range("fps", self.fps, LEAST_FPS, MOST_FPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedRegion:
    """A region of a camera."""

    camera: str
    region: str

    def __post_init__(self) -> None:
        _check_name("camera", self.camera)
        _check_name("region", self.region)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRequest:
    """What a tab looks at, in place of what it did before: cameras, model inputs, and scores of regions."""

    type: ClassVar = "look"

    cameras: tuple[CameraView, ...] = ()
    inputs: tuple[WatchedRegion, ...] = ()
    scores: tuple[WatchedRegion, ...] = ()

    def __post_init__(self) -> None:
        for key in ("cameras", "inputs", "scores"):
            _check_range(f"{key}: number", len(getattr(self, key)), 0, MOST_PLACES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """The picture with that number is drawn; the next may come."""

    type: ClassVar = "ack"

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request that is answered with a ``reply`` of the same ``id``; ``rest`` are the keys of that ``op``."""

    type: ClassVar = "request"

    id: str
    op: str
    rest: Mapping[str, Any]


BrowserMessage: TypeAlias = LookRequest | Ack | Ask

_READERS = {LookRequest.type: (LookRequest, object_reader(LookRequest, "")), Ack.type: (Ack, object_reader(Ack, ""))}
_read_ask = object_reader(Ask, "", without=("rest",))


def read_message(text: str) -> BrowserMessage:
    """Return the message of a browser.

    Raises:
        WireError: it is none; the text names the rule.
    """
    content = _parse(text)
    kind = content.get("type")
    if kind == Ask.type:
        asked = _read_ask(content)
        _check_range("id: length", len(asked["id"]), 1, LONGEST_ID)
        rest = {key: value for key, value in content.items() if key not in ("type", "id", "op")}
        return Ask(**asked, rest=rest)
    if not isinstance(kind, str) or kind not in _READERS:
        raise WireError(f"type: must be one of look, ack, request (got {short(kind)})")
    cls, read = _READERS[kind]
    message: BrowserMessage = cls(**read(content))
    return message


def write_message(kind: str, **content: Any) -> str:
    """Return the text of a message to a browser."""
    return _TO_JSON.encode({"type": kind, **content})


def picture_frame(header: Mapping[str, Any], body: bytes) -> bytes:
    """Return the binary message of a picture."""
    head = _TO_JSON.encode(header).encode()
    return b"".join((struct.pack(">I", len(head)), head, body))


def browser_schema() -> dict[str, Any]:
    """Return the JSON Schema of the messages of a browser."""
    messages = []
    for cls in (LookRequest, Ack):
        schema = object_schema(cls)
        schema["properties"] = {"type": {"const": cls.type}, **schema["properties"]}
        schema["required"] = ["type", *schema.get("required", [])]
        messages.append(schema)
    ask = object_schema(Ask, without=("rest",))
    ask["properties"] = {"type": {"const": Ask.type}, **ask["properties"]}
    ask["required"] = ["type", "id", "op"]
    return {"$schema": DIALECT, "title": "edged page, messages of a browser", "anyOf": [*messages, ask]}


def _plain(value: Any) -> Any:
    from dataclasses import fields, is_dataclass

    if not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} is not JSON")
    return {member.name: getattr(value, member.name) for member in fields(value)}


_TO_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain)


def _parse(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except RecursionError as exc:
        raise WireError("message: is nested too deep") from exc
    except ValueError as exc:
        raise WireError(f"message: must be a JSON object ({exc})") from exc
    if type(content) is not dict:
        raise WireError(f"message: must be a JSON object (got {short(content)})")
    return content


def _check_name(key: str, name: str) -> None:
    with map_exceptions({ValueError: WireError}, key):
        check_name(name)


def _check_range(key: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise WireError(f"{key}: must be in {least:g}…{most:g} (got {short(value)})")
