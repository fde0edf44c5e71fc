"""Every kind of camera refuses frames that claim, or would take, more than is permitted."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.stream import VideoStream
from numpy.typing import NDArray

from edged.camera.file import VideoFile
from edged.camera.folder import FolderSource
from edged.camera.jpeg import check_jpeg, decode_jpeg
from edged.camera.mjpeg import MjpegSource
from edged.camera.pattern import PatternSource
from edged.camera.stream import StreamSource
from edged.camera.usb import UsbCamera
from edged.camera.web import WebSource
from edged.errors import DamagedFrame, SourceError
from edged.pipeline.ring import FrameRing
from edged.values import MAX_PIXELS, Format
from edged.vision.pictures.decoding import MAX_FILE_BYTES
from tests.bombs import HUGE, jpeg_of_scans, png_of_texts, progressive, resized_jpeg
from tests.camera.servers import MjpegServer, answering, jpeg, number, serving
from tests.camera.v4l2.fake_kernel import FakeCamera, FakeKernel
from tests.vision.pictures.test_picture_limits import in_little_memory

AT_ONCE = 1.0  # seconds
LARGEST_PART = 16 << 20
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=x\r\n\r\n"


def parts(*pictures: bytes) -> bytes:
    return b"".join(b"--x\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(picture), picture) for picture in pictures)


def grab(source: MjpegSource) -> None:
    deadline = time.monotonic() + 10
    while source.grab(1) is None:
        assert time.monotonic() < deadline


def retrieve_for_ever(source: MjpegSource, slot: NDArray[np.uint8]) -> None:
    while True:
        grab(source)
        source.retrieve(slot)


# JPEGs.


@pytest.mark.parametrize("name", [name for name in HUGE if name.startswith("jpeg")])
def test_a_jpeg_that_claims_too_many_pixels_is_a_loss_and_not_decoded(name: str) -> None:
    with pytest.raises(
        SourceError, match=rf"its frames have \d+×\d+ pixels, and at most .* \({MAX_PIXELS}\)"
    ) as caught:
        check_jpeg(memoryview(HUGE[name]()))
    assert not isinstance(caught.value, DamagedFrame)
    with pytest.raises(DamagedFrame, match="instead of 16×16"):
        decode_jpeg(np.frombuffer(HUGE[name](), np.uint8), np.zeros((16, 16, 3), np.uint8))


def test_a_jpeg_with_too_many_scans_is_damage_and_not_decoded() -> None:
    slot = np.zeros((240, 320, 3), np.uint8)
    decode_jpeg(np.frombuffer(jpeg_of_scans(54), np.uint8), slot)
    begin = time.monotonic()
    for bomb, how in ((jpeg_of_scans(55), "too many scans"), (jpeg_of_scans(20_000), "segments")):
        with pytest.raises(DamagedFrame, match=how):
            decode_jpeg(np.frombuffer(bomb, np.uint8), slot)
    assert time.monotonic() - begin < AT_ONCE


def test_the_limit_on_blocks_follows_that_on_pixels() -> None:
    content, slot = np.frombuffer(jpeg_of_scans(40), np.uint8), np.zeros((240, 320, 3), np.uint8)
    with pytest.raises(DamagedFrame, match="too many scans"):
        decode_jpeg(content, slot, max_pixels=100_000)
    decode_jpeg(content, slot, max_pixels=1_000_000)


@pytest.mark.parametrize(
    "make",
    [
        lambda size: b"\xff\xd8" + b"\xff" * size,
        lambda size: b"\xff\xd8" + b"\xff\xe0\x00\x02" * (size // 4),
        lambda size: with_restarts(progressive()[:-2] + bytes(range(0xD0, 0xD8)).join([b"\xff"] * 9)) + bytes(size),
        lambda size: (
            with_restarts(baseline(16)[:-2]) + b"".join(b"\xff%c" % (0xD0 + n) for n in range(8)) * (size // 16)
        ),
        lambda size: baseline(16)[:-2] + b"\xff" * size,
        lambda size: baseline(16)[:-2] + b"\xff\x00" * (size // 2),
        lambda size: baseline(16)[:-2] + b"\xff\xdd\x00\x04\x00\x01" * (size // 6),
        lambda size: progressive()[:-2] + b"\xff\xda\x00\x02" * (size // 4),
    ],
    ids=["fill", "segments", "restarts", "many restarts", "fill between pixels", "stuffed", "intervals", "scans"],
)
def test_the_longest_jpeg_of_a_camera_is_looked_through_at_once(make: Callable[[int], bytes]) -> None:
    content = memoryview(make(LARGEST_PART) + b"\xff\xd9")
    begin = time.process_time()
    with suppress(SourceError):
        check_jpeg(content)
    assert time.process_time() - begin < AT_ONCE


def baseline(side: int) -> bytes:
    return cv2.imencode(".jpg", np.full((side, side, 3), 90, np.uint8))[1].tobytes()


def with_restarts(jpeg: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xdd\x00\x04\x00\x01" + jpeg[2:]


def test_a_jpeg_for_which_there_is_no_memory_is_a_damaged_frame() -> None:
    setup = (
        "from edged.camera.jpeg import decode_jpeg\nfrom edged.errors import DamagedFrame\n"
        "slot = np.zeros((4096, 8000, 3), np.uint8)\ncontent = cv2.imencode('.jpg', slot)[1].reshape(-1)"
    )
    in_little_memory(setup, "decode_jpeg(content, slot)", "DamagedFrame", "a damaged JPEG: ")


def test_frames_for_which_there_is_no_memory_are_a_loss_every_time() -> None:
    setup = (
        "import threading\nfrom edged.pipeline.ring import FrameRing\nfrom edged.values import Format\n"
        "from edged.errors import SourceError\nring = FrameRing(threading.Condition())\n"
        "def twice():\n    try:\n        ring.allocate(Format(8000, 4096))\n    except SourceError:\n"
        "        ring.allocate(Format(8000, 4096))"
    )
    in_little_memory(setup, "twice()", "SourceError", "not enough memory for the frames")
    assert FrameRing.allocate.__doc__ is not None


# Network cameras.


def test_a_network_camera_that_claims_too_many_pixels_is_not_opened() -> None:
    with answering(parts(resized_jpeg(65500, 65500)), head=HEAD) as url:
        source = MjpegSource(url, timeout=5)
        with pytest.raises(SourceError, match=r"127\.0\.0\.1.*: its frames have 65500×65500 pixels"):
            source.open()


def test_a_network_camera_that_claims_them_later_is_lost() -> None:
    with serving(MjpegServer()) as server:
        source = MjpegSource(server.url(), max_pixels=320 * 240)
        frame_format = source.open()
        server.mode = "large"
        slot = np.zeros(frame_format.shape, np.uint8)
        with pytest.raises(SourceError, match=r"127\.0\.0\.1.*: its frames have 640×480 pixels") as caught:
            retrieve_for_ever(source, slot)
        assert not isinstance(caught.value, DamagedFrame)
        source.close()


def test_a_network_camera_that_sends_scans_without_end_is_not_opened() -> None:
    with answering(parts(jpeg_of_scans(4000, with_data=True)) * 3, head=HEAD) as url:
        source = MjpegSource(url, timeout=3)
        begin = time.monotonic()
        with pytest.raises(SourceError, match=r"too many scans|has ended the stream"):
            source.open()
        assert time.monotonic() - begin < 3 + AT_ONCE
        source.close()


def test_a_stream_or_video_of_too_many_pixels_is_not_opened(demo: Path) -> None:
    clip = demo / "street.mp4"
    with pytest.raises(SourceError, match=r"street\.mp4: its frames have \d+×\d+ pixels, and at most .* \(1000\)"):
        VideoFile(clip, loop=False, fps=None, max_pixels=1000).open()
    with serving(MjpegServer(video=clip.read_bytes())) as server:
        for source in (
            StreamSource(server.url("/video"), max_pixels=1000),
            WebSource(server.url("/video"), max_pixels=1000),  # through edged's own client
        ):
            with pytest.raises(SourceError, match=r"127\.0\.0\.1.*: its frames have \d+×\d+ pixels"):
                source.open()
            source.close()


# Devices and test pictures.


def test_a_driver_that_gives_too_many_pixels_is_not_opened(tmp_path: Path) -> None:
    kernel = FakeKernel(tmp_path)
    camera = FakeCamera()
    kernel.plug(camera)
    source = UsbCamera(camera.link, kernel=kernel, max_pixels=640 * 480 - 1)
    with pytest.raises(SourceError, match="its frames have 640×480 pixels"):
        source.open()
    source.close()
    source = UsbCamera(camera.link, kernel=kernel, max_pixels=640 * 480)
    assert source.open().width == 640
    source.close()


def test_a_test_picture_of_too_many_pixels_is_not_drawn() -> None:
    with pytest.raises(SourceError, match="its frames have 8192×8192 pixels"):
        PatternSource(8192, 8192).open()
    assert PatternSource(8192, 8192, max_pixels=1 << 26).open() == Format(8192, 8192, fps=15.0)


# Folders.


@pytest.mark.parametrize("name", HUGE)
def test_a_picture_of_a_folder_that_claims_too_many_pixels_is_one_damaged_frame(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.jpg").write_bytes(baseline(16))
    (tmp_path / "b.jpg").write_bytes(HUGE[name]())
    source = FolderSource(tmp_path, loop=False, fps=1000)
    slot = np.zeros(source.open().shape, np.uint8)
    for _ in range(2):
        assert source.grab(1) is not None
    with pytest.raises(DamagedFrame, match=r"b\.jpg: the picture is too large: it may have \d+ pixels"):
        source.retrieve(slot)


@pytest.mark.parametrize("size", [MAX_FILE_BYTES + 1, 3 << 30, 4 << 40])
def test_a_file_of_a_folder_that_is_too_large_is_one_damaged_frame(tmp_path: Path, size: int) -> None:
    (tmp_path / "a.jpg").write_bytes(baseline(16))
    with (tmp_path / "b.jpg").open("wb") as file:
        try:
            file.truncate(size)
        except OSError:
            file.truncate(MAX_FILE_BYTES * 100)  # this file system has no larger ones
    source = FolderSource(tmp_path, loop=False, fps=1000)
    slot = np.zeros(source.open().shape, np.uint8)
    for _ in range(2):
        assert source.grab(1) is not None
    with pytest.raises(DamagedFrame, match=r"b\.jpg: the file is too large: it may have 64 MiB"):
        source.retrieve(slot)


def test_bombs_of_time_in_a_folder_are_damaged_frames_or_harmless(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(baseline(16))
    (tmp_path / "b.jpg").write_bytes(jpeg_of_scans(4000, with_data=True))
    (tmp_path / "c.png").write_bytes(png_of_texts(100))
    source = FolderSource(tmp_path, loop=False, fps=1000)
    slot = np.zeros(source.open().shape, np.uint8)
    begin = time.monotonic()
    for _ in range(2):
        assert source.grab(1) is not None
    with pytest.raises(DamagedFrame, match=r"b\.jpg: the picture has too many scans"):
        source.retrieve(slot)
    assert source.grab(1) is not None
    source.retrieve(slot)
    assert time.monotonic() - begin < 2 * AT_ONCE


# Videos.


def video_of(path: Path, pictures: list[bytes]) -> Path:
    """A video that says it has 320 × 240 pixels, of *pictures* as they are."""
    with av.open(path, "w") as file:
        stream = file.add_stream("mjpeg", rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuvj420p"
        stream.codec_context.time_base = Fraction(1, 25)
        file.start_encoding()
        for n, picture in enumerate(pictures):
            packet = av.Packet(picture)
            packet.stream = stream
            packet.pts = packet.dts = n
            packet.time_base = Fraction(1, 25)
            packet.is_keyframe = True
            file.mux(packet)
    return path


GROWTH = """
import resource
import sys

from edged.camera.file import VideoFile
from edged.errors import SourceError

def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before = peak()
try:
    VideoFile(sys.argv[1], loop=False, fps=None).open()
except SourceError as refused:
    print(peak() - before, refused)
"""


def refused_in_little_memory(path: Path) -> str:
    """The refusal of a video by a process of its own, which needs less than 64 MiB for it."""
    ran = subprocess.run([sys.executable, "-c", GROWTH, path], capture_output=True, text=True, timeout=60, check=True)
    growth, _, refusal = ran.stdout.partition(" ")
    assert int(growth) < 64 << 10
    return refusal.strip()


def test_each_frame_of_a_video_is_checked_before_memory_is_used(tmp_path: Path) -> None:
    bomb = resized_jpeg(16_000, 16_000)
    source = VideoFile(video_of(tmp_path / "clip.avi", [jpeg(1), bomb, jpeg(3)]), loop=False, fps=1000)
    slot = np.zeros(source.open().shape, np.uint8)
    assert source.grab(10) is not None
    source.retrieve(slot)
    assert number(slot) == 1
    assert source.grab(10) is not None
    with pytest.raises(DamagedFrame, match=rf"it is damaged, or has more than {MAX_PIXELS} pixels"):
        source.retrieve(slot)
    assert source.grab(10) is not None
    source.retrieve(slot)
    assert number(slot) == 3
    source.close()
    refusal = refused_in_little_memory(video_of(tmp_path / "bombs.avi", [bomb] * 3))
    assert "bombs.avi: no frame can be decoded: " in refusal


def test_a_video_is_not_decoded_to_find_out_how_large_its_frames_are() -> None:
    """As FFmpeg would: 8192 × 8192 pixels of one colour are 200 kB of H.264."""
    path = Path(__file__).parent.parent / "cases" / "video" / "huge.ts"
    assert "huge.ts: its frames have 8192×8192 pixels, and at most max_pixels" in refused_in_little_memory(path)
