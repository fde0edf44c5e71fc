"""The loop of a peer's process: read a call, answer it, until the pipe ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from tests.peers.framing import Array, receive, send

Answer = tuple[dict[str, Any], list[Array]]


def serve(calls: dict[str, Callable[..., Answer]]) -> None:
    """Answer each call with the function of its name; what that raises is answered too.

    Standard output belongs to the answers alone: whatever else is printed goes to standard error.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            header, arrays = receive(sys.stdin.buffer)
        except EOFError:
            return
        name = header.pop("call")
        try:
            answer = calls[name](*arrays, **header)
        except Exception as exc:  # noqa: BLE001  # whatever the library raises is the answer
            answer = {"error": type(exc).__name__, "message": str(exc)}, []
        send(answers, *answer)
