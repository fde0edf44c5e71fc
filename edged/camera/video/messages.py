"""FFmpeg's own messages: lines of edged's log at the level debug, and nothing on stderr."""

from __future__ import annotations

import logging

import av.logging

from edged.peer_text import peer_text

__all__ = ["forward_messages"]

log = logging.getLogger(__name__)


class _Forwarder(logging.Handler):
    """Passes messages on, whatever FFmpeg calls their level: what matters of them is an error of the camera."""

    def emit(self, record: logging.LogRecord) -> None:
        log.debug("FFmpeg: %s: %s", record.name.removeprefix("libav."), peer_text(record.getMessage()))


_forwarder = _Forwarder()


def forward_messages() -> None:
    """Let FFmpeg's messages go to the log where it shows debug messages, and nowhere else.

    PyAV keeps them off stderr from its import on. They are not even made where nobody reads them, because a hostile
    stream makes thousands.
    """
    source = logging.getLogger("libav")
    source.propagate = False
    if _forwarder not in source.handlers:
        source.addHandler(_forwarder)
    wanted = av.logging.WARNING if log.isEnabledFor(logging.DEBUG) else None
    if av.logging.get_level() != wanted:
        av.logging.set_level(wanted)
