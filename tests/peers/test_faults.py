"""Faults of tflite-support that edged does not have: each shown there, and mended here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edged import vision
from edged.vision.runtime.engine import installed_engines
from tests.peers.drawing import Picture
from tests.peers.layouts import LAYOUTS
from tests.peers.peer import ROOT, Peer, PeerError
from tests.ticking import count_ticks

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif("ai-edge-litert" not in installed_engines(), reason="its kernels are tflite-support's"),
]

SMALL = ROOT / "tests" / "cases" / "small96_float_meta.tflite"
LARGE = ROOT / "edged" / "vision" / "models" / "efficientnet-lite0.tflite"


@pytest.fixture(scope="module")
def edged() -> Iterator[vision.ImageEmbedder]:
    options = vision.ImageEmbedderOptions(vision.BaseOptions(file_name=SMALL, engine="ai-edge-litert"))
    with vision.ImageEmbedder.create_from_options(options) as embedder:
        yield embedder


@pytest.fixture(scope="module")
def number(tflite_support: Peer) -> int:
    return tflite_support.load(SMALL.read_bytes())


@pytest.fixture
def photograph(photographs: list[Picture]) -> Picture:
    return np.ascontiguousarray(photographs[4][:200, :300])


def ours(edged: vision.ImageEmbedder, array: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    return edged.embed(vision.TensorImage.create_from_array(array)).embeddings[0].feature_vector.value


def cosine(u: npt.NDArray[Any], v: npt.NDArray[Any]) -> float:
    return float(u @ v / (np.linalg.norm(u) * np.linalg.norm(v)))


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "plain"])
def test_views_that_are_not_contiguous_are_garbage_there_and_right_here(
    tflite_support: Peer, edged: vision.ImageEmbedder, number: int, photograph: Picture, layout: str
) -> None:
    view = LAYOUTS[layout](photograph)
    (right,) = tflite_support.embed(number, np.ascontiguousarray(view))
    (wrong,) = tflite_support.embed(number, photograph, layout=layout)
    assert cosine(right, wrong) < 0.999
    assert cosine(right, ours(edged, view)) > 0.999999


def test_gray_pictures_fail_there_and_are_gray_here(
    tflite_support: Peer, edged: vision.ImageEmbedder, number: int, photograph: Picture
) -> None:
    gray = np.ascontiguousarray(photograph[..., 1])
    with pytest.raises(PeerError, match="Grayscale format does not convert to other formats") as caught:
        tflite_support.embed(number, gray)
    assert caught.value.kind == "ValueError"
    (right,) = tflite_support.embed(number, np.repeat(gray[..., None], 3, axis=2))
    assert cosine(right, ours(edged, gray)) > 0.999999


@pytest.mark.parametrize("shape", [(1, 10, 3), (10, 1, 3)], ids=str)
def test_pictures_of_one_row_or_column_are_misread_there_and_read_here(
    tflite_support: Peer, edged: vision.ImageEmbedder, number: int, photograph: Picture, shape: tuple[int, int, int]
) -> None:
    height, width, _ = shape
    line = np.ascontiguousarray(photograph[50 : 50 + height, 60 : 60 + width])
    taken_for, _ = tflite_support.ask("describe", line)
    assert taken_for == {"width": 3, "height": 10, "space": "GRAYSCALE"}
    with pytest.raises(PeerError):
        tflite_support.embed(number, line)
    # The same line as a file is read as what it is.
    _, png = cv2.imencode(".png", cv2.cvtColor(line, cv2.COLOR_RGB2BGR))
    _, (right,) = tflite_support.ask("embed_file", png.reshape(-1), number=number)
    image = vision.TensorImage.create_from_array(line)
    assert (image.width, image.height, image.color_space_type.name) == (width, height, "RGB")
    assert cosine(right, ours(edged, line)) > 0.999999


def test_a_picture_of_one_pixel_is_refused_there_and_embedded_here(
    tflite_support: Peer, edged: vision.ImageEmbedder, number: int, photograph: Picture
) -> None:
    pixel = np.ascontiguousarray(photograph[50:51, 60:61])
    with pytest.raises(PeerError, match="Incompatible buffer dimension!"):
        tflite_support.embed(number, pixel)
    (right,) = tflite_support.embed(number, photograph, box=[60, 50, 1, 1])
    assert cosine(right, ours(edged, pixel)) > 0.999999


def test_other_threads_wait_there_while_a_picture_is_embedded_and_run_here(
    tflite_support: Peer, photograph: Picture
) -> None:
    slow = tflite_support.load(LARGE.read_bytes())
    theirs, _ = tflite_support.ask("ticks", photograph, number=slow, seconds=0.5)
    options = vision.ImageEmbedderOptions(vision.BaseOptions(file_name=LARGE, engine="ai-edge-litert"))
    image = vision.TensorImage.create_from_array(photograph)
    with vision.ImageEmbedder.create_from_options(options) as embedder:
        mine = count_ticks(lambda: embedder.embed(image), 0.5)
    assert theirs["ticks"] < theirs["calls"], theirs  # now and then between two calls, and never while one goes on
    assert mine["ticks"] >= mine["calls"], mine
