"""The header ``Content-Type`` as cameras write it."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["LONGEST_BOUNDARY", "boundary_of", "media_type"]

LONGEST_BOUNDARY = 200

_NAME_END = re.compile(r"[;=]")
_VALUE = re.compile(r'\s*+(?:"([^"]*+)"?|([^;]*+))')  # a quoted text without an end goes to the end of the line


def media_type(content_type: str) -> str:
    """Return the type alone, such as ``multipart/x-mixed-replace``, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def boundary_of(content_type: str) -> bytes | None:
    """Return the text between the parts of a multipart answer; None if it is another one or gives none.

    The boundary is a quoted text, or all up to a semicolon; spaces and dashes around it do not belong to it. Cameras
    disagree on whether the two dashes before it do, and without any it is found in both cases.

    Raises:
        ValueError: it is longer than `LONGEST_BOUNDARY`.
    """
    if not media_type(content_type).startswith("multipart/"):
        return None
    boundary = next((value for name, value in _parameters(content_type) if name == "boundary"), "").strip(" \t-")
    if len(boundary) > LONGEST_BOUNDARY:
        raise ValueError(f"the boundary of its parts has more than {LONGEST_BOUNDARY} characters")
    return boundary.encode("latin-1", "replace") or None


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    at = text.find(";") + 1 or len(text)
    while (end := _NAME_END.search(text, at)) is not None:
        if end[0] == ";":
            at = end.end()
            continue
        value = _VALUE.match(text, end.end())
        assert value is not None, "it matches everything"
        yield text[at : end.start()].strip().lower(), value[1] if value[1] is not None else value[2]
        at = text.find(";", value.end()) + 1 or len(text)
