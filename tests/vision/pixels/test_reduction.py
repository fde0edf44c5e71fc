"""How far JPEGs may be reduced, and references that go the same way."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edged.references import embed_picture
from edged.regions import FULL, Box, PixelRegion, Pixels, Region
from edged.values import PixelFormat
from edged.vision.embedder import Embedder, EmbedderOptions, space_of
from edged.vision.image import read_picture
from edged.vision.pixels.reduction import crop_size, largest_reduction, reduce_picture
from edged.vision.specs import ModelFile

INPUT = (224, 224)


@pytest.mark.parametrize(
    ("width", "height", "reduction"),
    [
        (1920, 1080, 4),
        (1792, 1792, 8),
        (1785, 1785, 8),  # the decoder rounds up
        (1784, 1784, 4),
        (640, 480, 2),
        (447, 448, 2),
        (446, 448, 1),
        (224, 224, 1),
        (10, 10, 1),
    ],
)
def test_a_frame_is_reduced_as_far_as_the_model_allows(width: int, height: int, reduction: int) -> None:
    assert largest_reduction(width, height, [FULL], INPUT) == reduction


def test_the_smallest_region_decides() -> None:
    half = Region(right=0.5)
    assert largest_reduction(1920, 1080, [FULL, half], INPUT) == 4
    assert largest_reduction(1600, 1080, [FULL, half], INPUT) == 2
    assert largest_reduction(1920, 1080, [FULL, Region(right=0.1)], INPUT) == 1


def test_a_region_in_pixels_is_as_large_as_in_the_frame_as_captured() -> None:
    part = PixelRegion(left=Pixels(1000), right=Pixels(1448))
    assert largest_reduction(1920, 1080, [part], INPUT) == 2


def test_a_crop_that_will_be_turned_needs_its_sides_the_other_way_round() -> None:
    assert [crop_size((200, 100), rotation) for rotation in (0, 90, 180, 270)] == [
        (200, 100),
        (100, 200),
        (200, 100),
        (100, 200),
    ]


def test_a_small_picture_stays_as_it_is() -> None:
    picture = np.zeros((300, 447, 3), np.uint8)
    assert reduce_picture(picture, INPUT) is picture


def test_colours_and_sizes_are_those_of_the_picture() -> None:
    picture = np.zeros((901, 1801, 3), np.uint8)
    picture[:, 900:] = (250, 120, 10)
    small = reduce_picture(picture, INPUT)
    assert small.shape == (226, 451, 3)
    assert np.abs(small[:, -50:].astype(int) - (250, 120, 10)).max() < 5
    assert small[:, :50].max() < 5


def test_a_reference_comes_as_near_to_a_camera_as_jpegs_allow(
    float_model: ModelFile, demo: Path, tmp_path: Path
) -> None:
    """A camera's own JPEG, reduced, and the same scene as a reference: nearly one, where in full they are not."""
    scene = cv2.resize(read_picture(demo / "path-busy.jpg"), (1280, 960), interpolation=cv2.INTER_CUBIC)
    sent = cv2.imencode(".jpg", scene[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    frame = cv2.imdecode(sent, cv2.IMREAD_REDUCED_COLOR_4)
    assert frame is not None
    cv2.imwrite(str(tmp_path / "a.png"), scene[..., ::-1])
    with Embedder(float_model, EmbedderOptions(decode="reduced")) as reduced, Embedder(float_model) as full:
        of_camera = np.zeros(reduced.dimension, np.float32)
        reduced.embed(frame.astype(np.uint8), PixelFormat.BGR, Box(0, 0, 320, 240), 0, of_camera)
        near = cosine(of_camera, embed_picture(tmp_path / "a.png", reduced))
        far = cosine(of_camera, embed_picture(tmp_path / "a.png", full))
    assert near > 0.998
    assert far < near - 0.005


def cosine(one: np.ndarray[tuple[int, ...], np.dtype[np.generic]], other: object) -> float:
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_vectors_of_both_ways_are_of_two_spaces(float_model: ModelFile) -> None:
    assert space_of(float_model, EmbedderOptions()) != space_of(float_model, EmbedderOptions(decode="reduced"))
    assert space_of(float_model, EmbedderOptions()) == space_of(float_model, EmbedderOptions(decode="full"))
