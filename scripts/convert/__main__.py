"""Make the bundled models: ``python -m scripts.convert FOLDER``, in an environment with TensorFlow (see convert-model).

What is printed of each file is its SHA-256, which edged/vision/bundled.py wants to know, and how far its vectors are
from those of the network that it was made of.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edged.vision.self_test import SELF_TEST_PICTURES, self_test_picture
from scripts.convert.network import EfficientNet
from scripts.convert.note import with_metadata
from scripts.convert.pictures import normalised, photographs, sized, views
from scripts.convert.weights import Weights


def main(folder: Path) -> None:
    """Write the models to *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    network = EfficientNet(Weights.published())
    pictures = [normalised(view) for view in views()]
    print(f"{len(pictures)} pictures for calibration")
    for name, model in (
        ("efficientnet-lite0", network.float16()),
        ("efficientnet-lite0-int8", network.int8(pictures)),
    ):
        content = with_metadata(model)
        path = folder / f"{name}.tflite"
        path.write_bytes(content)
        np.save(path.with_suffix(".npy"), self_test_vectors(content).astype(np.float16))
        cosines = fidelity(content, network)
        print(f"{path}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")
        print(f"  cosine to the network, {len(cosines)} pictures: mean {cosines.mean():.5f}, min {cosines.min():.5f}")


def fidelity(content: bytes, network: EfficientNet) -> npt.NDArray[np.float64]:
    """For each whole photograph, the cosine of the model's vector to the network's."""
    embed = embedder(content)
    cosines = []
    for photograph, _ in photographs():
        pixels = sized(photograph)
        got = embed(pixels)
        wanted = network(normalised(pixels)).astype(np.float64)
        cosines.append(got @ wanted / np.linalg.norm(got) / np.linalg.norm(wanted))
    return np.array(cosines)


def self_test_vectors(content: bytes) -> npt.NDArray[np.float64]:
    """The vectors that the model has to give of the self-test pictures, a row each."""
    embed = embedder(content, "BUILTIN_WITHOUT_DEFAULT_DELEGATES")
    return np.array([embed(self_test_picture(name, 224, 224)) for name in SELF_TEST_PICTURES])


def embedder(content: bytes, resolver: str = "AUTO") -> Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float64]]:
    """The model, with one of TFLite's sets of kernels: from pixels, (224, 224, 3), to the vector."""
    tf: Any = import_module("tensorflow")  # only .venv-convert has it
    interpreter = tf.lite.Interpreter(
        model_content=content,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType[resolver],
    )
    interpreter.allocate_tensors()
    (picture,), (vector,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero_point = vector["quantization"]

    def embed(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        interpreter.set_tensor(picture["index"], pixels[None] if picture["dtype"] == np.uint8 else normalised(pixels))
        interpreter.invoke()
        stored: npt.NDArray[np.float64] = interpreter.get_tensor(vector["index"])[0].astype(np.float64)
        real: npt.NDArray[np.float64] = (stored - zero_point) * float(scale or 1.0)
        return real

    return embed


if __name__ == "__main__":
    main(Path(sys.argv[1]))
