"""The memory of frames that others refer to, which decides how much a small stream can take."""

from __future__ import annotations

from contextlib import closing, suppress
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import pytest
from av.video.codeccontext import VideoCodecContext

from edged.camera.file import VideoFile
from edged.camera.rtsp.source import RtspSource
from edged.camera.video.held_frames import WINDOW, HeldFrames
from edged.errors import EndOfStream, SourceError
from edged.memory_left import RESERVE
from tests.camera.rtsp.clips import Clip, nal_units
from tests.camera.rtsp.server import RtspServer, serving_rtsp
from tests.fakes import eventually

WIDTH, HEIGHT = 2560, 1440  # 5.5 MB a frame; 16 of them are more than 64 MiB
PIXELS = WIDTH * HEIGHT
TOO_MANY = f"its frames of {WIDTH}×{HEIGHT} pixels refer to too many others: these take more than 64 MiB"


@lru_cache(maxsize=4)
def grey(references: int, frames: int = 20, width: int = WIDTH, height: int = HEIGHT) -> list[bytes]:
    """A grey H.264 video of few kilobytes, whose frames refer to that many others."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.gop_size = Fraction(1, 25), 100
    encoder.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x264-params": f"ref={references}:scenecut=0:log-level=none",
    }
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    packets: list[bytes] = []
    for n in range(frames):
        frame.pts = n
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets + [bytes(packet) for packet in encoder.encode(None)]


def rtsp_camera(references: int, width: int = WIDTH, height: int = HEIGHT) -> RtspServer:
    """A camera that sends such a video, again and again."""
    units = tuple(tuple(nal_units(content)) for content in grey(references, width=width, height=height))
    return RtspServer(Clip("h264", width, height, units))


def write_file(path: Path, references: int) -> Path:
    path.write_bytes(b"".join(grey(references)))
    return path


def grab_until_the_end(source: VideoFile) -> int:
    count = 0
    with suppress(EndOfStream):
        while source.grab(10) is not None:
            count += 1
    return count


def test_a_file_whose_frames_refer_to_too_many_is_lost(tmp_path: Path) -> None:
    with closing(VideoFile(write_file(tmp_path / "a.h264", 16), loop=False, fps=1000, max_pixels=PIXELS)) as video:
        video.open()
        with pytest.raises(SourceError, match=f"^{tmp_path}/a.h264: {TOO_MANY}$"):
            grab_until_the_end(video)


def test_an_rtsp_camera_whose_frames_refer_to_too_many_is_lost() -> None:
    with (
        serving_rtsp(rtsp_camera(16)) as camera,
        closing(RtspSource(camera.url(), timeout=20, max_pixels=PIXELS)) as source,
    ):
        source.open()
        with pytest.raises(SourceError, match=TOO_MANY):
            eventually(lambda: source.grab(0.2) is None and False, "a loss")


def test_a_video_whose_frames_refer_to_four_others_is_decoded(tmp_path: Path) -> None:
    with closing(VideoFile(write_file(tmp_path / "a.h264", 4), loop=False, fps=1000, max_pixels=PIXELS)) as video:
        video.open()
        assert grab_until_the_end(video) > len(grey(4)) // 2


def test_frames_that_are_never_shown_are_noticed_by_the_memory_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = PIXELS * 3
    left = iter([RESERVE + 40 * frame, RESERVE + 2 * frame, RESERVE + frame - 1])
    monkeypatch.setattr("edged.camera.frame_limit.memory_left", lambda: next(left))
    held = HeldFrames(PIXELS)
    for _ in range(WINDOW + 2):
        held.expect(WIDTH, HEIGHT)  # looked at twice: nobody looks again while there is room for all that may come
    with pytest.raises(SourceError, match=r"of 2560×1440 pixels need more memory than is left \(42 MiB\)"):
        held.expect(WIDTH, HEIGHT)


def test_small_frames_need_no_look_at_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edged.camera.frame_limit.memory_left", lambda: 0)
    held = HeldFrames(PIXELS)
    for _ in range(100):
        held.expect(1920, 1080)


def test_an_rtsp_camera_whose_frames_no_longer_fit_into_the_memory_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        serving_rtsp(rtsp_camera(1)) as camera,
        closing(RtspSource(camera.url(), timeout=20, max_pixels=PIXELS)) as source,
    ):
        source.open()
        monkeypatch.setattr("edged.camera.frame_limit.memory_left", lambda: 20 << 20)
        with pytest.raises(SourceError, match=r"need more memory than is left \(20 MiB\): have the camera send"):
            eventually(lambda: source.grab(0.2) is None and False, "a loss")
