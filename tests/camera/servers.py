"""Network cameras on this machine, with faults to order: what the tests of network sources talk to."""

from __future__ import annotations

import base64
import hashlib
import http.server
import itertools
import socket
import socketserver
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["MjpegServer", "answering", "flooding", "free_port", "jpeg", "number", "serving"]

BITS = 16
NONCE = "dcd98b7102dd2f0e8b11d0f600bfb0c093"


def jpeg(n: int, width: int = 320, height: int = 240) -> bytes:
    """A picture that carries the number *n*, as black and white blocks in its upper half, lowest bit first."""
    picture = np.full((height, width, 3), (80, 40 + n % 160, 120), np.uint8)
    block = width // BITS
    for bit in range(BITS):
        picture[: height // 2, bit * block : (bit + 1) * block] = 255 * (n >> bit & 1)
    return cv2.imencode(".jpg", picture)[1].tobytes()


def number(picture: NDArray[np.uint8]) -> int:
    """The number that a picture carries."""
    block = picture.shape[1] // BITS
    return sum(1 << bit for bit in range(BITS) if picture[picture.shape[0] // 4, bit * block + block // 2, 0] > 127)


class MjpegServer:
    """A camera at ``http://127.0.0.1:PORT/stream``, which sends numbered pictures at *fps*.

    ``mode`` steers it while it runs: ``"run"``; ``"hang"`` (connected, and silent); ``"close"`` (ends every stream);
    ``"damage"`` (JPEGs with a hole); ``"cut"`` (JPEGs without an end); ``"large"`` (pictures of another size).

    Other places: ``/moved`` redirects to the stream, ``/elsewhere`` to where ``elsewhere`` says, ``/round`` to itself;
    ``/silent`` never answers; ``/page``, ``/picture`` and ``/video`` are what they say; any other is a 404.
    """

    def __init__(
        self,
        *,
        fps: float = 50,
        port: int = 0,
        framing: str = "length",
        auth: str | None = None,
        boundary: str = "frame",
        certificate: str | None = None,
        video: bytes = b"",
    ) -> None:
        self.mode = "run"
        self.elsewhere = ""
        self.sent = 0
        self.requests: list[tuple[str, str | None]] = []
        """Path and ``Authorization`` of each."""
        self.fps, self.framing, self.auth, self.boundary, self.video = fps, framing, auth, boundary, video
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        camera = self

        class Handler(_Handler):
            server_camera = camera

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            allow_reuse_address = True
            block_on_close = True

            def get_request(self) -> tuple[socket.socket, object]:
                connection, peer = super().get_request()
                camera._open.add(connection)
                return connection, peer

            def handle_error(self, request: object, client_address: object) -> None:
                """A viewer that goes away, or does not like the certificate, is what is being tested."""

        self._server = Server(("127.0.0.1", port), Handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.scheme = "https" if certificate else "http"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="camera server")
        self._thread.start()

    def url(self, path: str = "/stream", credentials: str = "", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{credentials + '@' if credentials else ''}{host}:{self.port}{path}"

    def stop(self) -> None:
        """End as a camera does that loses its power: every connection is cut at once."""
        self.stopping.set()
        self._server.shutdown()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()

    def admits(self, authorization: str | None, path: str) -> bool:
        """Whether somebody may see *path*: user ``us er``, password ``p:ss/wörd@``."""
        if self.auth is None:
            return True
        if authorization is None:
            return False
        scheme, _, rest = authorization.partition(" ")
        if self.auth == "basic":
            return (scheme, rest) == ("Basic", base64.b64encode("us er:p:ss/wörd@".encode()).decode())
        said = urllib.request.parse_keqv_list(urllib.request.parse_http_list(rest))
        digest: Callable[[bytes], hashlib._Hash] = hashlib.sha256 if self.auth == "digest-sha256" else hashlib.md5

        def hashed(text: str) -> str:
            return digest(text.encode()).hexdigest()

        secret, request = hashed("us er:a camera:p:ss/wörd@"), hashed(f"GET:{path}")
        middle = "" if self.auth == "digest-old" else f":{said.get('nc')}:{said.get('cnonce')}:auth"
        expected = hashed(f"{secret}:{NONCE}{middle}:{request}")
        return scheme == "Digest" and (said["username"], said["uri"], said["response"]) == ("us er", path, expected)

    def place(self, path: str) -> str:
        """The place that *path* shows."""
        return path

    @property
    def challenges(self) -> list[str]:
        digest = f'Digest realm="a camera", nonce="{NONCE}", opaque="5ccc"'
        return {
            "basic": ['Basic realm="a camera"'],
            "digest": [f'{digest}, qop="auth,auth-int"', 'Basic realm="a camera"'],
            "digest-old": [f'Basic realm="a camera", {digest}'],
            "digest-sha256": [f'{digest}, qop="auth", algorithm=MD5', f'{digest}, qop="auth", algorithm=SHA-256'],
            "other": ["Negotiate"],
        }[self.auth or "basic"]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_camera: MjpegServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base has it
        """Not told."""

    def do_GET(self) -> None:
        camera = self.server_camera
        self.close_connection = True
        authorization = self.headers.get("Authorization")
        camera.requests.append((self.path, authorization))
        if not camera.admits(authorization, self.path):
            self.answer(401, [("WWW-Authenticate", challenge) for challenge in camera.challenges])
            return
        match camera.place(self.path.partition("?")[0]):
            case "/stream":
                self.stream()
            case "/moved":
                self.answer(302, [("Location", "stream?moved=1")])
            case "/elsewhere":
                self.answer(307, [("Location", camera.elsewhere)])
            case "/round":
                self.answer(301, [("Location", "/round")])
            case "/silent":
                camera.stopping.wait()
            case "/page":
                self.answer(200, [("Content-Type", "text/html")], b"<html></html>")
            case "/picture":
                self.answer(200, [("Content-Type", "image/jpeg")], jpeg(0))
            case "/video":
                self.answer(200, [("Content-Type", "video/x-msvideo")], camera.video)
            case "/busy":
                self.answer(503, [])
            case _:
                self.answer(404, [])

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def stream(self) -> None:
        camera = self.server_camera
        self.send_response(200)
        self.send_header("Content-Type", f"multipart/x-mixed-replace;boundary={camera.boundary}")
        if camera.framing == "chunks":
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        begin, n = time.monotonic(), -1
        while not camera.stopping.is_set() and camera.mode != "close":
            due = begin + (n + 1) / camera.fps
            camera.stopping.wait(max(0.0, due - time.monotonic()))
            if camera.mode == "hang":
                camera.stopping.wait(0.01)
                continue
            n = max(n + 1, int((time.monotonic() - begin) * camera.fps))
            self.send(self.part(n))
            camera.sent = n

    def part(self, n: int) -> bytes:
        camera = self.server_camera
        picture = jpeg(n, 640, 480) if camera.mode == "large" else jpeg(n)
        if camera.mode == "damage":
            picture = picture[: len(picture) // 2] + picture[len(picture) // 2 + 200 :]
        if camera.mode == "cut":
            picture = picture[:-100]
        length = b"" if camera.framing == "delimiter" else b"Content-Length: %d\r\n" % len(picture)
        delimiter = b"--" + camera.boundary.strip('"-').encode()
        return delimiter + b"\r\nContent-Type: image/jpeg\r\n" + length + b"\r\n" + picture + b"\r\n"

    def send(self, part: bytes) -> None:
        if self.server_camera.framing == "chunks":
            # Cut where it hurts: in the middle of headers and pictures.
            cuts = [0, 7, 50, len(part) // 2, len(part)]
            pieces = [part[start:end] for start, end in itertools.pairwise(cuts)]
            self.wfile.write(b"".join(b"%x;x=y\r\n%s\r\n" % (len(piece), piece) for piece in pieces))
        else:
            self.wfile.write(part)


@contextmanager
def serving(server: MjpegServer) -> Iterator[MjpegServer]:
    """Stop *server* at the end."""
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def answering(answer: bytes, *, head: bytes = b"", pace: float | None = None) -> Iterator[str]:
    """The address of a server that sends *head* and *answer* to everybody, whatever is asked, and hangs up.

    With *pace*, a byte of *answer* every so many seconds; with an empty answer it only keeps the connection open.
    """
    stopping = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.recv(65536)
                    connection.sendall(head)
                    for piece in [answer] if pace is None else [answer[i : i + 1] for i in range(len(answer))]:
                        connection.sendall(piece)
                        if stopping.wait(pace or 0):
                            break
                    if not answer:
                        stopping.wait()

    thread = threading.Thread(target=serve, name="answering server")
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/stream"
    finally:
        stopping.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@contextmanager
def flooding(head: bytes, flood: bytes) -> Iterator[str]:
    """The address of a server that sends *head*, and then *flood* again and again, as fast as it can be sent."""
    stopping = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.settimeout(0.2)
                    connection.recv(65536)
                    connection.sendall(head)
                    while not stopping.is_set():
                        with suppress(TimeoutError):
                            connection.send(flood)

    thread = threading.Thread(target=serve, name="flooding server")
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/stream"
    finally:
        stopping.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def free_port() -> int:
    """A port that nobody listens on, as far as that lasts."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
