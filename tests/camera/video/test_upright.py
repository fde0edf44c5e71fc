"""Videos are shown upright, whichever way they were recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.stream import Disposition
from av.video.stream import VideoStream
from numpy.typing import NDArray

from edged.camera.file import VideoFile
from edged.camera.video.orientation import orientation_of_degrees, orientation_of_matrix
from edged.errors import SourceError
from edged.vision.pixels.orientation import Orientation
from tests.camera.video.clips import corners, make_clip

CASES = Path(__file__).parent.parent.parent / "cases" / "video"
ONE = 1 << 16

Turn = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]

# Rows of the matrix without its last column: a point at (x, y) is shown at (a x + c y, b x + d y).
WAYS: dict[tuple[int, int, int, int], Turn] = {
    (1, 0, 0, 1): lambda p: p,
    (0, 1, -1, 0): lambda p: np.rot90(p, -1),
    (-1, 0, 0, -1): lambda p: np.rot90(p, 2),
    (0, -1, 1, 0): lambda p: np.rot90(p),
    (-1, 0, 0, 1): lambda p: p[:, ::-1],
    (1, 0, 0, -1): lambda p: p[::-1],
    (0, 1, 1, 0): lambda p: p.transpose(1, 0, 2),
    (0, -1, -1, 0): lambda p: np.rot90(p, 2).transpose(1, 0, 2),
}


def matrix(a: int, b: int, c: int, d: int) -> list[int]:
    return [a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30]


def first_frame(path: Path) -> NDArray[np.uint8]:
    video = VideoFile(path, loop=False, fps=1000)
    frame_format = video.open()
    slot = np.zeros(frame_format.shape, np.uint8)
    assert (frame_format.width, frame_format.height) == (slot.shape[1], slot.shape[0])
    assert video.grab(10) is not None
    video.retrieve(slot)
    video.close()
    return slot


def mean_difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_each_of_the_eight_display_matrices_is_applied(
    tmp_path: Path, way: tuple[int, int, int, int], container: str
) -> None:
    path = make_clip(tmp_path / f"clip.{container}", matrix=matrix(*way), picture=corners())
    shown, expected = first_frame(path), WAYS[way](corners())
    assert shown.shape == expected.shape
    assert mean_difference(shown, expected) < 4


@pytest.mark.parametrize(("angle", "quarters"), [(40, 0), (50, 1), (140, 2), (220, 2), (260, 3), (350, 0)])
def test_a_matrix_that_turns_by_another_angle_counts_as_the_nearest(angle: int, quarters: int) -> None:
    cos, sin = (round(ONE * value) for value in (np.cos(np.radians(angle)), np.sin(np.radians(angle))))
    content = np.array([cos, sin, 0, -sin, cos, 0, 0, 0, 1 << 30], np.int32).tobytes()
    nearest = [(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)][quarters]
    assert orientation_of_matrix(content) == orientation_of_matrix(np.array(matrix(*nearest), np.int32).tobytes())


@pytest.mark.parametrize("content", [b"", b"short", bytes(36), b"\xff" * 36])
def test_a_matrix_that_means_nothing_turns_nothing_around_its_axes(content: bytes) -> None:
    assert not orientation_of_matrix(content).swaps_sides


@pytest.mark.parametrize(
    ("degrees", "way"),
    [
        ("0", (1, 0, 0, 1)),
        ("90", (0, 1, -1, 0)),
        ("180", (-1, 0, 0, -1)),
        ("270", (0, -1, 1, 0)),
        ("-90", (0, -1, 1, 0)),
    ],
)
def test_the_metadata_rotate_of_older_recorders_is_applied(
    tmp_path: Path, degrees: str, way: tuple[int, int, int, int]
) -> None:
    path = tmp_path / "clip.mkv"
    picture = corners()
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.metadata["rotate"] = degrees
        file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        file.mux(stream.encode(None))
    shown, expected = first_frame(path), WAYS[way](picture)
    assert shown.shape == expected.shape
    assert mean_difference(shown, expected) < 6


@pytest.mark.parametrize("text", ["", "upside down", "nan", "1e400"])
def test_metadata_that_is_no_angle_turns_nothing(text: str) -> None:
    assert orientation_of_degrees(text) is Orientation.TOP_LEFT


@pytest.mark.parametrize(("name", "turn"), [("rot90.mp4", np.rot90), ("rot180.mp4", lambda p: np.rot90(p, 2))])
def test_the_videos_of_phones_are_upright(name: str, turn: Turn) -> None:
    with av.open(CASES / name) as file:
        stored = np.asarray(next(file.decode(video=0)).to_ndarray(format="bgr24"), np.uint8)
    shown = first_frame(CASES / name)
    assert shown.shape == turn(stored).shape
    assert mean_difference(shown, turn(stored)) < 1


def test_the_cover_picture_of_a_video_is_not_the_video() -> None:
    with av.open(CASES / "cover.mp4") as file:
        assert len(file.streams.video) == 2
    assert first_frame(CASES / "cover.mp4").shape == (576, 768, 3)


def test_a_sound_file_with_a_cover_picture_has_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.m4a"
    with av.open(path, "w", format="mp4") as file:
        sound = file.add_stream("aac", rate=8000)
        assert isinstance(sound, AudioStream)
        cover = file.add_stream("mjpeg", rate=1)
        assert isinstance(cover, VideoStream)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        file.mux(cover.encode(av.VideoFrame.from_ndarray(corners(), format="bgr24")))
        file.mux(cover.encode(None))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 8000
        file.mux(sound.encode(silence))
        file.mux(sound.encode(None))
    with pytest.raises(SourceError, match=r"song\.m4a: has no video track"):
        VideoFile(path, loop=False, fps=None).open()
