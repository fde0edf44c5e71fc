"""The sentences for a connection that fails."""

from __future__ import annotations

import socket
import ssl

from edged.camera.http.connection import Woken
from edged.errors import text_of
from edged.peer_text import peer_text

__all__ = ["reason_of"]


def reason_of(failure: Exception, host: str, timeout: float) -> str:
    """Return what happened, where *host* was to answer within *timeout* seconds."""
    match failure:
        case Woken():
            return "told to stop"
        case TimeoutError():
            return f"no answer within {timeout:g} s"
        case ConnectionRefusedError():
            return "nobody listens there"
        case socket.gaierror():
            return f"the name {host} is not known: {failure.strerror}"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {peer_text(failure.verify_message)}"
        case ssl.SSLError():
            return f"no encrypted connection can be made: {failure.reason}"
        case MemoryError():
            return "there is not enough memory for what it sends"
        case _:
            return text_of(failure)
