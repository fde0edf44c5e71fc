"""Files of the page: which there are, their types, ETags and compressed forms."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

from edged.page.http import PageResponse, Request, text_response

__all__ = ["FOLDER", "StaticFiles"]

FOLDER = Path(__file__).parent / "static"

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
PACKED = (".html", ".css", ".js", ".json", ".webmanifest", ".svg", ".txt")


@dataclass(frozen=True, slots=True)
class _StaticFile:
    content_type: str
    tag: str
    body: bytes = field(repr=False)
    packed: bytes | None = field(repr=False)


class StaticFiles:
    """The files below *folder* with a known type, by path; ``/`` is ``index.html``. Read when first asked for."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._paths = {
            f"/{path.relative_to(folder)}": path
            for path in folder.rglob("*")
            if path.suffix in TYPES and not path.is_symlink() and path.is_file()
        }
        if "/index.html" in self._paths:
            self._paths["/"] = self._paths["/index.html"]
        self._read: dict[tuple[str, int], _StaticFile] = {}

    def answer(self, request: Request) -> PageResponse:
        """Return the file at the path of *request*, or 304 or 404."""
        path = self._paths.get(request.path)
        try:
            file = None if path is None else self._file(path)
        except OSError:
            file = None
        if file is None:
            return text_response(HTTPStatus.NOT_FOUND)
        fields = {"ETag": file.tag, "Vary": "Accept-Encoding"}
        if file.tag in request.field("if-none-match"):
            return PageResponse(HTTPStatus.NOT_MODIFIED, cache="no-cache", fields=fields)
        body = file.body
        if file.packed is not None and "gzip" in request.field("accept-encoding"):
            body, fields["Content-Encoding"] = file.packed, "gzip"
        return PageResponse(HTTPStatus.OK, body, file.content_type, "no-cache", fields)

    def _file(self, path: Path) -> _StaticFile:
        key = str(path), path.stat().st_mtime_ns
        if (known := self._read.get(key)) is not None:
            return known
        body = path.read_bytes()
        tag = f'"{sha256(body).hexdigest()[:20]}"'
        packed = gzip.compress(body, mtime=0) if path.suffix in PACKED else None
        file = self._read[key] = _StaticFile(TYPES[path.suffix], tag, body, packed)
        return file
