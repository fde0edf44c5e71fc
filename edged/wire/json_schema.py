"""JSON Schema (draft 2020-12) of dataclasses, from the annotations that their readers use too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

__all__ = ["DIALECT", "object_schema"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_SCALARS: dict[Any, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
}


def object_schema(cls: type, *, closed: bool = False, without: tuple[str, ...] = ()) -> Schema:
    """Return the schema of a JSON object for the dataclass *cls*; *closed*: it may have no other keys.

    The fields in *without* are left out.

    Raises:
        TypeError: JSON has no type for the annotation of a field.
    """
    hints = get_type_hints(cls)
    members = [member for member in fields(cls) if member.name not in without]
    required = [m.name for m in members if m.default is MISSING and m.default_factory is MISSING]
    schema: Schema = {
        "type": "object",
        "description": " ".join((cls.__doc__ or "").split("\n\n")[0].split()),
        "properties": {member.name: _schema(hints[member.name]) for member in members},
    }
    if required:
        schema["required"] = required
    if closed:
        schema["additionalProperties"] = False
    return schema


def _schema(annotation: Any) -> Schema:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in _SCALARS:
        return dict(_SCALARS[annotation])
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, UnionType):
        (inner,) = (argument for argument in arguments if argument is not NoneType)
        return _or_null(_schema(inner))
    if origin is tuple:
        items = {"type": "array", "items": _schema(arguments[0])}
        return items if arguments[-1] is Ellipsis else {**items, "minItems": len(arguments), "maxItems": len(arguments)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    if is_dataclass(annotation):
        assert isinstance(annotation, type)
        return object_schema(annotation)
    raise TypeError(f"JSON has no type for {annotation}")


def _or_null(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}
