"""Pictures that claim, or would become, more than is permitted are refused before memory or time is spent on them."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edged.errors import PictureError, ReferenceImageError
from edged.references import read_reference
from edged.values import MAX_PIXELS
from edged.vision.image import TensorImage, read_picture
from edged.vision.pictures.decoding import MAX_FILE_BYTES, decode, decode_bgr, read_file, read_limited
from edged.vision.pictures.jpeg2000_size import SIGNATURE, codestream_of
from edged.vision.pictures.jpeg_claims import MAX_SCANS, MAX_SEGMENTS, jpeg_claims
from edged.vision.pictures.picture_size import claimed_size
from edged.vision.pictures.png_chunks import without_text
from tests.bombs import HUGE, jpeg_of_scans, png_of_texts, progressive

AT_ONCE = 1.0  # seconds
EXAMPLES = int(os.environ.get("EDGED_FUZZ_EXAMPLES", "400"))  # some 15 s; by hand a hundred times as many
ENDINGS = (".png", ".bmp", ".tiff", ".webp", ".ppm", ".pgm")

SHORT_OF_MEMORY = """\
import resource, sys
import cv2, numpy as np
from pathlib import Path
{setup}
cv2.imdecode(cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1], cv2.IMREAD_COLOR)
with open("/proc/self/statm") as statm:
    used = int(statm.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (48 << 20),) * 2)
try:
    {attempt}
except {error} as exc:
    print(exc)
    raise SystemExit(0 if {expected!r} in str(exc) else 1)
raise SystemExit("it was decoded")
"""


def in_little_memory(setup: str, attempt: str, error: str, expected: str = "") -> str:
    """Run *attempt* in a process that may use 48 MB more than it has; returns the text of its *error*."""
    code = SHORT_OF_MEMORY.format(setup=setup, attempt=attempt, error=error, expected=expected)
    # A thread of OpenBLAS that begins where memory is short tries for ever to get some, and the process waits for it.
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, env=env
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("name", HUGE)
@pytest.mark.parametrize("exif", [False, True])
def test_a_picture_that_claims_too_many_pixels_is_refused(name: str, exif: bool) -> None:
    with pytest.raises(PictureError, match=rf"too large: it may have {MAX_PIXELS} pixels \(got \d{{5}} x \d{{5}}\)"):
        decode(HUGE[name](), exif=exif)


def test_all_of_them_are_refused_before_memory_is_used() -> None:
    setup = "from edged.errors import PictureError\nfrom edged.vision.pictures.decoding import decode"
    setup += "\nfrom tests.bombs import HUGE"
    setup += "\ncontents = [make() for make in HUGE.values()]"
    setup += "\nrefused = 0"
    setup += "\ndef refuse():\n    for content in contents:\n        try:\n            decode(content, exif=True)\n"
    setup += "        except PictureError as exc:\n            assert 'too large' in str(exc), exc\n"
    setup += "        else:\n            raise AssertionError(content[:9])\n    raise PictureError('all')"
    in_little_memory(setup, "refuse()", "PictureError", "all")


def test_too_large_is_a_value_error_and_a_runtime_error_and_the_limit_can_be_changed() -> None:
    content = cv2.imencode(".png", np.zeros((300, 400, 3), np.uint8))[1].tobytes()
    for expected in (ValueError, RuntimeError):
        with pytest.raises(expected, match=r"it may have 119999 pixels \(got 400 x 300\)"):
            TensorImage.create_from_buffer(content, max_pixels=119_999)
    assert TensorImage.create_from_buffer(content, max_pixels=120_000).width == 400


def test_the_limit_of_a_file_and_of_a_reference_can_be_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((300, 400, 3), np.uint8))
    assert read_picture(path, 120_000).shape == read_reference(path, 120_000).shape == (300, 400, 3)
    with pytest.raises(ValueError, match="it may have 119999 pixels"):
        TensorImage.create_from_file(path, max_pixels=119_999)
    with pytest.raises(ReferenceImageError, match=r"a\.png: .*it may have 119999 pixels"):
        read_reference(path, 119_999)


@pytest.mark.parametrize("size", [MAX_FILE_BYTES + 1, 3 << 30, 4 << 40])
def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path, size: int) -> None:
    path = tmp_path / "sparse.jpg"
    with path.open("wb") as file:
        try:
            file.truncate(size)
        except OSError:
            file.truncate(MAX_FILE_BYTES * 100)  # this file system has no larger ones
    with pytest.raises(PictureError, match=r"sparse\.jpg: the file is too large: it may have 64 MiB \(got \d+ bytes\)"):
        read_file(path)
    with pytest.raises(ReferenceImageError, match=r"sparse\.jpg: .*the file is too large"):
        read_reference(path)


def test_a_picture_for_which_there_is_no_memory_is_a_picture_error() -> None:
    setup = (
        "from edged.errors import PictureError\nfrom edged.vision.pictures.decoding import decode, decode_bgr\n"
        "content = cv2.imencode('.png', np.zeros((4096, 8000), np.uint8))[1].tobytes()"
    )
    said = in_little_memory(setup, "decode(content, exif=True)", "PictureError", "An error occurred while decoding")
    assert "memory" in said or "allocate" in said
    in_little_memory(setup, "decode_bgr(content)", "PictureError")


# Scans.


def test_a_usual_progressive_jpeg_has_ten_scans_and_is_decoded() -> None:
    claims = jpeg_claims(progressive(640, 480))
    assert (claims.width, claims.height, claims.scans) == (640, 480, 10)
    assert claims.blocks == 8 * 640 * 480 / 64  # six scans of brightness, and four each of two quarter-size colours
    assert decode(progressive(), exif=True).shape == (240, 320, 3)
    assert decode(jpeg_of_scans(MAX_SCANS - 10), exif=True).shape == (240, 320, 3)


def test_a_jpeg_with_too_many_scans_is_refused_at_once() -> None:
    bomb = jpeg_of_scans(4000, with_data=True)
    assert len(bomb) > 1_000_000  # over a minute, where it is decoded
    begin = time.monotonic()
    for content in (jpeg_of_scans(MAX_SCANS - 9), bomb):
        with pytest.raises(PictureError, match="the picture has too many scans"):
            decode(content, exif=True)
    with pytest.raises(PictureError, match=f"more than {MAX_SEGMENTS} segments"):
        decode(jpeg_of_scans(20_000), exif=True)
    assert time.monotonic() - begin < AT_ONCE


def test_a_few_scans_of_a_large_picture_are_too_many() -> None:
    content = jpeg_of_scans(40, 1024, 1024)
    claims = jpeg_claims(content)
    assert claims.scans == 50
    assert decode(content, exif=True, max_pixels=4 * claims.blocks).shape == (1024, 1024, 3)
    with pytest.raises(PictureError, match=rf"too many scans \(50 of {claims.blocks} blocks\)"):
        decode(content, exif=True, max_pixels=4 * claims.blocks - 4)


def test_the_scans_of_a_picture_with_one_are_not_counted_further() -> None:
    good = cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
    assert jpeg_claims(good + jpeg_of_scans(100)).scans == 1


@pytest.mark.parametrize("kind", [0xC3, 0xC5, 0xC9, 0xCA, 0xCF])
def test_a_jpeg_of_a_rare_kind_is_refused(kind: int) -> None:
    good = bytearray(progressive())
    good[good.index(b"\xff\xc2") + 1] = kind
    with pytest.raises(PictureError, match=rf"a JPEG of a kind that is not decoded here \(SOF{kind - 0xC0}\)"):
        jpeg_claims(bytes(good))


def test_a_jpeg_with_two_sizes_is_refused() -> None:
    good = progressive()
    at = good.index(b"\xff\xc2")
    header = good[at : at + 2 + int.from_bytes(good[at + 2 : at + 4], "big")]
    with pytest.raises(PictureError, match="it has two sizes"):
        jpeg_claims(good[:at] + header + good[at:])


# Texts of PNGs.


def test_the_texts_of_a_png_are_not_decompressed() -> None:
    bomb = png_of_texts(100)
    assert len(bomb) < 2_000_000  # 790 MB of text
    assert b"zTXt" not in without_text(bomb)
    begin = time.monotonic()
    assert decode(bomb, exif=True).shape == (8, 8, 3)
    assert time.monotonic() - begin < AT_ONCE
    in_little_memory(
        "from edged.vision.pictures.decoding import decode\nfrom tests.bombs import png_of_texts\n"
        "bomb = png_of_texts(100)",
        "assert decode(bomb, exif=True).shape == (8, 8, 3)\n    raise SystemExit(0)",
        "ValueError",
    )


def test_a_png_without_texts_is_the_same_object() -> None:
    png = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    assert without_text(png) is png


def test_a_chunk_that_claims_more_bytes_than_there_are_is_refused_at_once() -> None:
    png = bytearray(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    at = png.index(b"IDAT") - 4
    png[at : at + 4] = struct.pack(">I", 1_900_000_000)
    begin = time.monotonic()
    with pytest.raises(PictureError, match="damaged or cut short"):
        decode(bytes(png), exif=True)  # OpenCV makes room for them: 7 s
    assert time.monotonic() - begin < AT_ONCE


def test_a_png_without_an_end_is_refused_and_what_follows_the_end_is_not_seen() -> None:
    png = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    claims = struct.pack(">I3s", 1_900_000_000, b"IDA")  # OpenCV makes room for that much, for 7 bytes
    begin = time.monotonic()
    for content in (png[:33] + claims, png[:-12], png[:-12] + claims, png[:33], png[:33] + b"x"):
        with pytest.raises(PictureError, match="damaged or cut short"):
            decode(content, exif=True)
    assert without_text(png + claims) == png
    with pytest.raises(PictureError, match="damaged or cut short"):
        decode(png[:33] + png[-12:] + claims, exif=True)
    assert time.monotonic() - begin < AT_ONCE


def test_a_png_of_very_many_chunks_is_refused() -> None:
    chunk = struct.pack(">I4sI", 0, b"tEXt", 0)
    with pytest.raises(PictureError, match="a PNG of more than 65536 chunks"):
        without_text(b"\x89PNG\r\n\x1a\n" + chunk * (1 << 16))


# Time.


@pytest.mark.parametrize(
    "make",
    [
        lambda size: b"\xff\xd8" + b"\xff" * size,
        lambda size: b"\xff\xd8" + b"\0" * size,
        lambda size: b"\xff\xd8" + b"\xff\xe0\x00\x02" * (size // 4),
        lambda size: b"\xff\xd8" + b"\xff\xd0" * (size // 2),
        lambda size: b"\xff\xd8" + b"\xff\x00" * (size // 2),
        lambda size: progressive()[:-2] + b"\xff\xda\x00\x02" * (size // 4),
        lambda size: b"P5 " + b"#\n" * (size // 2),
        lambda size: b"P5 " + b"1" * size,
        lambda size: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08\0\0\0\x08" + bytes(size),
        lambda size: b"II\x2a\0\x08\0\0\0\xff\xff" + bytes(size),
        lambda size: b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\x08free" * (size // 8),
    ],
    ids=["fill", "zeros", "segments", "restarts", "stuffed", "scans", "comments", "digits", "png", "tiff", "jp2"],
)
def test_the_longest_permitted_file_is_looked_through_at_once(make: Callable[[int], bytes]) -> None:
    content = make(MAX_FILE_BYTES)
    begin = time.process_time()
    try:
        if content.startswith(b"\xff\xd8"):
            jpeg_claims(content)
        else:
            claimed_size(content)
            without_text(content)
    except PictureError:
        pass
    assert time.process_time() - begin < 2 * AT_ONCE


# What the header says is what the decoder does: nothing is hidden from the one and seen by the other.


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("size", [(1, 1), (300, 7), (17, 400)])
def test_the_claimed_size_is_that_of_the_picture(ending: str, size: tuple[int, int]) -> None:
    picture = np.full((size[1], size[0], 3 if ending != ".pgm" else 1), 200, np.uint8)
    options = [[], [cv2.IMWRITE_WEBP_QUALITY, 50]] if ending == ".webp" else [[]]
    for option in options:
        content = cv2.imencode(ending, picture, option)[1].tobytes()
        assert claimed_size(content) == size
        assert decode_bgr(content).shape == (size[1], size[0], 3)


@pytest.mark.parametrize("size", [(64, 64), (300, 70), (65, 400)])
def test_the_claimed_size_is_that_of_a_jpeg_2000(size: tuple[int, int]) -> None:
    content = cv2.imencode(".jp2", np.full((size[1], size[0], 3), 200, np.uint8))[1].tobytes()
    assert claimed_size(content) == size
    assert decode_bgr(content).shape == (size[1], size[0], 3)


def mutated(data: st.DataObject, content: bytes, head: int) -> bytes:
    """*content* with some bytes of its first *head* changed, put in or taken out."""
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(head, len(changed)) - 1))
        piece = data.draw(
            st.one_of(
                st.binary(min_size=1, max_size=4), st.sampled_from([b"\xff", b"\xff\xff", b"\xff\xc0", b"\xff\xda"])
            )
        )
        changed[at : at + data.draw(st.integers(0, 8))] = piece
    return bytes(changed)


def check_that_claims_hold(content: bytes) -> None:
    try:
        claims = jpeg_claims(content) if content.startswith(b"\xff\xd8") else None
        width, height = (claims.width, claims.height) if claims else claimed_size(content)
    except PictureError:
        return  # refused: what the decoder would make of it does not matter
    assume(width * height < 1 << 20)
    if content.startswith(b"\x89PNG"):
        try:
            content = without_text(content)
        except PictureError:
            return
    if content.startswith(SIGNATURE):  # OpenCV dies of some files whose boxes it reads
        content = bytes(codestream_of(content))
    begin = time.monotonic()
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    assert time.monotonic() - begin < 5
    assert picture is None or picture.shape[:2] == (height, width)


JPEGS = (progressive(48, 40), cv2.imencode(".jpg", np.full((40, 48, 3), 90, np.uint8))[1].tobytes())
OTHERS = tuple(
    cv2.imencode(ending, np.random.default_rng(2).integers(0, 256, (40, 48, 1 if ending == ".pgm" else 3), np.uint8))[
        1
    ].tobytes()
    for ending in (*ENDINGS, ".jp2")
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data())
def test_a_jpeg_that_is_decoded_has_the_size_that_was_claimed(data: st.DataObject) -> None:
    content = data.draw(st.sampled_from(JPEGS))
    check_that_claims_hold(mutated(data, content, len(content)))


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data())
def test_any_other_picture_that_is_decoded_has_the_size_that_was_claimed(data: st.DataObject) -> None:
    check_that_claims_hold(mutated(data, data.draw(st.sampled_from(OTHERS)), 190))


def test_a_pipe_that_takes_the_place_of_a_picture_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    os.mkfifo(tmp_path / "b.jpg")  # nobody ever writes into it
    before = (tmp_path / "a.jpg").stat()
    monkeypatch.setattr(Path, "stat", lambda _: before)
    outcome: list[str] = []

    def read() -> None:
        with suppress(PictureError):
            read_limited(tmp_path / "b.jpg")
        outcome.append("ended")

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(10)
    assert outcome == ["ended"]
