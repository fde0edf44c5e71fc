"""Conversion of control messages: requests to a daemon and its replies. ``docs/control.md`` is their manual.

A request is one frame with a JSON object: ``v``, ``id``, ``op``, and the fields of the request with that ``op``. The
reply has the same ``id``: with ``"ok": true`` and a ``result``, after which frames with pictures may follow; or with
``"ok": false`` and an ``error``.

A daemon is strict: it refuses a request with a key that it does not know, because that key might be the one that
matters. A client ignores keys of a reply that it does not know.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from reprlib import repr as short
from typing import Any, NoReturn, TypeVar

from edged.errors import ControlError, WireError
from edged.peer_text import peer_text
from edged.wire.control_requests import REQUESTS, Request, Try
from edged.wire.control_results import PreviewResult, RecentResult, Result, ReviewResult, SnapshotResult
from edged.wire.typed import object_reader

__all__ = [
    "CODES",
    "CONTROL_VERSION",
    "MAX_ID_LENGTH",
    "MAX_REPLY_BYTES",
    "MAX_REQUEST_BYTES",
    "MAX_TRIAL_BYTES",
    "Envelope",
    "read_envelope",
    "read_reply",
    "write_refusal",
    "write_reply",
    "write_request",
    "write_result",
]

CONTROL_VERSION = 1
MAX_REQUEST_BYTES = 4096
MAX_TRIAL_BYTES = 65_536  # of a request for a trial: a mask has many points
MAX_REPLY_BYTES = 8 << 20  # of the first frame: enough for ten thousand references
MAX_ID_LENGTH = 64
MAX_LINES, LONGEST_LINE = 50, 1000  # of the text of a refusal: the problems of a configuration have a line each

CODES: Mapping[str, str] = {
    "malformed": "the request is not a JSON object of this format",
    "version": "the request is of another version",
    "unknown-op": "the op does not exist",
    "invalid": "a key is missing, unknown, or has a wrong value",
    "busy": "too many requests are under way; try again later",
    "not-found": "the camera, region, reference, set of states, state, example or picture does not exist",
    "taken": "a reference of that name exists already",
    "no-frames": "the camera delivers no frames now, or too few",
    "config": "the configuration is wrong; nothing has changed",
    "failed": "the request failed, mostly because of the disk",
    "not-learned": "the change is on the disk, but the set of states could not be learned from it; it will be later",
    "stopping": "the daemon is stopping",
}
"""Reasons for refusing a request, by the code for programs."""


R = TypeVar("R", bound=Result)

_RESERVED = ("v", "id", "op")
_WITH_PICTURES = (PreviewResult, RecentResult, ReviewResult, SnapshotResult)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request whose ``v``, ``id`` and ``op`` have been read, and nothing else."""

    id: str
    op: str
    rest: dict[str, Any] = field(repr=False)

    def request(self) -> Request:
        """Return the request itself.

        Raises:
            ControlError: the ``op`` does not exist (``unknown-op``), or a key of it is wrong (``invalid``).
        """
        cls = REQUESTS.get(self.op)
        if cls is None:
            raise ControlError("unknown-op", f"op: must be one of {', '.join(REQUESTS)} (got {short(self.op)})")
        known = {member.name for member in fields(cls)}
        if unknown := sorted(self.rest.keys() - known):
            has = ", ".join(member.name for member in fields(cls)) or "no keys of its own"
            raise ControlError("invalid", f"{short(unknown[0])}: is not a key of {self.op}, which has {has}")
        try:
            return cls(**_request_reader(self.op)(self.rest))
        except WireError as exc:
            raise ControlError("invalid", str(exc)) from exc


def read_envelope(body: bytes | memoryview) -> Envelope:
    """Return the envelope of a request; nothing else of it has been read.

    Raises:
        ControlError: *body* is not a request (``malformed``), or one of another version (``version``).
    """
    _check_length(body, MAX_TRIAL_BYTES)
    try:
        content = _parse(body)
        if type(content.get("v")) is not int or content["v"] != CONTROL_VERSION:
            text = f"v: this daemon understands version {CONTROL_VERSION} (got {short(content.get('v'))})"
            raise ControlError("version", text)
        values = _envelope_reader()(content)
        if values["op"] != Try.op:
            _check_length(body, MAX_REQUEST_BYTES)
    except WireError as exc:
        raise ControlError("malformed", str(exc)) from exc
    if len(values["id"]) > MAX_ID_LENGTH:
        raise ControlError("malformed", f"id: must be at most {MAX_ID_LENGTH} characters (got {len(values['id'])})")
    return Envelope(**values, rest={key: value for key, value in content.items() if key not in _RESERVED})


def write_request(request: Request, request_id: str) -> bytes:
    """Return the frame of a request; its reply has the same *request_id*."""
    return _to_json({"v": CONTROL_VERSION, "id": request_id, "op": request.op, **asdict(request)})


def write_result(result: Result) -> bytes:
    """Return *result* in JSON, for several replies."""
    return _to_json(result)


def write_reply(result: Result | bytes, request_id: str) -> bytes:
    """Return the first frame of the reply to a request that succeeded; *result* may be what `write_result` made."""
    content = result if isinstance(result, bytes) else write_result(result)
    return b'{"v":%d,"id":%b,"ok":true,"result":%b}' % (CONTROL_VERSION, _to_json(request_id), content)


def write_refusal(error: ControlError, request_id: str | None) -> bytes:
    """Return the reply to a request that was refused; *request_id* is None where it could not be read."""
    error_content = {"code": error.code, "text": str(error)}
    return _to_json({"v": CONTROL_VERSION, "id": request_id, "ok": False, "error": error_content})


def read_reply(frames: Sequence[bytes | memoryview], cls: type[R], request_id: str) -> R | None:
    """Return the result in the *frames* of a reply; None if it is the reply to another request.

    Raises:
        ControlError: the daemon refused the request; the text is the reason.
        WireError: *frames* are not a reply of this version.
    """
    if not frames or len(frames[0]) > MAX_REPLY_BYTES:
        raise WireError(f"reply: must be frames, the first of at most {MAX_REPLY_BYTES} bytes")
    content = _parse(frames[0])
    if type(content.get("v")) is not int or content["v"] != CONTROL_VERSION:
        raise WireError(f"v: this client understands version {CONTROL_VERSION} (got {short(content.get('v'))})")
    if content.get("id") not in (request_id, None):
        return None
    if content.get("ok") is not True:
        error = object_reader(_Refusal, "error")(content.get("error"))
        lines = [peer_text(line, LONGEST_LINE) for line in error["text"].split("\n", MAX_LINES)[:MAX_LINES]]
        raise ControlError(peer_text(error["code"]), "\n".join(lines))
    result = cls(**object_reader(cls, "result")(content.get("result")))
    if isinstance(result, _WITH_PICTURES) and result.picture_count != len(frames) - 1:
        raise WireError(f"pictures: must be as many as frames after the first (got {len(frames) - 1})")
    return result


def _check_length(body: bytes | memoryview, most: int) -> None:
    if len(body) > most:
        raise ControlError("malformed", f"request: must be at most {most} bytes (got {len(body)})")


@cache  # a page asks several times a second
def _request_reader(op: str) -> Callable[[Any], dict[str, Any]]:
    return object_reader(REQUESTS[op], "")


@cache
def _envelope_reader() -> Callable[[Any], dict[str, Any]]:
    return object_reader(_EnvelopeKeys, "")


@dataclass(frozen=True, slots=True)
class _EnvelopeKeys:
    id: str
    op: str


@dataclass(frozen=True, slots=True)
class _Refusal:
    code: str
    text: str


def _parse(body: bytes | memoryview) -> dict[str, Any]:
    try:
        content = _FROM_JSON.decode(str(body, "utf-8"))
    except WireError:
        raise
    except RecursionError as exc:
        raise WireError("message: is nested too deep") from exc
    except UnicodeDecodeError as exc:
        raise WireError(f"message: must be UTF-8 (got the byte 0x{body[exc.start]:02x} at {exc.start})") from exc
    except ValueError as exc:
        raise WireError(f"message: must be a JSON object ({exc})") from exc
    if type(content) is not dict:
        raise WireError(f"message: must be a JSON object (got {short(content)})")
    return content


def _refuse_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        count = Counter(key for key, _ in pairs)
        twice = next(key for key in count if count[key] > 1)
        raise WireError(f"{short(twice)}: is given twice")
    return content


def _refuse_constant(constant: str) -> NoReturn:
    raise WireError(f"message: must be JSON, which has no {constant}")


_FROM_JSON = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_refuse_duplicate_keys)


def _plain(value: Any) -> dict[str, Any]:
    return {member.name: getattr(value, member.name) for member in fields(value)}


_TO_JSON = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _to_json(content: Any) -> bytes:
    return _TO_JSON.encode(content).encode("utf-8", "replace")
