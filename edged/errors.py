"""Every exception that edged raises on purpose.

Few classes, and each is also the builtin that people expect, so that a caller can catch either. What a class means for
the daemon is written beside it: refuse to start (exit 78), stop (exit 1), or try again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

__all__ = [
    "CatalogueError",
    "ConfigError",
    "ControlError",
    "DamagedFrame",
    "DelegateError",
    "EdgedError",
    "EndOfStream",
    "FallbackError",
    "InferenceError",
    "ModelError",
    "PublishError",
    "RecordingError",
    "ReferenceImageError",
    "ReloadError",
    "RingClosed",
    "SourceError",
    "StateError",
    "WireError",
    "map_exceptions",
    "text_of",
]


class EdgedError(Exception):
    """The root: ``except EdgedError`` catches whatever edged raises on purpose."""


class ConfigError(EdgedError, ValueError):
    """The configuration is wrong. The daemon exits with 78 and systemd does not restart it."""


class ModelError(EdgedError, ValueError, RuntimeError):
    """The model file cannot be used (exit 78).

    The Task Library raises ``ValueError`` for some of these and ``RuntimeError`` for others; this is both.
    """


class DelegateError(ModelError):
    """The delegate or the engine that was asked for cannot be had (exit 78)."""


class FallbackError(ModelError):
    """The model that shall stand in for another cannot (exit 78)."""


class InferenceError(EdgedError, RuntimeError):
    """A loaded model failed while running, such as on a Coral stick that was pulled out.

    Exit 1, not 78: the next start may find the stick again, or fall back where that is set.
    """


class ReferenceImageError(EdgedError, ValueError):
    """A reference picture is missing or is no picture (exit 78)."""


class CatalogueError(ReferenceImageError):
    """A catalogue of references cannot be read, or its vectors are of another embedding space (exit 78)."""


class PublishError(EdgedError, OSError):
    """An endpoint cannot be bound or used (exit 1: the next start may find it free)."""


class ReloadError(EdgedError, RuntimeError):
    """A configuration that is right cannot be followed while the daemon runs, which goes on with the one before."""


class RecordingError(EdgedError, OSError):
    """A file cannot be recorded to, or is no recording. What was recorded before is kept."""


class StateError(EdgedError, OSError):
    """What was learnt cannot be kept in the state folder, or read from there. The daemon goes on without."""


class ControlError(EdgedError, RuntimeError):
    """A daemon refused what it was asked to do, or none answers.

    ``code`` is one of the words of ``docs/control.md`` and for programs; the text is for people.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class SourceError(EdgedError, OSError):
    """A camera cannot be opened or has stopped delivering. It is weather: tried again after a pause."""


class DamagedFrame(SourceError):
    """One frame cannot be decoded. It is dropped; the camera is lost only when no good one follows."""


class EndOfStream(EdgedError, EOFError):
    """A source that has an end, such as a file that does not loop, has come to it."""


class RingClosed(EdgedError, EOFError):
    """The hand-over between two stages was closed while, or before, somebody waited on it. Ends a stage."""


class WireError(EdgedError, ValueError):
    """A message is not of the wire format."""


def text_of(exc: Exception) -> str:
    """What *exc* says; of an error of the system the message alone, without its number and the name of a file."""
    return exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)


@contextmanager
def map_exceptions(
    mapping: Mapping[type[Exception], Callable[[str], Exception]],
    where: str = "",
    text: Callable[[Exception], str] = text_of,
) -> Iterator[None]:
    """Raise exceptions of the block as others, with the first as their cause: foreign errors become edged's own here.

    Args:
        mapping: from the class that is caught to what makes the exception that is raised instead, of its text. The
            first class that fits counts. An exception that none of them fits passes.
        where: stands before the text and a colon, such as the path of a file or the name of a camera.
        text: makes the text of what is caught.
    """
    try:
        yield
    except tuple(mapping) as exc:
        make = next(make for kind, make in mapping.items() if isinstance(exc, kind))
        raise make(f"{where}: {text(exc)}" if where else text(exc)) from exc
