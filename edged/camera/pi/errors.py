"""The errors of picamera2 and libcamera, explained for people."""

from __future__ import annotations

import concurrent.futures

from edged.errors import SourceError

__all__ = ["IN_USE", "RARE", "reason"]

RARE = (RuntimeError, OSError, ValueError, concurrent.futures.CancelledError)
"""Raised by them when something is wrong with a camera."""

IN_USE = "another program uses it"


def reason(exc: BaseException) -> str:
    """Return the texts of *exc* and its causes, or what they mean; of an error of edged's own only its text."""
    if isinstance(exc, SourceError):
        return str(exc)
    texts: list[str] = []
    cause: BaseException | None = exc
    while cause is not None and len(texts) < 4:
        texts.append(str(cause) or type(cause).__name__)
        cause = cause.__cause__
    text = ": ".join(texts)
    if "Device or resource busy" in text:
        return IN_USE
    if "Cannot allocate memory" in text:
        return f"there is no contiguous memory left for its frames (make them smaller, or cma larger): {text}"
    return text
