"""An RTSP camera in this process, with faults to order: what the tests of RTSP talk to."""

from __future__ import annotations

import base64
import hashlib
import re
import select
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Literal

from tests.camera.rtsp.clips import PAYLOAD_TYPE, Clip, coded, payloads, rtp, sender_report

__all__ = ["RtspServer", "serving_rtsp"]

NONCE = "dcd98b7102dd2f0e8b11d0f600bfb0c093"
USER, PASSWORD = "us er", "p:ss/wörd@"
CLOCK = 90_000


class RtspServer:
    """A camera at ``rtsp://127.0.0.1:PORT/cam``, which sends a clip again and again, over the same connection or UDP.

    What it does can be changed while it runs:

    - ``mode``: ``"run"``, ``"hang"`` (connected, and silent) or ``"close"`` (ends every connection);
    - ``silent``: methods that are not answered;
    - ``answers``: whole answers by method, in place of the right ones;
    - ``loses``: called with the number of each RTP packet; those for which it is true are not sent;
    - ``order``: called with the packets of each picture that go over UDP; those that it returns are sent;
    - ``clip``: what is sent from the next picture on.
    """

    def __init__(
        self,
        clip: Clip | None = None,
        *,
        fps: float = 25.0,
        port: int = 0,
        host: str = "127.0.0.1",
        auth: str | None = None,
        certificate: str | None = None,
        wall_clock: float | Literal["now"] | None = None,
        session_timeout: int = 60,
        content_base: str | None = None,
        parameters: str | None = None,
    ) -> None:
        self.clip = clip or coded()
        self.fps, self.auth, self.wall_clock, self.session_timeout = fps, auth, wall_clock, session_timeout
        self.content_base, self.parameters = content_base, parameters
        self.mode = "run"
        self.silent: set[str] = set()
        self.answers: dict[str, bytes] = {}
        self.loses: Callable[[int], bool] = lambda _: False
        self.order: Callable[[list[bytes]], list[bytes]] = lambda packets: packets
        self.clock_offset = 0.0
        """Seconds by which the clock of its timestamps is ahead."""
        self.transports = {"tcp"}
        self.transport_refused = 461
        """The status for other transports."""
        self.udp_to: list[int] = []
        """The ports of those that are sent to over UDP."""
        self.announced: int | None = None
        """The port from which it says it sends over UDP, in place of the right one."""
        self.interleaved = (0, 1)
        self.media_before = ""
        """Of the session description, before the video."""
        self.methods = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        """Method, URL and headers of each."""
        self.sent = 0
        self.stopping = threading.Event()
        self._tls: ssl.SSLContext | None = None
        if certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate)
        self._listener = socket.create_server((host, port))
        self.host, self.port = host, int(self._listener.getsockname()[1])
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._accept, name="rtsp server")
        self._thread.start()

    def url(self, credentials: str = "", path: str = "/cam") -> str:
        scheme = "rtsps" if self._tls else "rtsp"
        return f"{scheme}://{credentials + '@' if credentials else ''}{self.host}:{self.port}{path}"

    @property
    def methods_asked(self) -> list[str]:
        return [method for method, _, _ in self.requests]

    @property
    def connections(self) -> int:
        """Count of those so far."""
        return len(self._threads)

    def stop(self) -> None:
        """End as a camera does that loses its power: every connection is cut at once."""
        self.stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open.add(connection)
                thread = threading.Thread(target=self._serve, args=(connection,), name="rtsp viewer")
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):  # a viewer that goes away, or does not like the certificate, is what is being tested
            if self._tls is not None:
                connection.settimeout(5)
                connection = self._tls.wrap_socket(connection, server_side=True)
            connection.settimeout(10)
            with closing(_Viewer(self, connection)) as viewer:
                viewer.serve()
        self._open.discard(connection)
        connection.close()

    def description(self) -> str:
        parameters = self.clip.parameters if self.parameters is None else self.parameters
        track = (
            f"m=video 0 RTP/AVP {PAYLOAD_TYPE}\r\na=rtpmap:{PAYLOAD_TYPE} {self.clip.format_name}/{CLOCK}\r\n"
            f"{parameters}a=framerate:{self.fps:g}\r\na=control:track1\r\n"
        )
        return f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\na=control:*\r\n{self.media_before}{track}"

    @property
    def challenges(self) -> list[str]:
        digest = f'Digest realm="IP Camera", nonce="{NONCE}"'
        return {
            "basic": ['Basic realm="IP Camera"'],
            "md5": [f'{digest}, stale="FALSE"', 'Basic realm="IP Camera"'],
            "sha256": [f'{digest}, algorithm="SHA-256", stale="FALSE"'],
            "sha512": [f"{digest}, algorithm=SHA-512-256"],
        }[self.auth or "basic"]

    def admits(self, method: str, uri: str, authorization: str) -> bool:
        """Whether a request has the right user and password."""
        if self.auth is None:
            return True
        scheme, _, rest = authorization.partition(" ")
        if self.auth == "basic":
            return (scheme, rest) == ("Basic", base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())
        said = urllib.request.parse_keqv_list(urllib.request.parse_http_list(rest))
        digest: Callable[[bytes], hashlib._Hash] = hashlib.md5 if self.auth == "md5" else hashlib.sha256

        def hashed(text: str) -> str:
            return digest(text.encode()).hexdigest()

        secret = hashed(f"{USER}:IP Camera:{PASSWORD}")
        expected = hashed(f"{secret}:{NONCE}:{hashed(f'{method}:{uri}')}")
        return scheme == "Digest" and (said.get("uri"), said.get("response")) == (uri, expected)


class _Viewer:
    """One connection."""

    def __init__(self, camera: RtspServer, connection: socket.socket) -> None:
        self._camera = camera
        self._connection = connection
        self._received = b""
        self._plays = False
        self._sequence = 65_500  # so that it wraps around soon
        self._begin = time.monotonic()
        self._picture = 0
        self._udp: socket.socket | None = None
        self._udp_to = 0

    def close(self) -> None:
        if self._udp is not None:
            self._udp.close()

    def serve(self) -> None:
        camera = self._camera
        while not camera.stopping.is_set() and camera.mode != "close":
            due = self._begin + self._picture / camera.fps
            wait = max(0.0, min(due - time.monotonic(), 0.05)) if self._plays and camera.mode == "run" else 0.02
            pending = isinstance(self._connection, ssl.SSLSocket) and self._connection.pending()
            if pending or select.select([self._connection], [], [], wait)[0]:
                content = self._connection.recv(65536)
                if not content:
                    return
                self._received += content
                self._answer_all()
            if self._plays and camera.mode == "run" and time.monotonic() >= due:
                self._send_picture()

    def _answer_all(self) -> None:
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            method, uri, _ = first.split()
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            self._camera.requests.append((method, uri, headers))
            if method not in self._camera.silent:
                self._connection.sendall(self._answer(method, uri, headers))

    def _answer(self, method: str, uri: str, headers: dict[str, str]) -> bytes:
        camera, number = self._camera, headers.get("cseq", "")
        if method in camera.answers:
            return camera.answers[method].replace(b"CSEQ", number.encode())
        if not camera.admits(method, uri, headers.get("authorization", "")):
            return _message(401, number, *(f"WWW-Authenticate: {challenge}" for challenge in camera.challenges))
        match method:
            case "OPTIONS":
                return _message(200, number, f"Public: {camera.methods}")
            case "DESCRIBE":
                base = camera.content_base or f"{uri}/"
                return _message(200, number, f"Content-Base: {base}", body=camera.description())
            case "SETUP":
                wanted = headers.get("transport", "")
                ports = re.search(r"RTP/AVP/UDP;.*client_port=([0-9]+)-([0-9]+)", wanted)
                if ports and "udp" in camera.transports:
                    self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    self._udp.bind((camera.host, 0))
                    self._udp_to, own = int(ports[1]), camera.announced or self._udp.getsockname()[1]
                    camera.udp_to.append(self._udp_to)
                    transport = f"RTP/AVP/UDP;unicast;client_port={ports[1]}-{ports[2]};server_port={own}-{own + 1}"
                    return _message(200, number, "Session: 1234;timeout=60", f"Transport: {transport}")
                if "tcp" not in camera.transports or not re.search(r"RTP/AVP/TCP;.*interleaved=", wanted):
                    return _message(camera.transport_refused, number)
                video, report = camera.interleaved
                transport = f"Transport: RTP/AVP/TCP;unicast;interleaved={video}-{report}"
                return _message(200, number, f"Session: 1234;timeout={camera.session_timeout}", transport)
            case "PLAY":
                self._plays, self._begin = True, time.monotonic()
                return _message(200, number, "Session: 1234")
        return _message(200, number, "Session: 1234")

    def _send_picture(self) -> None:
        camera = self._camera
        clip, n = camera.clip, self._picture
        timestamp = 0xFFFFF000 + int((n / camera.fps + camera.clock_offset) * CLOCK)
        if n == 0 and camera.wall_clock is not None:
            wall = time.time() if camera.wall_clock == "now" else camera.wall_clock
            self._send(1, [sender_report(wall, timestamp)])
        parts = payloads(clip.codec, clip.units[n % len(clip.units)])
        packets = []
        for index, payload in enumerate(parts):
            packet = rtp(payload, self._sequence, timestamp, marker=index == len(parts) - 1)
            if not camera.loses(self._sequence - 65_500):
                packets.append(packet)
            self._sequence += 1
        self._send(0, packets)
        self._picture += 1
        camera.sent += 1

    def _send(self, channel: int, packets: list[bytes]) -> None:
        camera = self._camera
        if self._udp is not None:
            for packet in camera.order(packets):
                self._udp.sendto(packet, (camera.host, self._udp_to + channel))
        else:
            self._connection.sendall(b"".join(interleaved(camera.interleaved[channel], packet) for packet in packets))


def interleaved(channel: int, packet: bytes) -> bytes:
    return b"$" + bytes([channel]) + len(packet).to_bytes(2) + packet


def _message(status: int, number: str, *headers: str, body: str = "") -> bytes:
    reasons = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 461: "Unsupported Transport"}
    lines = [f"RTSP/1.0 {status} {reasons[status]}", f"CSeq: {number}", *headers]
    if body:
        lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body]).encode()


@contextmanager
def serving_rtsp(server: RtspServer) -> Iterator[RtspServer]:
    """Stop *server* at the end."""
    try:
        yield server
    finally:
        server.stop()
