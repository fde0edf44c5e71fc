"""References: pictures of files and folders, upright, scored together."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from edged.errors import ReferenceImageError
from edged.references import ReferenceGroup, References, embed_picture, picture_files, read_reference
from edged.vision.embedder import Embedder
from edged.vision.tflite.model_file import read_model


def row(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array(values, np.float32)


NORTH, EAST, NORTH_EAST = row(0, 1), row(1, 0), row(1, 1)


@pytest.fixture
def embedder(cases: Path) -> Embedder:
    return Embedder(read_model(cases / "small96_uint8_meta.tflite"))


def test_the_best_reference_comes_first() -> None:
    references = References([ReferenceGroup.single("east", [EAST]), ReferenceGroup.single("north", [NORTH])])
    matches = references.scorer("cam", "full").matches(row(0.2, 1.0))
    assert [match.reference for match in matches] == ["north", "east"]
    assert matches[0].similarity == pytest.approx(1 / np.sqrt(1.04), abs=1e-6)
    assert matches[1].similarity == pytest.approx(0.2 / np.sqrt(1.04), abs=1e-6)


def test_equal_scores_come_in_the_order_of_their_names() -> None:
    references = References([ReferenceGroup.single("b", [EAST]), ReferenceGroup.single("a", [EAST])])
    assert [match.reference for match in references.scorer("c", "r").matches(NORTH)] == ["a", "b"]


def test_of_several_pictures_the_best_counts() -> None:
    references = References(
        [ReferenceGroup.single("any", [NORTH, EAST, -NORTH]), ReferenceGroup.single("other", [NORTH_EAST])]
    )
    matches = references.scorer("cam", "full").matches(EAST)
    assert {match.reference: round(match.similarity, 4) for match in matches} == {"any": 1.0, "other": 0.7071}


def test_a_reference_is_compared_only_where_it_applies() -> None:
    references = References(
        [
            ReferenceGroup.single("everywhere", [EAST]),
            ReferenceGroup.single("camera", [EAST], ("one",)),
            ReferenceGroup.single("region", [EAST], ("two/door",)),
        ]
    )

    def names(camera: str, region: str) -> set[str]:
        return {match.reference for match in references.scorer(camera, region).matches(EAST)}

    assert names("one", "any") == {"everywhere", "camera"}
    assert names("two", "door") == {"everywhere", "region"}
    assert names("two", "window") == {"everywhere"}


def test_places_with_the_same_references_share_their_memory() -> None:
    references = References([ReferenceGroup.single("everywhere", [EAST])])
    assert references.scorer("one", "a") is references.scorer("two", "b")


def test_without_references_there_is_nothing_to_compare() -> None:
    scorer = References([]).scorer("cam", "full")
    assert scorer.size == 0
    assert scorer.matches(EAST) == ()


def test_a_folder_stands_for_its_pictures_by_name(tmp_path: Path) -> None:
    for name in ("b.png", "a.JPG", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in picture_files(tmp_path)] == ["a.JPG", "b.png"]


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReferenceImageError, match="holds no picture"):
        picture_files(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0 cut off"])
def test_a_file_that_is_not_a_picture_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.jpg"
    path.write_bytes(content)
    with pytest.raises(ReferenceImageError, match=r"odd\.jpg"):
        read_reference(path)


def test_a_missing_picture_is_named(tmp_path: Path, embedder: Embedder) -> None:
    with pytest.raises(ReferenceImageError, match=r"gone\.jpg"):
        embed_picture(tmp_path / "gone.jpg", embedder)


def test_a_picture_is_turned_upright_by_its_exif_orientation(tmp_path: Path, demo: Path, embedder: Embedder) -> None:
    upright = cv2.imread(str(demo / "path-empty.jpg"))
    assert upright is not None
    stored = np.ascontiguousarray(np.rot90(upright, 1))  # orientation 6: to be turned clockwise
    _, jpeg = cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, 95])
    tags = struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)
    exif = b"Exif\0\0" + tags
    content = jpeg.tobytes()
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    path = tmp_path / "turned.jpg"
    path.write_bytes(content[:2] + segment + content[2:])
    assert read_reference(path).shape == upright.shape
    same, turned = embed_picture(demo / "path-empty.jpg", embedder), embed_picture(path, embedder)
    assert References([ReferenceGroup.single("it", [same])]).scorer("c", "r").matches(turned)[0].similarity > 0.98


def test_a_jpeg_with_a_hole_is_refused_by_its_name() -> None:
    cases = Path(__file__).parents[1] / "cases" / "pictures"
    assert read_reference(cases / "whole.jpg").shape == (480, 640, 3)
    with pytest.raises(ReferenceImageError, match=r"hole\.jpg: .*bytes are missing from its middle"):
        read_reference(cases / "hole.jpg")


def test_a_transparent_picture_is_laid_on_the_background(tmp_path: Path) -> None:
    path = tmp_path / "clear.png"
    cv2.imwrite(str(path), np.zeros((4, 4, 4), np.uint8))
    assert read_reference(path)[0, 0].tolist() == [255, 255, 255]
    assert read_reference(path, background=(1, 2, 3))[0, 0].tolist() == [1, 2, 3]


def test_the_pictures_of_a_folder_are_counted_and_what_is_passed_over_is_reported(tmp_path: Path) -> None:
    for name in ("10.png", "9.png", "._9.png", "a.heic", "b.jfif"):
        (tmp_path / name).touch()
    lines: list[str] = []
    assert [path.name for path in picture_files(tmp_path, lines.append)] == ["9.png", "10.png", "b.jfif"]
    assert len(lines) == 1
    assert "(1 .heic)" in lines[0]
