"""The errors of pydantic in words for the person who wrote the file, each with its place there."""

from __future__ import annotations

import collections.abc
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from edged.config.problems import KeyPath, Problem, shown, suggestion
from edged.config.reader.document import Document
from edged.config.sections.fields import FORMS, Read, Section
from edged.config.sections.root import Config

__all__ = ["problems_of", "section_at"]

MOST_LOOKED_AT = 1000  # of the errors in one file; each costs a search for a similar key

_RULES: dict[str, str] = {
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "finite_number": "must be a finite number",
    "model_type": "must be a mapping",
    "dict_type": "must be a mapping",
    "mapping_type": "must be a mapping",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
}


def problems_of(error: ValidationError, document: Document) -> Iterator[Problem]:
    """Each error of *error* as a problem of *document*."""
    for details in error.errors(include_url=False)[:MOST_LOOKED_AT]:
        yield _problem(details, document)


def section_at(path: KeyPath) -> type[Section]:
    """Return the class whose keys stand at *path*, which is ``()`` or ``("cameras", "street")`` for example."""
    section: type[Section] = Config
    parts = iter(path)
    for part in parts:
        fields = section.model_fields.items()
        found = next((_section_in(field) for name, field in fields if part in (name, field.alias)), None)
        if found is None:
            break
        section, has_names = found
        if has_names:
            next(parts, None)
    return section


def _problem(details: ErrorDetails, document: Document) -> Problem:
    path = tuple(part for part in details["loc"] if part not in FORMS)
    context = details.get("ctx", {})
    match details["type"]:
        case "missing":
            return document.problem(path, "is missing")
        case "extra_forbidden":
            known = [field.alias or name for name, field in section_at(path[:-1]).model_fields.items()]
            rule = f"unknown key; {suggestion(str(path[-1]), known)}"
            return document.problem(path, rule, document.key_at(path))
        case "misfit":
            rule = context.get("rule") or _rule(details, context)
            return document.problem(_moved(path, context.get("at", ())), rule)
        case _ if path and path[-1] == "[key]":  # pydantic marks a wrong key so
            return document.problem(path[:-1], _rule(details, context), document.key_at(path[:-1]))
        case _:
            return document.problem(path, _rule(details, context))


def _rule(details: ErrorDetails, context: dict[str, Any]) -> str:
    match details["type"]:
        case "value_error":
            rule = str(context["error"]).replace(repr(details["input"]), shown(details["input"]))
        case "literal_error":
            rule = "must be one of " + context["expected"].replace(" or ", ", ").replace("'", "")
        case kind:
            rule = _RULES[kind].format(**context) if kind in _RULES else details["msg"]
    return rule if "(got " in rule else f"{rule} (got {shown(details['input'])})"


def _moved(path: KeyPath, way: KeyPath) -> KeyPath:
    for part in way:
        path = path[:-1] if part == ".." else (*path, part)
    return path


def _section_in(field: FieldInfo) -> tuple[type[Section], bool] | None:
    spellings = [note.spelling for note in field.metadata if isinstance(note, Read)]
    return _section_of(spellings[0] if spellings else field.annotation)


def _section_of(hint: Any) -> tuple[type[Section], bool] | None:
    """Return the section in a type, and whether names stand before it: ``Mapping[Name, CameraConfig]``."""
    if isinstance(hint, type) and issubclass(hint, Section):
        return hint, False
    for part in get_args(hint):
        found = _section_of(part)
        if found:
            return found[0], found[1] or get_origin(hint) is collections.abc.Mapping
    return None
