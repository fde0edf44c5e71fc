"""Read damaged answers of HTTP cameras: each must give pictures or be refused in plain words, in time.

The answers are those of good cameras (streams of every framing, a question for a password, a redirection). Bytes of
them are flipped, cut out, doubled, repeated, mixed, and replaced by words that mean something. A server in this process
sends them, cut where chance wants it, and the camera of edged reads them. Case number n of a seed is always the same.

A finding is an exception other than a loss of the camera, a call that takes longer than it may, a text that is long or
not printable or holds the password, memory that grows, or a descriptor that is left. Its answers are kept in a file of
--save, one for each connection, for tests/cases/http. The exit status is 1 if there is one, or if no case gives a
picture.
"""

from __future__ import annotations

import random
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import cv2
import numpy as np

from edged.camera.mjpeg import MjpegSource
from edged.errors import DamagedFrame, SourceError
from scripts.fuzzing import campaign
from scripts.fuzzing.campaign import Finding, check_text, in_time, quiet_libraries
from scripts.fuzzing.splices import random_splice, spliced

__all__ = ["SEPARATOR", "Server", "good_answers", "mutated", "read_camera"]

SEPARATOR = b"\n=== next connection ===\n"
TIMEOUT = 0.5  # seconds that a camera gets to begin, and to go on
PASSWORD = "s3cr3t-pass"  # noqa: S105 - not one of anybody's

WORDS = (
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b";", b":", b'"', b"=", b"--", b"--frame", b"--frame--", b"\x00", b"\xff"),
    *(b"boundary=", b"boundary*0=", b"Content-Length: 0", b"Content-Length: 99999999", b"Content-Length: 16777216"),
    *(b"Transfer-Encoding: chunked", b"Digest ", b'realm="', b"qop=auth-int", b"nonce=", b"algorithm=SHA-256-sess"),
    *(b"Location: http://other/", b"Location: //", b"Location: \xff", b"HTTP/1.1 302 X", b"HTTP/1.1 401 X"),
    *(b"0\r\n\r\n", b"ffffffff\r\n", b"1\r\nx\r\n", b"\xff\xd8", b"\xff\xd9", b"\xff\xda", b"\xff\xc2", b"\x1b[31m"),
    *(b"\xff\xfe\xff\xff", b"multipart/", b"image/jpeg", b" " * 500, b"9" * 5000, PASSWORD.encode()),
)


def good_answers() -> list[list[bytes]]:
    """For each kind of camera the answers to its connections, one after the other."""
    head = b"HTTP/1.1 200 OK\r\nServer: camera\r\nContent-Type: multipart/x-mixed-replace; boundary=%s\r\n%s\r\n"
    pictures = [cv2.imencode(".jpg", np.full((48, 64, 3), 40 * n, np.uint8))[1].tobytes() for n in range(4)]
    part = b"Content-Type: image/jpeg\r\n%s\r\n%s\r\n"
    lengths = [b"Content-Length: %d\r\n" % len(picture) for picture in pictures]
    said = [b"--frame\r\n" + part % pair for pair in zip(lengths, pictures, strict=True)]
    unsaid = [b"--frame\r\n" + part % (b"", picture) for picture in pictures]
    chunked = b"".join(b"%x;x=y\r\n%s\r\n" % (len(piece), piece) for piece in said) + b"0\r\n\r\n"
    stream = head % (b"frame", b"") + b"".join(said)
    challenge = b'WWW-Authenticate: %s realm="a camera", nonce="abc", qop="auth,auth-int", opaque="x"\r\n'
    asking = b"HTTP/1.1 401 Unauthorized\r\n%sContent-Length: 0\r\n\r\n"
    return [
        [stream],
        [head % (b'"frame"', b"") + b"".join(unsaid) + b"--frame--\r\n"],
        [head % (b"frame", b"Transfer-Encoding: chunked\r\n") + chunked],
        [head % (b"video frame--", b"") + b"".join(said).replace(b"--frame\r\n", b"--video frame--")],
        [asking % (challenge % b"Digest" + challenge % b"Basic"), stream],
        [b"HTTP/1.1 302 Found\r\nLocation: /other?a=b\r\n\r\n", stream],
        [b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\r\nbusy"],
    ]


def mutated(answers: Sequence[bytes], others: Sequence[bytes], chance: random.Random) -> list[bytes]:
    """*answers*, one of them damaged in some places, with pieces of *others*."""
    hit = chance.randrange(len(answers))
    changed = answers[hit]
    head = changed.find(b"\r\n\r\n") + 4
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        near = head if chance.random() < 0.5 else None  # half of the damage is in the head
        changed = spliced(changed, random_splice(changed, chance, WORDS, others, near))
    return [*answers[:hit], changed, *answers[hit + 1 :]]


class Server:
    """Sends ``answers``, one to each connection and the last to all others, and hangs up, or stays and is silent."""

    def __init__(self) -> None:
        self.answers: Sequence[bytes] = (b"",)
        self.cuts = random.Random(0)  # noqa: S311 - no secret
        self.stays = False
        self.served = 0
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="camera")
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while not self._stopping.is_set():
                connection, _ = self._listener.accept()
                with connection, suppress(OSError):
                    connection.settimeout(2.0)
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request and (received := connection.recv(65536)):
            request += received
        left = memoryview(self.answers[min(self.served, len(self.answers) - 1)])
        self.served += 1
        while left:
            left = left[connection.send(left[: self.cuts.choice((1, 60, 1400, 1 << 20))]) :]
        if self.stays:
            with suppress(TimeoutError):
                connection.recv(1)  # until the camera is closed


def read_camera(port: int) -> str:
    """Open the camera at *port*, read its frames, and return how that went, in one word.

    Raises:
        Finding: it went as it must not.
    """
    source = MjpegSource(f"http://me:{PASSWORD}@127.0.0.1:{port}/stream", timeout=TIMEOUT)
    try:
        return _read(source)
    except SourceError as exc:
        check_text(str(exc), PASSWORD)
        return "refused"
    except Exception as exc:  # anything else is what this program looks for
        raise Finding(f"{type(exc).__name__}: {exc}") from exc
    finally:
        source.close()


def _read(source: MjpegSource) -> str:
    with in_time("open", TIMEOUT):
        picture = np.zeros(source.open().shape, np.uint8)
    seen = 0
    with suppress(SourceError):
        for _ in range(20):
            with in_time("grab", 0.1):
                stamp = source.grab(0.1)
            if stamp is None:
                continue
            with suppress(DamagedFrame), in_time("retrieve", 0.0):
                source.retrieve(picture)
                seen += 1
    return "pictures" if seen else "opened"


@dataclass(frozen=True, slots=True)
class Case:
    """The answers to the connections, and how they are sent."""

    answers: list[bytes]
    cuts: random.Random
    stays: bool


class HttpCamera:
    """The camera of edged, and a server with damaged answers."""

    suffix = ".http"
    wanted: tuple[str, ...] = ("pictures",)

    def __init__(self, server: Server) -> None:
        self._server = server
        self._good = good_answers()
        self._others = [answer for answers in self._good for answer in answers]

    def make(self, chance: random.Random) -> Case:
        answers = mutated(chance.choice(self._good), self._others, chance)
        return Case(answers, chance, chance.random() < 0.02)

    def run(self, case: Case) -> str:
        server = self._server
        server.served, server.answers, server.cuts, server.stays = 0, case.answers, case.cuts, case.stays
        return read_camera(server.port)

    def to_bytes(self, case: Case) -> bytes:
        return SEPARATOR.join(case.answers)

    def settle(self) -> None:
        """Nothing stays between cases."""


def main() -> int:
    """Read cases until the time is up."""
    server = Server()
    try:
        with quiet_libraries():
            return campaign.run("scripts/fuzz-http", __doc__, HttpCamera(server))
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
