"""A camera on this machine that gives one JPEG for each request, with faults to order."""

from __future__ import annotations

import base64
import gzip
import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus

from tests.camera.servers import jpeg

__all__ = ["SnapshotCamera", "snapshot_camera"]


class SnapshotCamera(http.server.ThreadingHTTPServer):
    """Answers ``/snapshot.jpg``; ``/moved`` redirects there, to ``elsewhere`` if that is set.

    ``fault`` is one of: ``close`` (ends the connection after each answer), ``mute`` (closes it before the next answer),
    ``hang``, ``cut`` (ends within the picture), ``endless`` (no length, no end), ``huge`` (a length of a gigabyte),
    ``lengthless`` (the end of the connection is that of the picture), ``damaged`` (a picture
    without its end), ``text``, ``large``, ``gone``, ``gzip`` (compressed, though nothing asked for that).
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, password: str = "", scheme: str = "Basic") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.password, self.scheme = password, scheme
        self.fault = self.elsewhere = ""
        self.number = 0
        self.has_tags = False
        self.media_type = "image/jpeg"
        """Empty for none."""
        self.asked: list[tuple[int, str, str]] = []
        """The connection, the path and the header ``If-None-Match`` of each request."""
        self.asked_encodings: set[str] = set()
        """The headers ``Accept-Encoding``."""
        self.stopping = threading.Event()
        self.open: set[socket.socket] = set()

    def url(self, path: str = "/snapshot.jpg", login: str = "") -> str:
        return f"http://{login and f'{login}@'}127.0.0.1:{self.server_address[1]}{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A viewer that goes away is what is being tested."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SnapshotCamera

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base has it
        """Not told."""

    def do_GET(self) -> None:
        camera = self.server
        camera.asked.append((self.client_address[1], self.path, self.headers.get("If-None-Match", "")))
        camera.asked_encodings.add(self.headers.get("Accept-Encoding", ""))
        if camera.fault == "hang":
            camera.stopping.wait()
        expected = "Basic " + base64.b64encode(f"user:{camera.password}".encode()).decode()
        if camera.password and self.headers.get("Authorization") != expected:
            self.answer(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": f'{camera.scheme} realm="a camera"'})
        elif self.path == "/moved":
            self.answer(HTTPStatus.FOUND, {"Location": camera.elsewhere or "/snapshot.jpg"})
        elif camera.fault == "gone":
            self.answer(HTTPStatus.NOT_FOUND, {})
        else:
            self.picture()

    def picture(self) -> None:
        camera = self.server
        content = jpeg(camera.number, 640, 480) if camera.fault == "large" else jpeg(camera.number)
        tag = f'"{camera.number}"'
        headers = {"Content-Type": "text/html" if camera.fault == "text" else camera.media_type}
        if camera.has_tags:
            headers["ETag"] = tag
            if self.headers.get("If-None-Match") == tag:
                self.answer(HTTPStatus.NOT_MODIFIED, headers)
                return
        match camera.fault:
            case "huge":
                self.answer(HTTPStatus.OK, {**headers, "Content-Length": str(1 << 30)}, content)
            case "cut":
                self.answer(HTTPStatus.OK, {**headers, "Content-Length": str(len(content) + 9)}, content)
                self.close_connection = True
            case "lengthless" | "endless":
                self.answer(HTTPStatus.OK, {**headers, "Content-Length": ""}, content)
                while camera.fault == "endless" and not camera.stopping.is_set():
                    self.wfile.write(bytes(65536))
                self.close_connection = True
            case "gzip":
                self.answer(HTTPStatus.OK, {**headers, "Content-Encoding": "gzip"}, gzip.compress(content))
            case "damaged":
                self.answer(HTTPStatus.OK, headers, content[:-300])
            case _:
                self.answer(HTTPStatus.OK, headers, content)
        self.close_connection |= camera.fault in ("close", "mute")

    def answer(self, status: HTTPStatus, headers: dict[str, str], content: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            if value and not (status == HTTPStatus.NOT_MODIFIED and name == "Content-Length"):
                self.send_header(name, value)
        if self.server.fault == "close":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def snapshot_camera(password: str = "", scheme: str = "Basic") -> Iterator[SnapshotCamera]:
    """A camera that runs until the end of the block."""
    camera = SnapshotCamera(password, scheme)
    thread = threading.Thread(target=camera.serve_forever, args=(0.02,), name="snapshot camera")
    thread.start()
    try:
        yield camera
    finally:
        camera.stopping.set()
        camera.shutdown()
        for connection in camera.open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        camera.server_close()
        thread.join()
