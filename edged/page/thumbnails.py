"""Pictures of examples and references: only files that the daemon itself has named."""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from edged.errors import ControlError

__all__ = ["ThumbnailFiles", "read_picture"]

MOST_FILES = 20_000
LARGEST_FILE = 16 << 20
TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg"}


class ThumbnailFiles:
    """Paths by the id of an example or picture to review, or the name of a reference, from the daemon's replies."""

    def __init__(self) -> None:
        self._paths: OrderedDict[str, str] = OrderedDict()

    def note(self, result: Mapping[str, Any]) -> None:
        """Keep the paths that are in *result*, the result of any request."""
        sets = result.get("sets")
        one = result.get("set")
        for report in [*_objects(sets), *_objects([one])]:
            self._keep(_objects(report.get("examples")), "id")
        self._keep(_objects(result.get("changed")), "id")
        self._keep(_objects(result.get("entries")), "id")
        self._keep(_objects(result.get("references")), "name")

    def path(self, key: str) -> str | None:
        """Return the path of the picture with that id or name; None if the daemon has not named it."""
        return self._paths.get(key)

    def _keep(self, entries: Iterable[Mapping[str, Any]], key: str) -> None:
        for entry in entries:
            name, path = entry.get(key), entry.get("thumbnail")
            if isinstance(name, str) and isinstance(path, str):
                self._paths[name] = path
                self._paths.move_to_end(name)
        while len(self._paths) > MOST_FILES:
            self._paths.popitem(last=False)


def read_picture(path: str) -> tuple[bytes, str]:
    """Return the picture in the file *path*, and its media type.

    Raises:
        ControlError: it cannot be read, or is neither a PNG nor a JPEG.
    """
    try:
        # A name of the daemon's; but what is there now could be a pipe, which would wait for who writes into it.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ControlError("not-found", "the picture is not a file")
            body = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise ControlError("not-found", "the picture is not there any more") from None
    except OSError as exc:
        raise ControlError("failed", f"the picture cannot be read by the page: {exc.strerror}") from exc
    media_type = next((kind for magic, kind in TYPES.items() if body.startswith(magic)), None)
    if media_type is None or len(body) > LARGEST_FILE:
        raise ControlError("failed", "the picture is of another kind than the page shows")
    return body, media_type


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list | tuple) else []
