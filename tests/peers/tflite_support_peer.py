"""Asks tflite-support's ImageEmbedder; runs in the environment that scripts/peers makes for it."""

from __future__ import annotations

import ctypes
from importlib import import_module
from typing import Any

import numpy as np

from tests.peers.framing import Array
from tests.peers.layouts import LAYOUTS
from tests.peers.programs import run
from tests.peers.serving import Answer, serve
from tests.ticking import count_ticks

# Its extension modules want libusb, and where the system has none, this package does.
ctypes.CDLL(import_module("libusb_package").get_library_path(), ctypes.RTLD_GLOBAL)
core, processor, vision = (import_module(f"tflite_support.task.{name}") for name in ("core", "processor", "vision"))

embedders: dict[int, Any] = {}


def load(model: Array, l2_normalize: bool = False, quantize: bool = False) -> Answer:
    options = vision.ImageEmbedderOptions(
        core.BaseOptions(file_content=model.tobytes(), num_threads=1),
        processor.EmbeddingOptions(l2_normalize=l2_normalize, quantize=quantize),
    )
    embedders[len(embedders)] = vision.ImageEmbedder.create_from_options(options)
    return {"number": len(embedders) - 1}, []


def close(number: int) -> Answer:
    embedders[number] = None
    return {}, []


def embed(image: Array, number: int, box: list[int] | None = None, layout: str = "plain") -> Answer:
    view = LAYOUTS[layout](image)
    return _vectors(number, vision.TensorImage.create_from_array(view), box)


def embed_file(content: Array, number: int) -> Answer:
    return _vectors(number, vision.TensorImage.create_from_buffer(content.tobytes()), None)


def describe(image: Array) -> Answer:
    """What it takes an array for."""
    picture = vision.TensorImage.create_from_array(image)
    return {"width": picture.width, "height": picture.height, "space": picture.color_space_type.name}, []


def cosine(u: Array, v: Array, number: int) -> Answer:
    vectors = [processor.FeatureVector(value=vector) for vector in (u, v)]
    return {"cosine": embedders[number].cosine_similarity(*vectors)}, []


def program(name: str) -> Answer:
    """What a program of ``programs`` comes to."""
    return run(name, core, processor, vision), []


def ticks(image: Array, number: int, seconds: float) -> Answer:
    """How often another thread of Python gets its turn while this one embeds without a pause."""
    picture = vision.TensorImage.create_from_array(image)
    return count_ticks(lambda: embedders[number].embed(picture), seconds), []


def _vectors(number: int, picture: Any, box: list[int] | None) -> Answer:
    result = embedders[number].embed(picture, processor.BoundingBox(*box) if box else None)
    vectors = [embedding.feature_vector.value for embedding in result.embeddings]
    return {}, [vector if vector.dtype == np.uint8 else vector.astype(np.float32) for vector in vectors]


if __name__ == "__main__":
    serve(
        {
            "load": load,
            "close": close,
            "embed": embed,
            "embed_file": embed_file,
            "describe": describe,
            "cosine": cosine,
            "ticks": ticks,
            "program": program,
        }
    )
