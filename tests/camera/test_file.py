"""Video files as cameras: every frame, at the right time, to the end or for ever."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from edged.camera import file
from edged.camera.file import VideoFile
from edged.camera.video import packets
from edged.camera.video.local_input import LocalInput
from edged.errors import DamagedFrame, EndOfStream, SourceError
from edged.values import Format, Stamp
from tests.camera.leaks import leaves_nothing_behind
from tests.camera.video.clips import make_clip
from tests.fakes import eventually
from tests.stopwatch import stopwatch

CASES = Path(__file__).parent.parent / "cases" / "video"
X265 = {"x265-params": "log-level=none"}


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
    assert (frame_format.codec, frame_format.decoder) == ("jpeg", "mjpeg")
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


def test_a_codec_that_ffmpeg_lacks_is_reported_with_one_that_it_has(tmp_path: Path) -> None:
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


def played(video: VideoFile) -> tuple[list[int], int, str]:
    """The levels of all frames that can be shown, the number of those that cannot, and the end."""
    slot = np.zeros(video.open().shape, np.uint8)
    seen: list[int] = []
    damaged = 0
    while True:
        try:
            next_stamp(video)
        except (EndOfStream, SourceError) as exc:
            video.close()
            return seen, damaged, str(exc)
        try:
            video.retrieve(slot)
        except DamagedFrame:
            damaged += 1
        else:
            seen.append(round((float(slot.mean()) - 8) / 16))


def together(path: Path, *parts: Path) -> Path:
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


# Recordings that were put together.


@pytest.mark.timed
def test_a_jump_in_the_time_of_a_recording_is_no_pause() -> None:
    video = VideoFile(CASES / "jump.ts", loop=False, fps=None)
    video.open()
    with stopwatch() as watch:
        frames = sum(next_stamp(video) is not None for _ in range(84))
        with pytest.raises(EndOfStream):
            next_stamp(video)
    video.close()
    assert frames == 84
    assert 8.0 < watch.elapsed < 30.0


@pytest.mark.timed
@pytest.mark.parametrize("container", ["ts", "mkv", "mp4"])
@pytest.mark.parametrize("jump", [900_000, -20])
def test_a_jump_forwards_or_backwards_is_no_pause_in_any_container(tmp_path: Path, container: str, jump: int) -> None:
    first = make_clip(tmp_path / f"a.{container}", times=[n + 100 for n in range(12)])
    if container == "ts":
        second = make_clip(tmp_path / "b.ts", times=[100 + jump + n for n in range(12)])
        path, count = together(tmp_path / "all.ts", first, second), 24
    elif jump > 0:
        path, count = make_clip(tmp_path / f"all.{container}", times=[*range(6), *range(jump, jump + 6)]), 12
    else:
        pytest.skip("these containers cannot hold frames that go back")
    video = VideoFile(path, loop=False, fps=None)
    video.open()
    with stopwatch() as watch:
        assert sum(next_stamp(video) is not None for _ in range(count)) == count
    video.close()
    assert watch.elapsed < 15.0


@pytest.mark.parametrize("times", [[0, *range(900_001, 900_010)], [0, 900_001, 900_002, 900_003]])
def test_a_jump_after_the_first_frame_is_no_pause(tmp_path: Path, times: list[int]) -> None:
    """The average rate of an .mp4 is its frames through its duration, so the jump is in it."""
    video = VideoFile(make_clip(tmp_path / "clip.mp4", frames=len(times), times=times), loop=False, fps=None)
    with closing(video):
        assert video.open().fps == 25.0
        assert [video.grab(5.0) is not None for _ in times] == [True] * len(times)


def test_pictures_that_come_slowly_from_the_beginning_are_shown_for_as_long(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", frames=4, times=[0, 2000, 4000, 6000])  # 80 s apart
    video = VideoFile(path, loop=False, fps=None)
    with closing(video):
        assert video.open().fps == pytest.approx(1 / 80, rel=0.5)
        assert video.grab(5.0) is not None
        assert video.grab(2.0) is None


@pytest.mark.parametrize("codecs", [("libx264", "libx265"), ("libx264", "mpeg4", "libx264"), ("mpeg2video", "libx264")])
def test_a_recording_goes_on_where_its_codec_and_size_change(tmp_path: Path, codecs: tuple[str, ...]) -> None:
    parts = [
        make_clip(tmp_path / f"{n}.ts", codec=codec, size=(64 + 32 * n, 48), options=X265 if "265" in codec else {})
        for n, codec in enumerate(codecs)
    ]
    levels_seen, damaged, end = played(VideoFile(together(tmp_path / "all.ts", *parts), loop=False, fps=1000))
    assert levels_seen == [*range(12)] * len(codecs)
    assert damaged == 0
    assert end.endswith("all.ts: end of the file")


def test_a_recording_goes_on_where_only_its_size_changes_and_is_scaled_to_the_first(tmp_path: Path) -> None:
    parts = [make_clip(tmp_path / f"{w}.ts", size=(w, 48)) for w in (64, 320, 32)]
    assert played(VideoFile(together(tmp_path / "all.ts", *parts), loop=False, fps=1000))[0] == [*range(12)] * 3


def test_a_recording_that_was_cut_anywhere_is_read_from_its_next_key_frame_on(tmp_path: Path) -> None:
    first = make_clip(tmp_path / "a.ts").read_bytes()
    second = make_clip(tmp_path / "b.ts", codec="libx265", options=X265).read_bytes()
    path = tmp_path / "all.ts"
    path.write_bytes(b"torn" + first[: len(first) - 100] + second[50:])
    levels_seen, _, _ = played(VideoFile(path, loop=False, fps=1000))
    assert levels_seen[:9] == list(range(9))
    assert levels_seen[-2:] == [10, 11]


# Damage and limits.


def test_damaged_frames_and_those_that_build_on_them_are_counted_and_not_shown(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)
    path = make_clip(tmp_path / "clip.mp4", size=(320, 240), frames=30, gop=10, picture=picture)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = bytes(2000)
    path.write_bytes(content)
    shown, damaged, end = played(VideoFile(path, loop=False, fps=1000))
    assert (len(shown), damaged) == (20, 10)
    assert end.endswith("end of the file")


def test_frames_that_come_to_have_too_many_pixels_are_not_shown(tmp_path: Path) -> None:
    small, large = (make_clip(tmp_path / f"{w}.ts", size=(w, 48)) for w in (64, 2048))
    path = together(tmp_path / "all.ts", small, large, small)
    shown, damaged, _ = played(VideoFile(path, loop=False, fps=1000, max_pixels=64 * 48))
    assert shown == [*range(12)] * 2
    assert damaged == 12


# The thread that reads.


@pytest.mark.timed
def test_files_leave_nothing_behind(clip: Path) -> None:
    def one_round() -> None:
        video = VideoFile(clip, loop=True, fps=1000)
        video.open()
        for _ in range(30):
            next_stamp(video)
        video.close()

    leaves_nothing_behind(one_round)


@pytest.mark.timed
def test_a_file_that_does_not_answer_is_given_up_and_not_opened_again_until_it_does(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang, hanging = threading.Event(), threading.Event()
    read = LocalInput.read

    def slow(self: LocalInput, size: int) -> bytes:
        hanging.set()
        hang.wait()
        return read(self, size)

    monkeypatch.setattr(LocalInput, "read", slow)
    monkeypatch.setattr(packets, "END_SECONDS", 0.2)
    monkeypatch.setattr(file, "OPEN_SECONDS", 0.2)
    video = VideoFile(clip, loop=False, fps=1000)
    with pytest.raises(SourceError, match=r"clip\.avi: no frame within 0\.2 s"):
        video.open()
    assert hanging.is_set()
    video.close()
    with pytest.raises(SourceError, match=r"clip\.avi: its file system does not answer"):
        video.open()
    hang.set()
    monkeypatch.setattr(file, "OPEN_SECONDS", 20.0)
    eventually(lambda: not video_is_running(video), "the thread has ended")
    assert video.open().width == 64
    video.close()


def video_is_running(video: VideoFile) -> bool:
    return video._frames is not None and video._frames.is_running
