"""The JSON Schema of the configuration, for editors."""

from __future__ import annotations

from typing import Any

from edged.config.root import Config

__all__ = ["json_schema"]


def json_schema() -> dict[str, Any]:
    """The configuration as JSON Schema, draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Config.model_json_schema(),
        "title": "edged configuration",
    }
