"""The vectors of edged and tflite-support, picture for picture, with the engine that has the same kernels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edged import vision
from edged.values import ROTATIONS, Rotation
from edged.vision.pixels.orientation import Orientation
from edged.vision.runtime.engine import installed_engines
from tests.peers.drawing import Case, Picture, draw
from tests.peers.peer import ROOT, Peer
from tests.peers.picture_models import picture_model
from tests.vision.pixels.test_orientation import UPRIGHT

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif("ai-edge-litert" not in installed_engines(), reason="its kernels are tflite-support's"),
]

MODELS = {
    "small96_float_meta": ROOT / "tests" / "cases" / "small96_float_meta.tflite",
    "small96_float_meta_3ch_norm": ROOT / "tests" / "cases" / "small96_float_meta_3ch_norm.tflite",
    "small96_uint8_meta": ROOT / "tests" / "cases" / "small96_uint8_meta.tflite",
    "two_heads_uint8_meta": ROOT / "tests" / "cases" / "two_heads_uint8_meta.tflite",
    "efficientnet-lite0": ROOT / "edged" / "vision" / "models" / "efficientnet-lite0.tflite",
    "efficientnet-lite0-int8": ROOT / "edged" / "vision" / "models" / "efficientnet-lite0-int8.tflite",
}
COUNTS = {"efficientnet-lite0": 60, "efficientnet-lite0-int8": 60}
"""The others are asked for 110 pictures each: 560 in all."""

LEAST = 0.999999
"""A cosine below this fails: the kernels are the same, and so are the pixels."""


@dataclass
class Agreement:
    """What was seen of one model with one setting."""

    cosines: list[float] = field(default_factory=list)
    largest: float = 0.0
    worst: str = ""

    def note(self, case: Case, ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> None:
        u, v = _real(ours), _real(theirs)
        lengths = float(np.linalg.norm(u) * np.linalg.norm(v))
        # Vectors of zeros, which the smallest models have for black pictures, are alike.
        cosine = float(u @ v) / lengths if lengths else float(np.array_equal(u, v))
        if not self.cosines or cosine < min(self.cosines):
            self.worst = str(case)
        self.cosines.append(cosine)
        self.largest = max(self.largest, float(np.abs(u - v).max()))

    def __str__(self) -> str:
        worst, median = min(self.cosines), np.median(self.cosines)
        return (
            f"{len(self.cosines):4} vectors, cosine worst {worst:.7f} median {median:.7f}, "
            f"largest difference {self.largest:.2g}"
        )


def _real(vector: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return (vector.view(np.int8) if vector.dtype == np.uint8 else vector).astype(np.float64)


class Theirs:
    """tflite-support's embedder, and what it would see of a turned picture if it could be asked to turn."""

    def __init__(self, peer: Peer, model: bytes, size: tuple[int, int], **settings: bool) -> None:
        self._peer = peer
        self._embedder = peer.load(model, **settings)
        self._seers = [peer.load(picture_model(*size)), peer.load(picture_model(*size[::-1]))]
        self._size = size

    def embed(self, case: Case, rotation: Rotation) -> list[npt.NDArray[Any]]:
        image, box = case.asked()
        if not rotation:
            return self._peer.embed(self._embedder, image, box=box)
        orientation = Orientation.from_rotation(rotation)
        width, height = self._size[::-1] if orientation.swaps_sides else self._size
        (seen,) = self._peer.embed(self._seers[orientation.swaps_sides], image, box=box)
        upright = UPRIGHT[orientation](seen.reshape(height, width, 3).astype(np.uint8))
        return self._peer.embed(self._embedder, np.ascontiguousarray(upright))

    def close(self) -> None:
        for number in (self._embedder, *self._seers):
            self._peer.ask("close", number=number)


def options(model: Path, **settings: bool) -> vision.ImageEmbedderOptions:
    base = vision.BaseOptions(file_name=model, engine="ai-edge-litert")
    return vision.ImageEmbedderOptions(base, vision.EmbeddingOptions(**settings))


@pytest.fixture(scope="module")
def agreements(figures: list[str]) -> Iterator[dict[str, Agreement]]:
    seen: dict[str, Agreement] = {}
    yield seen
    figures += [f"{name:72} {agreement}" for name, agreement in seen.items()]
    together = Agreement()
    for agreement in seen.values():
        together.cosines += agreement.cosines
        together.largest = max(together.largest, agreement.largest)
    figures.append(f"{'all':72} {together}")


@pytest.mark.parametrize("settings", [{}, {"l2_normalize": True}, {"l2_normalize": True, "quantize": True}], ids=str)
@pytest.mark.parametrize("name", MODELS)
def test_vectors_point_the_same_way(
    tflite_support: Peer,
    photographs: list[Picture],
    agreements: dict[str, Agreement],
    name: str,
    settings: dict[str, bool],
) -> None:
    model = MODELS[name]
    count = COUNTS.get(name, 111) // 3
    agreement = agreements[f"{name} {settings or ''}"] = Agreement()
    with vision.ImageEmbedder.create_from_options(options(model, **settings)) as ours:
        size = (224, 224) if name in COUNTS else (96, 96)
        theirs = Theirs(tflite_support, model.read_bytes(), size, **settings)
        for case in draw(photographs, count, seed=len(name) + len(settings)):
            rotation = ROTATIONS[case.choice % 8 // 2] if case.choice % 2 else 0
            box = vision.BoundingBox(case.box.x, case.box.y, case.box.width, case.box.height) if case.box else None
            result = ours.embed(vision.TensorImage.create_from_array(case.image), box, rotation=rotation)
            answers = theirs.embed(case, rotation)
            assert len(answers) == len(result.embeddings)
            for embedding, answer in zip(result.embeddings, answers, strict=True):
                agreement.note(case, embedding.feature_vector.value, answer)
        theirs.close()
    # Numbers quantised to steps of 1/128 may fall to either side of a half; whole vectors stay as near as that.
    least = 0.9999 if settings.get("quantize") and "float" in name else LEAST
    assert min(agreement.cosines) >= least, f"{agreement}; {agreement.worst}"


def test_similarities_are_equal_to_the_last_bit(tflite_support: Peer) -> None:
    number = tflite_support.load(picture_model(2, 2))
    random = np.random.default_rng(8)
    for _ in range(200):
        floats = random.normal(size=(2, 1280)).astype(np.float32).astype(np.float64)
        bytes_ = random.integers(0, 256, (2, 1280), np.uint8)
        for u, v in (floats, bytes_):
            theirs = tflite_support.ask("cosine", u, v, number=number)[0]["cosine"]
            ours = vision.ImageEmbedder.cosine_similarity(vision.FeatureVector(u), vision.FeatureVector(v))
            assert ours == theirs
