"""Read damaged pictures: each must be decoded or refused in plain words, in little time and memory.

The pictures are good ones of every format: JPEGs (with scans, restart markers, EXIF data), PNGs (with texts), TIFFs,
WebPs, BMPs and PNMs. Bytes of them are flipped, cut out, doubled, repeated, mixed, and replaced by words that mean
something; the checksums of a PNG are mostly made right again. Each is read as a file (with its orientation and
without), as a picture of a folder, and as the picture of a camera, at each fraction of its size. Some are put into a
stream, which is cut where chance wants it. Case number n of a seed is always the same.

A finding is another exception than a refusal, a picture of more pixels than its header claims or than are permitted, a
text that is long or not printable, a call that takes too much of the processor or of memory, memory that grows, or a
descriptor that is left. The picture is kept in a file of --save, for tests/cases/pictures. The exit status is 1 if
there is one, or if no picture is decoded.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edged.camera.http.parts import Parts
from edged.camera.jpeg import REDUCTIONS, check_jpeg, decode_jpeg, reduced
from edged.errors import PictureError, SourceError
from edged.vision.pictures.decoding import decode, decode_bgr
from edged.vision.pictures.jpeg_claims import jpeg_claims
from edged.vision.pictures.picture_size import claimed_size
from scripts.fuzzing import campaign
from scripts.fuzzing.campaign import Finding, check_text, quiet_libraries
from scripts.fuzzing.good_pictures import WORDS, good_pictures, with_checksums
from scripts.fuzzing.splices import random_splice, spliced

__all__ = ["PictureReaders", "read_picture", "read_stream", "stream_of"]

MAX_PIXELS = 1 << 20
MOST_SECONDS = 1.0  # of the processor
MOST_MEMORY = 64 << 20  # beyond what there was before
HEAD_BYTES = 200
BOUNDARY = b"frame"
REFUSALS = (PictureError, SourceError)
HIGHEST_RESET = Path("/proc/self/clear_refs")  # 5 resets VmHWM, the most memory that was resident


class PictureReaders:
    """Everything that reads pictures from outside. A case is a picture, or a stream of pictures."""

    suffix = ".picture"
    wanted: tuple[str, ...] = ("decoded", "refused", "stream")

    def __init__(self) -> None:
        self._good = good_pictures()

    def make(self, chance: random.Random) -> bytes:
        if chance.random() < 0.8:
            return self._damaged(chance)
        stream = stream_of([self._damaged(chance) for _ in range(5)])
        return spliced(stream, random_splice(stream, chance, WORDS, self._good)) if chance.random() < 0.5 else stream

    def run(self, case: bytes) -> str:
        if case.startswith(b"--"):
            read_stream(case, random.Random(len(case)))  # noqa: S311 - no secret
            return "stream"
        return "decoded" if "decoded" in set(read_picture(case)) else "refused"

    def to_bytes(self, case: bytes) -> bytes:
        return case

    def settle(self) -> None:
        """Nothing stays between cases."""

    def _damaged(self, chance: random.Random) -> bytes:
        picture = chance.choice(self._good)
        for _ in range(chance.choice((1, 1, 2, 3, 8))):
            near = HEAD_BYTES if chance.random() < 0.5 else None
            picture = spliced(picture, random_splice(picture, chance, WORDS, self._good, near))
        if picture.startswith(b"\x89PNG") and chance.random() < 0.8:
            picture = with_checksums(picture)
        return picture


def read_picture(picture: bytes) -> Iterator[str]:
    """Read *picture* in every way, and yield how each went.

    Raises:
        Finding: one went as it must not.
    """
    for exif in (False, True):
        yield _outcome(partial(decode, picture, exif=exif, max_pixels=MAX_PIXELS), picture)
    yield _outcome(partial(decode_bgr, bytearray(picture), MAX_PIXELS), picture)
    for reduction in REDUCTIONS:
        yield _outcome(partial(_of_camera, picture, reduction), picture)


def read_stream(stream: bytes, chance: random.Random) -> None:
    """Read *stream* as that of a camera, cut where *chance* wants it.

    Raises:
        Finding: it went as it must not.
    """
    parts, left = Parts(BOUNDARY), memoryview(stream)
    while left:
        most = chance.choice((1, 60, 1400, 1 << 20)) + len(stream) // 100
        with _checked():
            space = parts.free_space()
            count = min(len(left), len(space), most)
            space[:count], left = left[:count], left[count:]
            try:
                is_new = parts.received(count)
            except ValueError as exc:
                check_text(str(exc))
                return
        if is_new:
            newest = bytes(parts.newest or b"")
            _outcome(partial(_of_camera, newest, 1), newest)
        parts.forget()


def stream_of(pictures: Sequence[bytes]) -> bytes:
    """Return *pictures* as a stream: every second one with its length."""
    lengths = (b"Content-Length: %d\r\n" % len(each) if number % 2 else b"" for number, each in enumerate(pictures))
    parts = zip(lengths, pictures, strict=True)
    return b"".join(b"--%s\r\n%s\r\n%s\r\n" % (BOUNDARY, *part) for part in parts) + b"--%s\r\n" % BOUNDARY


def _of_camera(picture: bytes, reduction: int) -> NDArray[np.uint8]:
    width, height = (reduced(side, reduction) for side in check_jpeg(memoryview(picture), MAX_PIXELS))
    slot = np.empty((height, width, 3), np.uint8)
    decode_jpeg(np.frombuffer(picture, np.uint8), slot, reduction, MAX_PIXELS)
    return slot


def _outcome(read: Callable[[], NDArray[np.uint8]], picture: bytes) -> str:
    with _checked():
        try:
            decoded = read()
        except REFUSALS as exc:
            check_text(str(exc))
            return "refused"
        height, width = decoded.shape[:2]
        if width * height > min(MAX_PIXELS, _claimed_pixels(picture)):
            raise Finding(f"{width} × {height} pixels come out of {_claimed_pixels(picture)} that it claims")
        return "decoded"


def _claimed_pixels(picture: bytes) -> int:
    if picture.startswith(b"\xff\xd8"):
        claims = jpeg_claims(picture)
        return claims.width * claims.height
    width, height = claimed_size(picture)
    return width * height


@contextmanager
def _checked() -> Iterator[None]:
    """Raise findings of the body: another exception than those that it may raise, too much time, too much memory."""
    HIGHEST_RESET.write_text("5")
    before, begin = _highest_memory(), time.thread_time()
    try:
        yield
    except Finding:
        raise
    except Exception as exc:  # anything else is what this program looks for
        raise Finding(f"{type(exc).__name__}: {exc}") from exc
    if (seconds := time.thread_time() - begin) > MOST_SECONDS:
        raise Finding(f"it takes the processor {seconds:.1f} s")
    if (more := _highest_memory() - before) > MOST_MEMORY:
        raise Finding(f"it takes {more >> 20} MiB")


def _highest_memory() -> int:
    """Return the most memory that was resident since the last reset, in bytes."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) << 10


def main() -> int:
    """Read pictures until the time is up."""
    with quiet_libraries():
        return campaign.run("scripts/fuzz-pictures", __doc__, PictureReaders())


if __name__ == "__main__":
    sys.exit(main())
