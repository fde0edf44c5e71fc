"""The whole content of an answer, within a limit."""

from __future__ import annotations

import re

from edged.camera.http.exchange import EndOfBody, HttpError, Response

__all__ = ["read_content"]

_LENGTH = re.compile(r"[0-9]{1,9}", re.ASCII)
_EMPTY = (204, 304)
_AT_ONCE = 65536
_OTHER = "if it is a stream that calls itself one picture, write another address of the camera as the source"


def read_content(response: Response, largest: int, deadline: float) -> tuple[bytes, bool]:
    """Return the content of *response*, and whether the connection is good for another request.

    Raises:
        OSError: it has more than *largest* bytes, breaks off, or does not come by *deadline*.
        Woken: the connection's bell has rung.
    """
    length = _length_of(response, largest)
    content, body = bytearray(), response.body
    buffer = memoryview(bytearray(_AT_ONCE))
    try:
        while length is None or len(content) < length:
            count = body.receive(buffer if length is None else buffer[: length - len(content)])
            if count is None:
                body.wait(deadline)
            content += buffer[: count or 0]
            if len(content) > largest:
                raise HttpError(f"its answer does not end: more than {largest} bytes came; {_OTHER}")
    except TimeoutError as exc:
        if content and length is None:
            raise HttpError(f"its answer does not end: {len(content)} bytes came; {_OTHER}") from exc
        raise
    except EndOfBody as exc:
        if length is not None:
            raise HttpError("it closes the connection within its answer") from exc
    return bytes(content), length is not None


def _length_of(response: Response, largest: int) -> int | None:
    if response.status in _EMPTY:
        return 0
    text = response.headers.get("Content-Length")
    if response.headers.get("Transfer-Encoding") or not text:
        return None
    if _LENGTH.fullmatch(text) is None or int(text) > largest:
        raise HttpError(f"its answer is said to have {text[:20]} bytes, and {largest} are permitted")
    return int(text)
