"""The JSON Schema of the configuration, for editors."""

from __future__ import annotations

from typing import Any

from edged.config.root import Config

__all__ = ["json_schema"]


def json_schema() -> dict[str, Any]:
    """The configuration as JSON Schema, draft 2020-12."""
    schema = Config.model_json_schema()
    for section in (schema, *schema["$defs"].values()):
        for mapping in (section, *section["properties"].values()):
            _complete(mapping)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "edged configuration",
    }


def _complete(mapping: dict[str, Any]) -> None:
    """What the types do not say: a name fits its pattern, and a section that needs nothing may be left empty."""
    if "patternProperties" in mapping:
        mapping["additionalProperties"] = False
    if mapping.get("type") == "object" and not mapping.keys() & {"required", "minProperties"}:
        mapping["type"] = ["object", "null"]
