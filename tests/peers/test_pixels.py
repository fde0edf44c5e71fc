"""The pixels that a model sees: edged's and tflite-support's, equal to the bit.

tflite-support does not show them; models that answer with the picture they were given do.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from edged.regions import Box
from edged.values import PixelFormat
from edged.vision.pixels.orientation import Orientation
from edged.vision.pixels.preprocess import Preprocessor
from edged.vision.specs import InputSpec, Normalization
from tests.peers.drawing import Case, Picture, draw
from tests.peers.peer import Peer
from tests.peers.picture_models import picture_model
from tests.vision.pixels.test_orientation import UPRIGHT

pytestmark = pytest.mark.peer


def ours(case: Case, width: int, height: int, orientation: Orientation = Orientation.TOP_LEFT) -> Picture:
    out = np.zeros((height, width, 3), np.uint8)
    preprocess = Preprocessor(InputSpec("picture", 0, height, width, "uint8"))
    preprocess(case.image, PixelFormat.RGB, case.region, orientation, out)
    return out


def theirs(peer: Peer, case: Case, width: int, height: int) -> Picture:
    number = peer.load(picture_model(width, height))
    image, box = case.asked()
    (vector,) = peer.embed(number, image, box=box)
    peer.ask("close", number=number)
    return vector.reshape(height, width, 3).astype(np.uint8)


def test_drawn_pictures_are_equal_in_every_pixel(tflite_support: Peer, photographs: list[Picture]) -> None:
    random = np.random.default_rng(5)
    different = []
    for case in draw(photographs, 400, seed=1):
        width, height = (int(side) for side in random.integers(1, 64, 2))
        got, want = ours(case, width, height), theirs(tflite_support, case, width, height)
        if not np.array_equal(got, want):
            different.append(f"{case} to {width} x {height}: {np.mean(got != want):.2%} of all numbers")
    assert not different, different


@pytest.mark.parametrize(
    "size",
    [(1280, 720), (640, 480), (1920, 1080), (448, 448), (224, 672), (672, 224), (896, 448), (100, 75), (225, 223)],
    ids=str,
)
def test_common_sizes_are_equal_in_every_pixel(
    tflite_support: Peer, photographs: list[Picture], size: tuple[int, int]
) -> None:
    width, height = size
    image = np.ascontiguousarray(np.resize(photographs[0], (height, width, 3)))
    case = Case(image, None, 0)
    np.testing.assert_array_equal(ours(case, 224, 224), theirs(tflite_support, case, 224, 224))


@pytest.mark.parametrize("factor", range(1, 8))
def test_whole_factors_are_equal_in_every_pixel(tflite_support: Peer, photographs: list[Picture], factor: int) -> None:
    for other in range(1, 8):
        for width, height in [(13, 9), (12, 8), (3, 2), (1, 1)]:
            image = np.ascontiguousarray(np.resize(photographs[1], (height * other, width * factor, 3)))
            case = Case(image, None, other)
            np.testing.assert_array_equal(ours(case, width, height), theirs(tflite_support, case, width, height))


@pytest.mark.parametrize("source", [(1, 1), (1, 9), (9, 1), (2, 2), (1, 2000), (2000, 1), (3, 2), (2, 3)], ids=str)
def test_pictures_of_hardly_a_pixel_are_equal_in_every_one(
    tflite_support: Peer, photographs: list[Picture], source: tuple[int, int]
) -> None:
    across, down = source
    image = np.ascontiguousarray(np.resize(photographs[2], (2001, 2001, 3)))
    case = Case(image, Box(1, 1, across, down), 0)
    for width, height in [(1, 1), (2, 2), (9, 9), (27, 3), (96, 96), (1, 30), (30, 1)]:
        np.testing.assert_array_equal(ours(case, width, height), theirs(tflite_support, case, width, height))


@pytest.mark.parametrize("orientation", Orientation)
def test_turned_pictures_are_their_pixels_in_other_places(
    tflite_support: Peer, photographs: list[Picture], orientation: Orientation
) -> None:
    """Theirs cannot be asked to turn from Python, but crop and resize come before, at the size that is turned."""
    for case in draw(photographs, 12, seed=int(orientation)):
        width, height = (31, 47) if orientation.swaps_sides else (47, 31)
        want = UPRIGHT[orientation](theirs(tflite_support, case, width, height))
        np.testing.assert_array_equal(ours(case, 47, 31, orientation), want)


@pytest.mark.parametrize("channels", [4])
def test_alpha_is_left_out_as_theirs_is(tflite_support: Peer, photographs: list[Picture], channels: int) -> None:
    case = next(draw(photographs, 1, seed=77))
    alpha = np.random.default_rng(0).integers(0, 256, (*case.image.shape[:2], 1), np.uint8)
    image = np.concatenate([case.image, alpha], axis=2)
    want = theirs(tflite_support, Case(image, None, 0), 47, 31)
    out = np.zeros((31, 47, 3), np.uint8)
    Preprocessor(InputSpec("picture", 0, 31, 47, "uint8"))(
        image, PixelFormat.RGBA, case.region, Orientation.TOP_LEFT, out
    )
    np.testing.assert_array_equal(out, want)


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ((127.5,), (127.5,)),
        ((127.0,), (128.0,)),
        ((0.0,), (255.0,)),
        ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
        ((-3.0, 0.1, 300.0), (-1.0, 1e-3, 7.7)),
    ],
)
def test_normalised_numbers_are_equal_to_the_last_bit(
    tflite_support: Peer, photographs: list[Picture], mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    number = tflite_support.load(picture_model(40, 24, mean, std))
    preprocess = Preprocessor(InputSpec("picture", 0, 24, 40, "float32", None, Normalization(mean, std)))
    for case in draw(photographs, 12, seed=4):
        image, box = case.asked()
        (want,) = tflite_support.embed(number, image, box=box)
        out: npt.NDArray[np.float32] = np.zeros((1, 24, 40, 3), np.float32)
        preprocess(case.image, PixelFormat.RGB, case.region, Orientation.TOP_LEFT, out)
        np.testing.assert_array_equal(out.reshape(-1), want)
