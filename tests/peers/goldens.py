"""Stored answers of tflite-support: the check for machines on which it cannot be asked.

``python -m tests.peers.goldens`` asks it again and writes tests/peers/goldens/tflite_support.npz anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.peers.peer import ROOT, Peer
from tests.peers.picture_models import picture_model

STORED = Path(__file__).parent / "goldens" / "tflite_support.npz"

GEOMETRIES = [
    ((160, 90), (16, 12)),
    ((161, 91), (16, 12)),
    ((33, 47), (16, 12)),
    ((17, 11), (16, 12)),
    ((7, 5), (16, 12)),
    ((7, 90), (16, 12)),
    ((160, 5), (16, 12)),
    ((16, 90), (16, 12)),
    ((16, 5), (16, 12)),
    ((90, 12), (16, 12)),
    ((48, 12), (16, 12)),
    ((90, 36), (16, 12)),
    ((48, 36), (16, 12)),
    ((80, 60), (16, 12)),
    ((48, 24), (16, 12)),
    ((32, 36), (16, 12)),
    ((2, 2), (16, 12)),
    ((2, 3), (9, 7)),
    ((90, 70), (1, 1)),
]
"""Sizes from and to; none of them shrinks both sides by an even factor, which depends on the processor."""

EVEN_GEOMETRIES = [((32, 24), (16, 12)), ((64, 48), (16, 12)), ((60, 48), (15, 12)), ((84, 24), (14, 12))]
"""These do, and were asked on x86-64."""

MODELS = {
    "small96_float_meta": ROOT / "tests" / "cases" / "small96_float_meta.tflite",
    "small96_float_meta_3ch_norm": ROOT / "tests" / "cases" / "small96_float_meta_3ch_norm.tflite",
    "small96_uint8_meta": ROOT / "tests" / "cases" / "small96_uint8_meta.tflite",
    "efficientnet-lite0": ROOT / "edged" / "vision" / "models" / "efficientnet-lite0.tflite",
    "efficientnet-lite0-int8": ROOT / "edged" / "vision" / "models" / "efficientnet-lite0-int8.tflite",
}
SIZES = [(640, 480), (321, 243), (224, 224), (60, 40)]


def pattern(width: int, height: int) -> npt.NDArray[np.uint8]:
    """A picture made by whole numbers, the same wherever it is made: two ramps, and squares with a texture."""
    x, y = np.arange(width), np.arange(height)[:, None]
    red = x * 255 // max(width - 1, 1) + 0 * y
    green = y * 255 // max(height - 1, 1) + 0 * x
    blue = (x // 7 + y // 5) % 2 * 200 + x * y % 56
    return np.stack([red, green, blue], axis=2).astype(np.uint8)


def main() -> None:
    answers: dict[str, Any] = {}
    with Peer("tflite-support") as peer:
        for source, (width, height) in [*GEOMETRIES, *EVEN_GEOMETRIES]:
            number = peer.load(picture_model(width, height))
            (vector,) = peer.embed(number, pattern(*source))
            answers[f"pixels {source} {(width, height)}"] = vector.reshape(height, width, 3).astype(np.uint8)
        for name, path in MODELS.items():
            number = peer.load(path.read_bytes())
            for size in SIZES:
                (vector,) = peer.embed(number, pattern(*size))
                answers[f"{name} {size}"] = vector.astype(np.float16)
    STORED.parent.mkdir(exist_ok=True)
    np.savez_compressed(STORED, **answers)


if __name__ == "__main__":
    main()
