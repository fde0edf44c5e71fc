"""A folder of pictures as a camera: each once, in order, upright, in one size."""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edged.camera.folder import MOST_REPORTED, FolderSource
from edged.errors import DamagedFrame, EndOfStream, SourceError
from edged.values import Format
from tests.camera.leaks import leaves_nothing_behind

BLUE, GREEN, RED = (255, 0, 0), (0, 255, 0), (0, 0, 255)
ORIENTATION_6 = bytes.fromhex(  # an APP1 segment whose only tag says: turn by 90 degrees clockwise
    "ffe1002245786966000049492a0008000000010012010300010000000600000000000000"
)


def save(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (64, 48)) -> None:
    assert cv2.imwrite(str(path), np.full((size[1], size[0], 3), colour, np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures and what is none."""
    save(tmp_path / "b.png", GREEN)
    save(tmp_path / "a.JPG", BLUE)
    save(tmp_path / "c.bmp", RED)
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / "below").mkdir()
    save(tmp_path / "below" / "d.png", RED)
    return tmp_path


def frames(source: FolderSource, frame_format: Format, count: int) -> list[NDArray[np.uint8]]:
    pictures = []
    for _ in range(count):
        assert source.grab(10) is not None
        slot = np.zeros(frame_format.shape, np.uint8)
        source.retrieve(slot)
        pictures.append(slot)
    return pictures


def colours(pictures: list[NDArray[np.uint8]]) -> list[tuple[int, ...]]:
    """The middle of each, without what JPEG adds."""
    return [tuple(int(v > 127) * 255 for v in p[p.shape[0] // 2, p.shape[1] // 2]) for p in pictures]


def test_pictures_come_in_the_order_of_their_names_and_then_the_end(folder: Path) -> None:
    source = FolderSource(folder, loop=False, fps=1000)
    frame_format = source.open()
    assert frame_format == Format(width=64, height=48, fps=1000)
    assert colours(frames(source, frame_format, 3)) == [BLUE, GREEN, RED]
    with pytest.raises(EndOfStream, match="end of the folder"):
        source.grab(1)


def test_a_looping_folder_starts_again_with_what_is_in_it_then(folder: Path) -> None:
    source = FolderSource(folder, loop=True, fps=1000)
    frame_format = source.open()
    assert colours(frames(source, frame_format, 4)) == [BLUE, GREEN, RED, BLUE]
    save(folder / "d.png", GREEN)
    (folder / "a.JPG").unlink()
    assert colours(frames(source, frame_format, 5)) == [GREEN, RED, GREEN, RED, GREEN]


def test_pictures_come_at_the_rate_that_was_asked_for(folder: Path) -> None:
    source = FolderSource(folder, loop=True, fps=50)
    begin = time.monotonic()  # the first picture is due at the opening, and may be taken late
    frame_format = source.open()
    frames(source, frame_format, 11)
    assert time.monotonic() - begin >= 0.199


def test_the_exif_orientation_is_applied(tmp_path: Path) -> None:
    path = tmp_path / "portrait.jpg"
    lying = np.zeros((48, 64, 3), np.uint8)
    lying[:, :32] = 255
    jpeg = cv2.imencode(".jpg", lying)[1].tobytes()
    path.write_bytes(jpeg[:2] + ORIENTATION_6 + jpeg[2:])
    source = FolderSource(tmp_path, loop=False, fps=1000)
    frame_format = source.open()
    assert (frame_format.width, frame_format.height) == (48, 64)
    (picture,) = frames(source, frame_format, 1)
    assert picture[:24].min() > 200  # what was left is now at the top
    assert picture[40:].max() < 55


def test_a_picture_of_another_size_is_made_to_fit_and_that_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path / "a.png", BLUE, (64, 48))
    save(tmp_path / "b.png", GREEN, (10, 30))
    save(tmp_path / "c.png", RED, (640, 100))
    source = FolderSource(tmp_path, loop=False, fps=1000)
    frame_format = source.open()
    with caplog.at_level(logging.WARNING):
        _, tall, wide = frames(source, frame_format, 3)
    assert [record.message for record in caplog.records] == [
        f"{tmp_path}/b.png has another size than the first picture of the folder, and is made to fit"
    ]
    assert (tall[:, 24:40] == GREEN).all()
    assert not tall[:, :24].any()
    assert not tall[:, 40:].any()
    assert (wide[19:29] == RED).all()
    assert not wide[:19].any()
    assert not wide[29:].any()


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0"])
def test_a_picture_that_cannot_be_read_is_one_damaged_frame(folder: Path, content: bytes) -> None:
    (folder / "b.png").write_bytes(content)
    source = FolderSource(folder, loop=False, fps=1000)
    frame_format = source.open()
    frames(source, frame_format, 1)
    assert source.grab(1) is not None
    with pytest.raises(DamagedFrame, match=r"b\.png: "):
        source.retrieve(np.zeros(frame_format.shape, np.uint8))
    assert colours(frames(source, frame_format, 1)) == [RED]


def test_each_picture_that_cannot_be_read_is_named_once_and_only_so_many(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(MOST_REPORTED + 5):
        (folder / f"broken{number}.png").write_bytes(b"no picture")
    source = FolderSource(folder, loop=True, fps=10_000)
    slot = np.zeros(source.open().shape, np.uint8)
    for _ in range(2 * (MOST_REPORTED + 5 + 3)):
        assert source.grab(10) is not None
        with suppress(DamagedFrame):
            source.retrieve(slot)
    named = [record.getMessage() for record in caplog.records]
    assert [f"broken{number}.png: " in line for number, line in enumerate(named[:-1])] == [True] * MOST_REPORTED
    assert named[-1].endswith("no more pictures that cannot be read are named")


def test_a_picture_that_goes_away_is_one_damaged_frame(folder: Path) -> None:
    source = FolderSource(folder, loop=False, fps=1000)
    frame_format = source.open()
    (folder / "a.JPG").unlink()
    os.mkfifo(folder / "a.JPG")  # nobody would ever write into it
    assert source.grab(1) is not None
    with pytest.raises(DamagedFrame, match=r"a\.JPG: no such picture"):
        source.retrieve(np.zeros(frame_format.shape, np.uint8))


def test_a_first_picture_that_cannot_be_read_is_named(folder: Path) -> None:
    (folder / "a.JPG").write_bytes(b"no picture")
    with pytest.raises(SourceError, match=r"a\.JPG: unknown image type") as caught:
        FolderSource(folder, loop=False, fps=None).open()
    assert not isinstance(caught.value, DamagedFrame)


def test_a_folder_that_is_missing_empty_or_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="gone: the folder cannot be read: No such file"):
        FolderSource(tmp_path / "gone", loop=True, fps=None).open()
    with pytest.raises(SourceError, match=r"the folder holds no picture \(files that end in \.bmp, \.jfif, \.jp2"):
        FolderSource(tmp_path, loop=True, fps=None).open()
    (tmp_path / "file.jpg").write_bytes(b"")
    with pytest.raises(SourceError, match=r"file\.jpg: the folder cannot be read: Not a directory"):
        FolderSource(tmp_path / "file.jpg", loop=True, fps=None).open()


def test_a_folder_of_too_many_files_is_refused_before_its_list_fills_the_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.camera.folder.MOST_FILES", 4)
    source = FolderSource(folder, loop=True, fps=1000)
    with pytest.raises(SourceError, match=f"^{folder}: the folder cannot be read: it holds more than 4 files$"):
        source.open()


def test_a_link_that_goes_round_does_not_take_the_other_pictures_away(folder: Path) -> None:
    (folder / "z.png").symlink_to("z.png")
    source = FolderSource(folder, loop=False, fps=1000)
    frame_format = source.open()
    assert colours(frames(source, frame_format, 3)) == [BLUE, GREEN, RED]
    source.grab(10)
    with pytest.raises(DamagedFrame, match="no such picture any more"):
        source.retrieve(np.zeros(frame_format.shape, np.uint8))
    source.close()


def test_a_folder_that_is_emptied_while_it_loops_is_a_loss(folder: Path) -> None:
    source = FolderSource(folder, loop=True, fps=1000)
    frame_format = source.open()
    for name in ("a.JPG", "b.png", "c.bmp"):
        (folder / name).unlink()
    for _ in range(3):
        source.grab(1)
    with pytest.raises(SourceError, match="the folder holds no picture"):
        source.grab(1)
    assert frame_format.width == 64


def test_wake_ends_a_wait_for_the_next_picture(folder: Path) -> None:
    source = FolderSource(folder, loop=True, fps=0.01)
    frames(source, source.open(), 1)
    begin = time.monotonic()
    assert source.grab(0.05) is None
    assert 0.04 < time.monotonic() - begin < 5
    source.wake()
    assert source.grab(60) is None
    assert time.monotonic() - begin < 10


def test_opening_and_closing_leaves_nothing_behind(folder: Path) -> None:
    source = FolderSource(folder, loop=True, fps=1000)

    def one_round() -> None:
        assert colours(frames(source, source.open(), 2)) == [BLUE, GREEN]
        source.close()
        source.close()

    leaves_nothing_behind(one_round)


def test_a_picture_that_is_the_only_one_is_shown_anew_when_its_file_is(tmp_path: Path) -> None:
    save(tmp_path / "a.png", BLUE)
    source = FolderSource(tmp_path, loop=True, fps=1000)
    frame_format = source.open()
    shown = frames(source, frame_format, 2)
    save(tmp_path / "b.png", GREEN)
    (tmp_path / "b.png").replace(tmp_path / "a.png")
    shown += frames(source, frame_format, 2)
    assert colours(shown) == [BLUE, BLUE, GREEN, GREEN]
    source.close()


def test_pictures_come_in_the_order_of_their_numbers_and_hidden_ones_not_at_all(tmp_path: Path) -> None:
    save(tmp_path / "10.png", RED)
    save(tmp_path / "9.png", GREEN)
    save(tmp_path / "1.png", BLUE)
    (tmp_path / "._1.png").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    source = FolderSource(tmp_path, loop=False, fps=1000)
    assert colours(frames(source, source.open(), 3)) == [BLUE, GREEN, RED]


def test_pictures_that_are_passed_over_are_reported_once_and_again_when_they_change(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "d.heic").touch()
    source = FolderSource(folder, loop=True, fps=1000)
    with caplog.at_level(logging.WARNING):
        frames(source, source.open(), 9)
        assert [record.message.partition("over ")[2] for record in caplog.records] == [
            "(1 .heic); convert them to PNG or JPEG"
        ]
        (folder / "e.avif").touch()
        frames(source, source.open(), 1)
    assert "(1 .avif, 1 .heic)" in caplog.records[-1].message
    assert len(caplog.records) == 2


def test_a_jpeg_with_a_hole_is_a_damaged_frame(tmp_path: Path) -> None:
    cases = Path(__file__).parents[1] / "cases" / "pictures"
    for number, name in enumerate(("whole.jpg", "hole.jpg")):
        (tmp_path / f"{number}-{name}").write_bytes((cases / name).read_bytes())
    source = FolderSource(tmp_path, loop=False, fps=1000)
    frame_format = source.open()
    frames(source, frame_format, 1)
    with pytest.raises(DamagedFrame, match=r"1-hole\.jpg: a damaged JPEG: bytes are missing from its middle"):
        frames(source, frame_format, 1)


def test_a_transparent_picture_is_laid_on_the_background(tmp_path: Path) -> None:
    assert cv2.imwrite(str(tmp_path / "clear.png"), np.zeros((4, 4, 4), np.uint8))
    for background, shown in (((255, 255, 255), [255, 255, 255]), ((10, 20, 30), [30, 20, 10])):
        source = FolderSource(tmp_path, loop=False, fps=1000, background=background)
        (picture,) = frames(source, source.open(), 1)
        assert picture[0, 0].tolist() == shown


def test_names_in_messages_are_printable(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save(tmp_path / "a.png", GREEN)
    save(tmp_path / "odd.png", RED, (32, 32))
    (tmp_path / "odd.png").rename(tmp_path / "b\x1b[31m\ncamera front is lost.png")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/c\xff\n.png")).write_bytes(b"no picture")
    source = FolderSource(tmp_path, loop=False, fps=1000)
    slot = np.zeros((48, 64, 3), np.uint8)
    source.open()
    for _ in range(2):
        assert source.grab(1.0) is not None
        source.retrieve(slot)
    assert source.grab(1.0) is not None
    with pytest.raises(DamagedFrame) as damage:
        source.retrieve(slot)
    source.close()
    assert len(caplog.messages) == 2, "one of another size, and one that cannot be read"
    assert all(message.isprintable() for message in caplog.messages)
    assert str(damage.value).isprintable()
