"""The JSON Schema of the configuration, for editors."""

from __future__ import annotations

from typing import Any

from edged.config.sections.root import Config

__all__ = ["json_schema"]

VARIABLE = r"\$\{"
"""The mark of a text that may become any value."""


def json_schema() -> dict[str, Any]:
    """Return the configuration as JSON Schema, draft 2020-12."""
    schema = Config.model_json_schema()
    for section in (schema, *schema["$defs"].values()):
        for mapping in (section, *section["properties"].values()):
            _complete(mapping)
    _let_variables_in(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "edged configuration",
    }


def _complete(mapping: dict[str, Any]) -> None:
    """Add what the types leave out: a name fits its pattern, and a section that needs nothing may be left empty."""
    if "patternProperties" in mapping:
        mapping["additionalProperties"] = False
    if mapping.get("type") == "object" and not mapping.keys() & {"required", "minProperties"}:
        mapping["type"] = ["object", "null"]


def _let_variables_in(rule: Any) -> None:
    """Let ``${NAME}`` stand for a number, a truth value or one of some words.

    ``pattern`` does not apply to a number, nor ``minimum`` to a text: so both can stand side by side.
    """
    for part in rule.values() if isinstance(rule, dict) else rule if isinstance(rule, list) else ():
        _let_variables_in(part)
    match rule:
        case {"type": str(), "enum": list(words)}:
            rule["anyOf"] = [{"type": rule.pop("type"), "enum": words}, {"type": "string", "pattern": VARIABLE}]
            del rule["enum"]
        case {"type": "string" | ["number", "string"], "pattern": str(pattern)}:
            rule["pattern"] = f"{pattern}|{VARIABLE}"
        case {"type": "number" | "integer" | "boolean" as kind}:
            rule |= {"type": [kind, "string"], "pattern": VARIABLE}
