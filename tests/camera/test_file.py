"""Video files as cameras: every frame, at the right time, to the end or for ever."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from edged.camera.file import VideoFile
from edged.camera.video.timeline import Pace
from edged.errors import EndOfStream, SourceError
from edged.values import Format, Stamp


def make_video(path: Path, frames: int, fps: float = 25.0, size: tuple[int, int] = (64, 48)) -> Path:
    """A clip whose frame *n* is gray of the level 8 × n."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, size)
    assert writer.isOpened()
    for number in range(frames):
        writer.write(np.full((size[1], size[0], 3), 8 * number, np.uint8))
    writer.release()
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_video(tmp_path / "clip.avi", 12)


def next_stamp(video: VideoFile) -> Stamp:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        stamp = video.grab(0.5)
        if stamp is not None:
            return stamp
    raise AssertionError("no frame in 10 s")


def levels(video: VideoFile, frame_format: Format, count: int) -> list[int]:
    slot = np.zeros(frame_format.shape, np.uint8)
    seen = []
    for _ in range(count):
        next_stamp(video)
        video.retrieve(slot)
        seen.append(round(float(slot.mean()) / 8))
    return seen


def test_every_frame_comes_once_and_in_order_and_then_the_end(clip: Path) -> None:
    video = VideoFile(clip, loop=False, fps=1000)
    frame_format = video.open()
    assert (frame_format.width, frame_format.height, frame_format.fps) == (64, 48, 25.0)
    assert levels(video, frame_format, 12) == list(range(12))
    with pytest.raises(EndOfStream, match="end of the file"):
        next_stamp(video)
    video.close()


def test_a_looping_file_starts_again(clip: Path) -> None:
    video = VideoFile(clip, loop=True, fps=1000)
    frame_format = video.open()
    assert levels(video, frame_format, 30) == [*range(12), *range(12), *range(6)]
    video.close()


def test_a_file_is_played_at_its_own_speed_also_across_the_loop(clip: Path) -> None:
    video = VideoFile(clip, loop=True, fps=None)
    video.open()
    stamps = [next_stamp(video).t_cap_ns for _ in range(26)]
    video.close()
    # Never early: 25 intervals of 40 ms. Late only as far as the machine is busy.
    assert stamps[-1] - stamps[0] >= 0.98e9
    assert all(later > earlier for earlier, later in pairwise(stamps))


def test_a_frame_is_decoded_into_the_slot_itself(clip: Path) -> None:
    video = VideoFile(clip, loop=False, fps=1000)
    slot = np.full(video.open().shape, 99, np.uint8)
    next_stamp(video)
    video.retrieve(slot)
    assert slot.max() == 0
    video.close()


def test_a_slot_of_another_size_is_refused(clip: Path) -> None:
    video = VideoFile(clip, loop=False, fps=1000)
    video.open()
    next_stamp(video)
    with pytest.raises(SourceError, match="size"):
        video.retrieve(np.zeros((10, 10, 3), np.uint8))
    video.close()


def test_grab_waits_no_longer_than_its_timeout(clip: Path) -> None:
    video = VideoFile(clip, loop=False, fps=0.01)
    video.open()
    next_stamp(video)
    begin = time.monotonic()
    assert video.grab(0.05) is None
    assert 0.04 < time.monotonic() - begin < 5.0
    video.close()


def test_a_wait_for_the_next_frame_can_be_ended_from_outside(clip: Path) -> None:
    video = VideoFile(clip, loop=False, fps=0.01)
    video.open()
    next_stamp(video)
    video.wake()
    begin = time.monotonic()
    assert video.grab(60) is None
    assert time.monotonic() - begin < 10
    video.close()


def test_a_file_can_be_opened_again_after_it_was_closed(clip: Path) -> None:
    video = VideoFile(clip, loop=False, fps=1000)
    video.close()
    for _ in range(2):
        frame_format = video.open()
        assert levels(video, frame_format, 3) == [0, 1, 2]
        video.close()
        video.close()


@pytest.mark.parametrize("content", [b"", b"this is no video\n" * 100, b"\x00" * 5000])
def test_a_file_that_is_not_a_video_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no-video.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"no-video\.mp4: not a video"):
        VideoFile(path, loop=True, fps=None).open()


def test_a_codec_that_opencv_lacks_is_reported_with_one_that_it_has(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (64, 48))
    writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"ZZZZ"))
    with pytest.raises(SourceError, match=r"clip\.avi: not a video .* of a codec that is missing there; H\.264 in an"):
        VideoFile(path, loop=True, fps=None).open()


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.mp4: no such file"):
        VideoFile(tmp_path / "gone.mp4", loop=True, fps=None).open()


def test_a_truncated_clip_plays_what_is_there(tmp_path: Path, demo: Path) -> None:
    whole = (demo / "street.mp4").read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: len(whole) // 2])
    video = VideoFile(path, loop=False, fps=1000)
    # Its index was at the end and is gone: it is refused by name, and not by a crash.
    with pytest.raises(SourceError, match=r"cut\.mp4"):
        video.open()
    video.close()


def test_a_late_reader_catches_up_a_little_but_does_not_rush() -> None:
    pace = Pace()
    assert pace.due(0.0, 100.0) == 100.0
    assert pace.due(0.1, 100.05) == pytest.approx(100.1)
    assert pace.due(0.2, 100.9) == pytest.approx(100.2)  # late by 0.7 s: due at once
    assert pace.due(0.3, 105.0) == pytest.approx(105.0)  # late by more: the clock is set anew
    assert pace.due(0.4, 105.0) == pytest.approx(105.1)
