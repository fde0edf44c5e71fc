"""A web server for tests, whose files may change while it runs."""

from __future__ import annotations

import base64
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["WebFiles", "web_files"]

TYPES = {"m3u8": "application/vnd.apple.mpegurl", "ts": "video/mp2t", "mp4": "video/mp4", "m4s": "video/iso.segment"}


class WebFiles:
    """Files by their paths. ``requests`` has path, ``Range`` and ``Authorization`` of each that came."""

    def __init__(self, files: dict[str, bytes], *, has_ranges: bool = True, login: str = "", pace: float = 0.0) -> None:
        self.files = files
        self.requests: list[tuple[str, str | None, str | None]] = []
        self.has_ranges, self.login, self.pace = has_ranges, login, pace
        self.is_endless = False
        """Files are sent without their length, and the connection stays open after them."""
        self.stopping = threading.Event()
        self.server: http.server.ThreadingHTTPServer | None = None

    def url(self, path: str, host: str = "127.0.0.1", login: str = "") -> str:
        assert self.server is not None
        return f"http://{login}{'@' if login else ''}{host}:{self.server.server_address[1]}{path}"

    def asked(self, path: str) -> int:
        """How often *path* was asked for."""
        return sum(asked == path for asked, _, _ in self.requests)


@contextmanager
def web_files(files: WebFiles) -> Iterator[WebFiles]:
    """Serve *files* until the end."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base has it
            """Not told."""

        def do_GET(self) -> None:
            files.requests.append((self.path, self.headers.get("Range"), self.headers.get("Authorization")))
            content = files.files.get(self.path.partition("?")[0])
            expected = f"Basic {base64.b64encode(files.login.encode()).decode()}"
            if files.login and self.headers.get("Authorization") != expected:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="x"')
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif content is None:
                self.send_error(404)
            elif content.startswith(b"redirect:"):
                self.send_response(302)
                self.send_header("Location", content.removeprefix(b"redirect:").decode())
                self.end_headers()
            else:
                self.send(content)

        def send(self, content: bytes) -> None:
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
            is_part = wanted is not None and files.has_ranges
            begin, end = 0, len(content)
            if is_part and wanted is not None:
                begin, end = int(wanted[1]), min(len(content), int(wanted[2]) + 1 if wanted[2] else len(content))
            self.send_response(206 if is_part else 200)
            self.send_header("Content-Type", TYPES.get(self.path.rpartition(".")[2], "application/octet-stream"))
            if files.has_ranges:
                self.send_header("Accept-Ranges", "bytes")
            if is_part:
                self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{len(content)}")
            if not files.is_endless:
                self.send_header("Content-Length", str(end - begin))
            self.end_headers()
            for at in range(begin, end, 1 << 14):
                self.wfile.write(content[at : min(end, at + (1 << 14))])
                if files.stopping.wait(files.pace):
                    return
            if files.is_endless:
                files.stopping.wait()

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A viewer that goes away is what is being tested."""

    files.server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=files.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield files
    finally:
        files.stopping.set()
        files.server.shutdown()
        files.server.server_close()
        thread.join()
