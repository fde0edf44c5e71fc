"""Conversion of messages to frames and back: a topic, a header in JSON, and the bytes of the vector.

Publishers trust their own types: ``encode`` refuses only values that are not JSON. Subscribers trust nothing:
``decode`` returns a message with valid fields only, or raises WireError and nothing else.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter
from reprlib import repr as short
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from edged.errors import WireError
from edged.wire.messages import Event, Frame, Match, Message, State, Status, Vec
from edged.wire.topics import VERSION, Topic, parse_topic
from edged.wire.typed import object_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["MAX_HEADER_BYTES", "MAX_PAYLOAD_BYTES", "Frame", "Frames", "decode", "encode"]

MAX_HEADER_BYTES = 1 << 20  # enough for some ten thousand references
MAX_PAYLOAD_BYTES = 4 << 20  # a million float32

Frames: TypeAlias = tuple[bytes, bytes, Frame]
"""Topic, header, payload."""

_CLASSES: dict[str, Any] = {cls.kind: cls for cls in (Vec, Event, State, Status)}


def encode(message: Message) -> Frames:
    """Return the three frames of *message*. The payload is not copied.

    Raises:
        WireError: a value is not JSON (NaN and infinity are not, nor are numpy's numbers), a name is not
            legal, or the header or the payload is longer than MAX_HEADER_BYTES or MAX_PAYLOAD_BYTES.
    """
    content = {"v": VERSION, "kind": message.kind, **_plain(message)}
    try:
        header = _TO_JSON.encode(content).encode()
    except (ValueError, TypeError) as exc:
        raise WireError(f"{_wrong_key(content)}: {exc}") from exc
    payload: Frame = message.payload if isinstance(message, Vec) else b""
    _check_length("header", header, MAX_HEADER_BYTES)
    _check_length("payload", payload, MAX_PAYLOAD_BYTES)
    return message.topic, header, payload


def decode(frames: Sequence[Frame]) -> Message:
    """Return the message in *frames*. The payload is not copied, and the vector in it is made when it is asked for.

    Keys that this version does not know are ignored.

    Raises:
        WireError: they are not a message of this version; the text names the rule.
    """
    if len(frames) != 3:
        raise WireError(f"message: must be three frames, topic, header and payload (got {len(frames)})")
    address, header, payload = parse_topic(frames[0]), _parse(frames[1]), frames[2]
    if type(header.get("v")) is not int or header["v"] != VERSION:
        raise WireError(f"v: this subscriber understands version {VERSION} (got {short(header.get('v'))})")
    cls = _CLASSES[address.kind]
    values = _reader(cls)(header)
    _check_address(address, header)
    if cls is Vec:
        _check_length("payload", payload, MAX_PAYLOAD_BYTES)
        values["payload"] = payload
    elif len(payload):
        raise WireError(f"payload: must be empty in a {cls.kind} (got {len(payload)} bytes)")
    message: Message = cls(**values)
    return message


@cache
def _layout(cls: Any) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    if not is_dataclass(cls):
        raise TypeError(f"{cls.__module__}.{cls.__name__} is not JSON")
    keys = tuple(member.name for member in fields(cls) if member.name != "payload")
    return keys, attrgetter(*keys)


@cache
def _reader(cls: Any) -> Callable[[Any], dict[str, Any]]:
    return object_reader(cls, "", without=("payload",))


def _plain(value: Any) -> dict[str, Any]:
    if value.__class__ is Match and value.label is None:
        return {"ref": value.ref, "s": value.s}  # because there are many of them
    keys, values = _layout(value.__class__)
    return dict(zip(keys, values(value), strict=True))


def _refuse_constant(constant: str) -> NoReturn:
    raise WireError(f"header: must be JSON, which has no {constant}")


# Without a check for cycles, because frozen dataclasses of frozen dataclasses have none.
_TO_JSON = json.JSONEncoder(
    allow_nan=False, ensure_ascii=False, check_circular=False, separators=(",", ":"), default=_plain
)
_FROM_JSON = json.JSONDecoder(parse_constant=_refuse_constant)


def _wrong_key(content: dict[str, Any]) -> str:
    for key, value in content.items():
        try:
            _TO_JSON.encode(value).encode()
        except (ValueError, TypeError):
            return key
    return "header"


def _parse(frame: Frame) -> dict[str, Any]:
    _check_length("header", frame, MAX_HEADER_BYTES)
    try:
        header = _FROM_JSON.decode(str(frame, "utf-8"))
    except WireError:
        raise
    except (ValueError, BufferError, RecursionError) as exc:
        raise WireError(f"header: must be a JSON object in UTF-8 ({exc})") from exc
    if type(header) is not dict:
        raise WireError(f"header: must be a JSON object (got {short(header)})")
    return header


def _check_address(address: Topic, header: dict[str, Any]) -> None:
    for part, name in address._asdict().items():
        if name is not None and header.get(part) != name:
            raise WireError(f"{part}: must be as in the topic (got {short(header.get(part))}, not {name!r})")


def _check_length(name: str, frame: Frame, most: int) -> None:
    if len(frame) > most:
        raise WireError(f"{name}: must not be longer than {most} bytes (got {len(frame)})")
