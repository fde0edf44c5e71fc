"""JSON Schema of control messages, as in ``docs/control.schema.json``."""

from __future__ import annotations

from typing import Any

from edged.values import NAME_PATTERN, UNKNOWN
from edged.wire import control
from edged.wire import control_requests as requests
from edged.wire import control_results as results
from edged.wire.json_schema import DIALECT, object_schema

__all__ = ["control_schema"]

RESULTS: dict[str, tuple[type[results.Result], ...]] = {
    "status": (results.StatusResult,),
    "reload": (results.ReloadResult,),
    "enroll": (results.EnrollResult, results.SetResult),
    "forget": (results.ForgetResult, results.SetResult),
    "relabel": (results.SetResult,),
    "references": (results.ReferencesResult,),
    "states": (results.StatesResult,),
    "review": (results.ReviewResult,),
    "answer": (results.AnswerResult,),
    "snapshot": (results.SnapshotResult,),
    "preview": (results.PreviewResult,),
    "try": (results.TryResult,),
    "recent": (results.RecentResult,),
}
"""The results of each op; the second one is that of a set of states."""


def control_schema() -> dict[str, Any]:
    """Return the schema of any request or reply; ``$defs`` has each, such as ``enroll`` and ``enroll-reply``."""
    asked = {op: _request(op) for op in requests.REQUESTS}
    replies = {f"{op}-reply": _reply(op) for op in requests.REQUESTS}
    refusal = {
        **_object({"v": _VERSION, "id": {"type": ["string", "null"]}, "ok": {"const": False}, "error": _ERROR}),
        "description": "The reply to a request that was refused; id is null where it could not be read.",
    }
    return {
        "$schema": DIALECT,
        "title": "edged control messages, version 1",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in (*asked, *replies, "refusal")],
        "$defs": {**asked, **replies, "refusal": refusal},
    }


_VERSION = {"const": control.CONTROL_VERSION}
_ERROR = {
    "type": "object",
    "properties": {"code": {"type": "string", "examples": list(control.CODES)}, "text": {"type": "string"}},
    "required": ["code", "text"],
}
_TEXTS = {
    **{key: {"pattern": f"^{NAME_PATTERN}$"} for key in ("name", "camera", "region")},
    "state": {"pattern": f"^(?!{UNKNOWN}$){NAME_PATTERN}$"},
    "example": {"pattern": f"^{requests.EXAMPLE_PATTERN}$"},
    "picture": {"pattern": f"^{requests.EXAMPLE_PATTERN}$"},
}
_LIMITS: dict[str, dict[str, float]] = {
    "frames": {"minimum": 1, "maximum": requests.MOST_FRAMES},
    "width": {"minimum": requests.WIDTHS[0], "maximum": requests.WIDTHS[1]},
    "quality": {"minimum": requests.QUALITIES[0], "maximum": requests.QUALITIES[1]},
    "seconds": {"minimum": 0, "maximum": requests.TRIAL_SECONDS[1]},
    "enter": {"minimum": -1, "maximum": 1},
    "leave": {"minimum": -1, "maximum": 1},
    "min_seconds": {"minimum": 0, "maximum": requests.LONGEST_SECONDS},
    "cooldown_seconds": {"minimum": 0, "maximum": requests.LONGEST_SECONDS},
}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _request(op: str) -> dict[str, Any]:
    own = object_schema(requests.REQUESTS[op], closed=True)
    for key, rule in own["properties"].items():
        rule |= _LIMITS.get(key, {})
        rule |= _TEXTS.get(key, {})
    outside = {"v": _VERSION, "id": {"type": "string", "maxLength": control.MAX_ID_LENGTH}, "op": {"const": op}}
    own["properties"] = {**outside, **own["properties"]}
    own["required"] = [*outside, *own.get("required", [])]
    return own


def _reply(op: str) -> dict[str, Any]:
    results = [object_schema(cls) for cls in RESULTS[op]]
    result = results[0] if len(results) == 1 else {"anyOf": results}
    outside = {"v": _VERSION, "id": {"type": "string"}, "ok": {"const": True}, "result": result}
    return _object(outside)
