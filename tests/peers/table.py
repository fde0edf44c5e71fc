"""How far edged, its faster resizes, and MediaPipe are from tflite-support: the table of docs/parity.md.

``python -m tests.peers.table`` asks them all and prints it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edged import vision
from edged.regions import Box
from edged.vision.pixels.resize import Resize
from tests.peers.drawing import Case, Picture, draw, read_photographs
from tests.peers.peer import ROOT, Peer

Embed = Callable[[Case], npt.NDArray[Any]]

MODELS = {
    "efficientnet-lite0 (float16)": ROOT / "edged" / "vision" / "models" / "efficientnet-lite0.tflite",
    "efficientnet-lite0-int8": ROOT / "edged" / "vision" / "models" / "efficientnet-lite0-int8.tflite",
    "mobilenet_v1 0.25, 96 x 96, float": ROOT / "tests" / "cases" / "small96_float_meta.tflite",
    "mobilenet_v1 0.25, 96 x 96, uint8": ROOT / "tests" / "cases" / "small96_uint8_meta.tflite",
}
SIDE = {True: 224, False: 96}
"""Of the input of the first two models, and of the others."""


def edged(model: Path, resize: Resize = "exact") -> Embed:
    base = vision.BaseOptions(file_name=model, engine="ai-edge-litert")
    embedder = vision.ImageEmbedder.create_from_options(vision.ImageEmbedderOptions(base, resize=resize))

    def embed(case: Case) -> npt.NDArray[Any]:
        box = case.region
        result = embedder.embed(
            vision.TensorImage.create_from_array(case.image),
            vision.BoundingBox(box.x, box.y, box.width, box.height),
        )
        return result.embeddings[0].feature_vector.value

    return embed


def asked(peer: Peer, model: Path) -> Embed:
    number = peer.load(model.read_bytes())

    def embed(case: Case) -> npt.NDArray[Any]:
        box = case.region
        return peer.embed(number, case.image, box=[box.x, box.y, box.width, box.height])[0]

    return embed


def shrinking(photographs: list[Picture], side: int, count: int) -> list[Case]:
    """Pictures and regions larger than the model's input on both sides: what cameras give."""
    drawn = (case for case in draw(photographs, 40 * count, seed=21) if _sides(case)[0] > side)
    return [case for case, _ in zip(drawn, range(count), strict=False)]


def enlarging(photographs: list[Picture], side: int, count: int) -> list[Case]:
    """Those smaller on both sides: far away things, and a stress case."""
    drawn = (case for case in draw(photographs, 40 * count, seed=22) if _sides(case)[0] >= 8 and _sides(case)[1] < side)
    return [case for case, _ in zip(drawn, range(count), strict=False)]


def _sides(case: Case) -> tuple[int, int]:
    box: Box = case.region
    return min(box.width, box.height), max(box.width, box.height)


def cosines(one: Iterable[npt.NDArray[Any]], other: Iterable[npt.NDArray[Any]]) -> list[float]:
    return [vision.ImageEmbedder.cosine_similarity(_vector(u), _vector(v)) for u, v in zip(one, other, strict=True)]


def _vector(value: npt.NDArray[Any]) -> vision.FeatureVector:
    return vision.FeatureVector(value.astype(np.float32))


def main(count: int = 40) -> None:
    photographs = read_photographs()
    print("| model | pictures | edged `exact` | edged `linear` | edged `area` | MediaPipe |")
    print("|---|---|---|---|---|---|")
    with Peer("tflite-support") as tflite_support, Peer("mediapipe") as mediapipe:
        for name, path in MODELS.items():
            side = SIDE[name.startswith("efficientnet")]
            embeds = [asked(tflite_support, path), edged(path), edged(path, "linear"), edged(path, "area")]
            embeds.append(asked(mediapipe, path))
            for title, cases in [
                ("larger than the input", shrinking(photographs, side, count)),
                ("smaller", enlarging(photographs, side, count)),
            ]:
                task_library, *others = [[embed(case) for case in cases] for embed in embeds]
                columns = [cosines(vectors, task_library) for vectors in others]
                figures = " | ".join(f"{min(column):.6f} / {np.median(column):.6f}" for column in columns)
                print(f"| {name} | {len(cases)} {title} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
