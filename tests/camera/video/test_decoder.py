"""Decoders by their names, frames as pixels, and what FFmpeg prints."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from edged.camera.file import VideoFile
from edged.camera.video.decoder import Converter
from edged.camera.video.decoder_choice import DecoderChoice
from edged.vision.pixels.orientation import Orientation
from tests.camera.video.clips import make_clip


def first_level(path: Path, name: str) -> tuple[int, str]:
    """The level of the first frame with the decoder *name*, and the decoder that was used."""
    video = VideoFile(path, loop=True, fps=1000, decoder=name)
    slot = np.zeros(video.open().shape, np.uint8)
    for _ in range(30):  # around the end, where it is opened anew
        assert video.grab(10) is not None
    video.retrieve(slot)
    assert video._frames is not None
    used = video._frames.decoder_name
    video.close()
    return round((float(slot.mean()) - 8) / 16), used


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("h264_v4l2m2m", "it cannot be opened, as on a board without its hardware"),
        ("hevc_v4l2m2m", "the video is h264"),
        ("h264_magic", "this FFmpeg has none of that name"),
        ("aac", "the video is h264"),
    ],
)
def test_a_decoder_that_cannot_be_used_is_replaced_by_ffmpegs_own_with_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, reason: str
) -> None:
    path = make_clip(tmp_path / "clip.mp4")
    with caplog.at_level(logging.INFO, "edged"):
        assert first_level(path, name) == (5, "h264")
    assert caplog.messages == [f"{path}: the decoder {name} is not used: {reason}; FFmpeg decodes in software"]


def test_a_decoder_is_used_by_its_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = make_clip(tmp_path / "clip.mkv", codec="libsvtav1", size=(64, 64), options={"preset": "12"})
    with caplog.at_level(logging.INFO, "edged"):
        assert first_level(path, "libdav1d") == (5, "libdav1d")
    assert caplog.messages == []


def test_a_decoder_gets_the_beginning_of_the_file_and_the_limit_of_pixels(tmp_path: Path) -> None:
    """As FFmpeg's own stands for one by name, which differs in nothing but its hardware."""
    path = make_clip(tmp_path / "clip.mp4")
    with av.open(path) as file:
        software = file.streams.video[0].codec_context
        context = DecoderChoice("h264", "a name").open(software, 64 * 48)
        assert context is not software
        assert context.is_open
        assert context.extradata == software.extradata
        assert context.thread_count == 1


def test_frames_are_scaled_and_keep_their_colours() -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:] = (30, 90, 200)
    slot = np.zeros((24, 128, 3), np.uint8)
    Converter().write(av.VideoFrame.from_ndarray(picture, format="bgr24"), slot, Orientation.TOP_LEFT)
    assert np.abs(slot.astype(int) - (30, 90, 200)).max() <= 1


def test_the_colours_of_high_definition_are_those_of_its_own_matrix() -> None:
    """ITU-R BT.709: a red of 8 bits is Y 63, Cb 102, Cr 240."""
    frame = av.VideoFrame(64, 48, "yuv420p")
    for plane, value in zip(frame.planes, (63, 102, 240), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    slot = np.zeros((48, 64, 3), np.uint8)
    frame.colorspace = 1
    Converter().write(frame, slot, Orientation.TOP_LEFT)
    assert np.abs(slot.astype(int) - (0, 0, 255)).max() <= 3


PROGRAM = """
import logging, sys
import numpy as np
from edged.camera.file import VideoFile
from edged.errors import DamagedFrame, EndOfStream, SourceError

logging.basicConfig(level={level!r}, stream=sys.stdout, format="%(levelname)s %(name)s %(message)s")
video = VideoFile({path!r}, loop=False, fps=1000)
try:
    slot = np.zeros(video.open().shape, np.uint8)
    while True:
        if video.grab(10) is not None:
            try:
                video.retrieve(slot)
            except DamagedFrame:
                pass
except (EndOfStream, SourceError) as end:
    print(end)
video.close()
"""


@pytest.mark.timed
@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_ffmpeg_prints_nothing_and_its_messages_are_in_the_log_at_debug(tmp_path: Path, level: str) -> None:
    picture = np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)
    path = make_clip(tmp_path / "clip.mp4", size=(320, 240), picture=picture)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = bytes(2000)
    path.write_bytes(content)
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(path=str(path), level=level)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stderr == ""
    assert ran.stdout.endswith("end of the file\n")
    messages = [line for line in ran.stdout.splitlines() if "FFmpeg" in line]
    assert bool(messages) is (level == "DEBUG")
    assert "libav" not in ran.stdout
    assert all(line.startswith("DEBUG edged.camera.video.messages FFmpeg: ") for line in messages)
