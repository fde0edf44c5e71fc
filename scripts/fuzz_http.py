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

import argparse
import os
import random
import resource
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np

from edged.camera.mjpeg import MjpegSource
from edged.errors import DamagedFrame, SourceError

__all__ = ["SEPARATOR", "Finding", "Server", "good_answers", "mutated", "read_camera"]

SEPARATOR = b"\n=== next connection ===\n"
TIMEOUT = 0.5  # seconds that a camera gets to begin, and to go on
SLACK = 5.0  # seconds of the processor that a call may take beyond its limit: other programs run too
LONGEST_TEXT = 1000
MOST_MEMORY = 64 << 20
PASSWORD = "s3cr3t-pass"  # noqa: S105 - not one of anybody's

WORDS = (
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b";", b":", b'"', b"=", b"--", b"--frame", b"--frame--", b"\x00", b"\xff"),
    *(b"boundary=", b"boundary*0=", b"Content-Length: 0", b"Content-Length: 99999999", b"Content-Length: 16777216"),
    *(b"Transfer-Encoding: chunked", b"Digest ", b'realm="', b"qop=auth-int", b"nonce=", b"algorithm=SHA-256-sess"),
    *(b"Location: http://other/", b"Location: //", b"Location: \xff", b"HTTP/1.1 302 X", b"HTTP/1.1 401 X"),
    *(b"0\r\n\r\n", b"ffffffff\r\n", b"1\r\nx\r\n", b"\xff\xd8", b"\xff\xd9", b"\xff\xda", b"\xff\xc2", b"\x1b[31m"),
    *(b"\xff\xfe\xff\xff", b"multipart/", b"image/jpeg", b" " * 500, b"9" * 5000, PASSWORD.encode()),
)


class Finding(Exception):  # noqa: N818 - it is what this program looks for
    """An answer that the camera does not withstand."""


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
    changed = bytearray(answers[hit])
    head = changed.find(b"\r\n\r\n") + 4
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        near = head if chance.random() < 0.5 else len(changed)  # half of the damage is in the head
        start = chance.randrange(max(1, min(near, len(changed))))
        end = min(len(changed), start + chance.choice((1, 2, 7, 50, 500)))
        match chance.randrange(8):
            case 0:
                changed[start:end] = bytes(byte ^ 1 << chance.randrange(8) for byte in changed[start:end][:2])
            case 1:
                changed[start:end] = chance.randbytes(end - start)
            case 2:
                del changed[start:end]
            case 3:
                changed[start:start] = changed[start:end]
            case 4:
                changed[start:end] = bytes(changed[start:end]) * chance.choice(
                    (2, 100, 5000, 65536 // (end - start + 1))
                )
                del changed[2 << 20 :]
            case 5:
                other = chance.choice(others)
                changed[start:end] = other[chance.randrange(len(other)) :][: chance.choice((10, 300, 3000))]
            case 6:
                del changed[start:]
            case _:
                changed[start : chance.choice((start, end))] = chance.choice(WORDS)
    return [*answers[:hit], bytes(changed), *answers[hit + 1 :]]


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
        _check_text(str(exc))
        return "refused"
    except Exception as exc:  # anything else is what this program looks for
        raise Finding(f"{type(exc).__name__}: {exc}") from exc
    finally:
        source.close()


def _read(source: MjpegSource) -> str:
    with _in_time("open", TIMEOUT):
        picture = np.zeros(source.open().shape, np.uint8)
    seen = 0
    with suppress(SourceError):
        for _ in range(20):
            with _in_time("grab", 0.1):
                stamp = source.grab(0.1)
            if stamp is None:
                continue
            with suppress(DamagedFrame), _in_time("retrieve", 0.0):
                source.retrieve(picture)
                seen += 1
    return "pictures" if seen else "opened"


@contextmanager
def _in_time(call: str, seconds: float) -> Iterator[None]:
    begin = time.monotonic()
    yield
    took = time.monotonic() - begin
    if took > seconds + SLACK:
        raise Finding(f"{call} takes {took:.1f} s")


def _check_text(text: str) -> None:
    if not text.isprintable() or len(text) > LONGEST_TEXT:
        raise Finding(f"a text of {len(text)} characters: {text!r:.300}")
    if PASSWORD in text:
        raise Finding(f"a text with the password: {text!r:.300}")


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names alone


def _memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def main() -> int:
    """Read cases until the time is up."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz-http", description=__doc__.partition("\n")[0])
    parser.add_argument("seconds", nargs="?", type=float, default=30.0, help="how long to look (%(default)g)")
    parser.add_argument("--seed", type=int, default=1, help="of the cases (%(default)d)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first case (%(default)d)")
    parser.add_argument("--save", type=Path, help="a folder for the answers that are findings")
    options = parser.parse_args()
    return _campaign(options.seconds, options.seed, options.first, options.save)


def _campaign(seconds: float, seed: int, first: int, save: Path | None) -> int:
    good, server, outcomes, findings = good_answers(), Server(), Counter[str](), 0
    others = [answer for answers in good for answer in answers]
    until, case, before = time.monotonic() + seconds, first, (0, 0)
    try:
        while time.monotonic() < until:
            chance = random.Random(f"{seed}/{case}")  # noqa: S311 - the same number gives the same case
            answers = mutated(chance.choice(good), others, chance)
            server.served, server.answers, server.cuts, server.stays = 0, answers, chance, chance.random() < 0.02
            try:
                outcomes[read_camera(server.port)] += 1
            except Finding as finding:
                findings += 1
                print(f"case {case} of seed {seed}: {finding}", flush=True)
                if save is not None:
                    save.mkdir(exist_ok=True)
                    (save / f"{seed}-{case}.http").write_bytes(SEPARATOR.join(answers))
            case += 1
            if case == first + 200:
                before = _descriptors(), _memory()
    finally:
        server.stop()
    left, grown = _descriptors() - before[0], _memory() - before[1]
    print(f"{case - first} cases of seed {seed}: {dict(outcomes)}, {findings} findings; {grown >> 20} MiB more memory")
    if before[0] and (left > 2 or grown > MOST_MEMORY):
        findings += 1
        print(f"{left} descriptors are left, and {grown >> 20} MiB")
    return int(findings > 0 or not outcomes["pictures"])


if __name__ == "__main__":
    sys.exit(main())
