"""JSON Schema of the headers of messages, as in ``docs/wire.schema.json``."""

from __future__ import annotations

from typing import Any, get_args

from edged.values import NAME_PATTERN
from edged.wire.json_schema import DIALECT, object_schema
from edged.wire.messages import Message
from edged.wire.topics import VERSION

__all__ = ["header_schema"]

_NAMES = ("node", "camera", "region")  # as in the topic


def header_schema() -> dict[str, Any]:
    """Return the schema of any header; ``$defs`` has that of each kind, such as ``vec``.

    Other keys are allowed everywhere, because a later edged may add some.
    """
    headers = {cls.kind: _header(cls) for cls in get_args(Message)}
    return {
        "$schema": DIALECT,
        "title": f"edged message headers, version {VERSION}",
        "anyOf": [{"$ref": f"#/$defs/{kind}"} for kind in headers],
        "$defs": headers,
    }


def _header(cls: Any) -> dict[str, Any]:
    schema = object_schema(cls, without=("payload",))
    for name in _NAMES:
        if name in schema["properties"]:
            schema["properties"][name]["pattern"] = f"^{NAME_PATTERN}$"
    outside = {"v": {"const": VERSION}, "kind": {"const": cls.kind}}
    schema["properties"] = {**outside, **schema["properties"]}
    schema["required"] = [*outside, *schema["required"]]
    return schema
