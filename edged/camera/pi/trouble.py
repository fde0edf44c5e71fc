"""What picamera2 and libcamera raise, and what that means for the person who reads it."""

from __future__ import annotations

import concurrent.futures

from edged.errors import SourceError

__all__ = ["IN_USE", "RARE", "reason"]

RARE = (RuntimeError, OSError, ValueError, concurrent.futures.CancelledError)
"""What they raise when something is wrong with a camera."""

IN_USE = "another program uses it"


def reason(exc: BaseException) -> str:
    """What *exc* and its causes say, or what they mean; an error of edged's own says all itself."""
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
