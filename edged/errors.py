"""Every exception that edged raises on purpose.

The classes are few, and each is also the builtin that people expect, so that a caller can catch either. The docstring
of a class states what the daemon does: it refuses to start (exit 78), stops (exit 1), or tries again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

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
    "ModelNotFoundError",
    "PeerError",
    "PictureError",
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
    """The base class: ``except EdgedError`` catches every exception that edged raises on purpose."""


class ConfigError(EdgedError, ValueError):
    """The configuration is wrong. The daemon exits with 78 and systemd does not restart it."""


class ModelError(EdgedError, ValueError, RuntimeError):
    """The model file cannot be used (exit 78).

    The Task Library raises ``ValueError`` for some of these errors and ``RuntimeError`` for others; this class is both.
    """


class ModelNotFoundError(ModelError, FileNotFoundError):
    """There is no model file at that path (exit 78). MediaPipe raises ``FileNotFoundError`` for it."""


class DelegateError(ModelError):
    """The configured delegate or engine is not available (exit 78)."""


class FallbackError(ModelError):
    """A fallback model cannot replace the model that it is configured for (exit 78)."""


class PictureError(EdgedError, ValueError, RuntimeError):
    """A picture is damaged, of an unknown kind, or has more pixels, bytes or scans than are permitted.

    The Task Library raises ``RuntimeError`` for what is not a picture; a limit is a ``ValueError``. This is both.
    """


class InferenceError(EdgedError, RuntimeError):
    """A loaded model failed while running, such as on a Coral stick that was unplugged.

    Exit 1, not 78, because the next start may find the stick again, or use a configured fallback.
    """


class ReferenceImageError(EdgedError, ValueError):
    """A reference picture is missing or is not a picture (exit 78)."""


class CatalogueError(ReferenceImageError):
    """A catalogue of references cannot be read, or its vectors are of another embedding space (exit 78)."""


class PublishError(EdgedError, OSError):
    """An endpoint cannot be bound or used (exit 1, because the next start may find it free)."""


class ReloadError(EdgedError, RuntimeError):
    """A valid configuration cannot be applied while the daemon runs. The daemon continues with the one before."""


class RecordingError(EdgedError, OSError):
    """A file cannot be recorded to, or is not a recording. Messages that were recorded before are kept."""


class StateError(EdgedError, OSError):
    """Enrolled references cannot be written to the state folder, or read from it. The daemon continues without them."""


class ControlError(EdgedError, RuntimeError):
    """A daemon refused a request, or no daemon answers.

    ``code`` is one of the codes of ``docs/control.md``, for programs; the text is for people.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class SourceError(EdgedError, OSError):
    """A camera cannot be opened or has stopped delivering. The daemon tries again after a pause."""


class DamagedFrame(SourceError):
    """A frame did not arrive whole, or cannot be decoded. It is dropped; a camera is lost only if no good one follows.

    ``count`` is the number of such frames, where several were found at once.
    """

    def __init__(self, text: str, count: int = 1) -> None:
        super().__init__(text)
        self.count = count


class EndOfStream(EdgedError, EOFError):
    """A source with an end, such as a file that does not loop, has reached it."""


class RingClosed(EdgedError, EOFError):
    """The hand-over between two stages was closed before or while a thread waited for it. Ends a stage."""


class WireError(EdgedError, ValueError):
    """A message is not of the wire format. It is counted and skipped, or refused."""


def text_of(exc: Exception) -> str:
    """Return the text of *exc*; of an error of the system the message alone, without its number and file name."""
    return exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)


class PeerError(WireError):
    """A peer breaks a rule of its connection, which is closed; nothing else follows.

    ``reason`` is the word that it is counted by, and ``answer`` has the last bytes to send to the peer.
    """

    def __init__(self, reason: str, text: str, answer: bytes = b"") -> None:
        super().__init__(text)
        self.reason = reason
        self.answer = answer


def map_exceptions(
    mapping: Mapping[type[Exception], Callable[[str], Exception]],
    where: str = "",
    text: Callable[[Exception], str] = text_of,
) -> AbstractContextManager[None]:
    """Translate exceptions of the block into others, which have the original as their cause.

    Args:
        mapping: from the class that is caught to the function that makes the new exception from the text. The first
            class that fits counts. Other exceptions pass.
        where: prefix of the text, before a colon, such as the path of a file or the name of a camera.
        text: function that makes the text of the exception that is caught.
    """
    return _Translation(mapping, where, text)


class _Translation:
    """The block of `map_exceptions`.

    A generator would do, but in Python 3.13 the frames of one that raises refer to each other, and so keep all that the
    block has held until the garbage collector comes.
    """

    def __init__(
        self,
        mapping: Mapping[type[Exception], Callable[[str], Exception]],
        where: str,
        text: Callable[[Exception], str],
    ) -> None:
        self._mapping, self._where, self._text = mapping, where, text

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, exc: BaseException | None, __: object) -> None:
        if not isinstance(exc, Exception):
            return
        make = next((make for kind, make in self._mapping.items() if isinstance(exc, kind)), None)
        if make is None:
            return
        text = self._text(exc)
        raise make(f"{self._where}: {text}" if self._where else text) from exc
