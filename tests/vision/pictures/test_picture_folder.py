"""The pictures of a folder: which count, in which order, and what is said about the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from edged.vision.pictures.picture_folder import list_pictures


def names(folder: Path, *files: str) -> list[str]:
    for name in files:
        (folder / name).touch()
    return [path.name for path in list_pictures(folder).pictures]


def test_numbers_in_names_count_as_numbers(tmp_path: Path) -> None:
    given = ["10.jpg", "2.jpg", "1.jpg", "cam2-10.png", "cam2-9.png", "cam10-1.png", "01.jpg", "٣.jpg"]
    assert names(tmp_path, *given) == [
        *("01.jpg", "1.jpg", "2.jpg", "10.jpg", "cam2-9.png", "cam2-10.png", "cam10-1.png", "٣.jpg"),
    ]


def test_capital_letters_do_not_change_the_order(tmp_path: Path) -> None:
    given = ["img_10.jpg", "IMG_9.JPG", "B.png", "a.png", "A.png", "img_2.JPG"]
    assert names(tmp_path, *given) == ["A.png", "a.png", "B.png", "img_2.JPG", "IMG_9.JPG", "img_10.jpg"]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    assert names(tmp_path, "._cat.png", ".hidden.jpg", "cat.png") == ["cat.png"]
    assert list_pictures(tmp_path).notice == ""


def test_every_suffix_of_a_format_that_is_read_counts(tmp_path: Path) -> None:
    files = ["a.jfif", "b.JPE", "c.jp2", "d.jpg", "e.jpeg", "f.png", "g.webp", "h.tif", "i.tiff", "j.bmp"]
    assert names(tmp_path, *files, "k.txt", "l") == files


def test_pictures_that_are_passed_over_are_counted_in_one_line(tmp_path: Path) -> None:
    names(tmp_path, "a.heic", "b.HEIC", "c.avif", "d.gif", "notes.txt", "e.png", "._f.heic")
    assert list_pictures(tmp_path).notice == (
        f"{tmp_path}: pictures in formats that edged does not read are passed over (1 .avif, 1 .gif, 2 .heic); "
        "convert them to PNG or JPEG"
    )


def test_a_folder_of_nothing_else_says_so(tmp_path: Path) -> None:
    assert "the folder holds no picture (files that end in .bmp, " in list_pictures(tmp_path).emptiness
    names(tmp_path, "a.heic")
    assert "(1 .heic); convert them" in list_pictures(tmp_path).emptiness


@pytest.mark.parametrize(
    "target", ["loop.jpg", "x" * 300, "a.jpg/below"], ids=["a loop", "too long", "not in a folder"]
)
def test_a_link_that_leads_nowhere_hides_no_other_picture(target: str, tmp_path: Path) -> None:
    (tmp_path / "loop.jpg").symlink_to(target)
    assert names(tmp_path, "a.jpg") == ["a.jpg", "loop.jpg"]


def test_long_numbers_come_after_short_ones_and_before_letters(tmp_path: Path) -> None:
    given = ["b" + "9" * 99 + ".jpg", "b1" + "0" * 99 + ".jpg", "b.jpg", "ba.jpg", "b00.jpg", "b0.jpg", "b-1.jpg"]
    files = ["b0.jpg", "b00.jpg", given[0], given[1], "b-1.jpg", "b.jpg", "ba.jpg"]
    assert names(tmp_path, *given) == files


def test_a_folder_may_have_a_limit_of_files(tmp_path: Path) -> None:
    names(tmp_path, "a.jpg", "b.txt", ".c")
    assert len(list_pictures(tmp_path, 3).pictures) == 1
    with pytest.raises(OSError, match="it holds more than 2 files"):
        list_pictures(tmp_path, 2)
