"""Asks MediaPipe's ImageEmbedder; runs in the environment that scripts/peers makes for it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from tests.peers.framing import Array
from tests.peers.serving import Answer, serve

mediapipe = import_module("mediapipe")
vision = import_module("mediapipe.tasks.python.vision")
options_of = import_module("mediapipe.tasks.python.core.base_options")
containers = import_module("mediapipe.tasks.python.components.containers.rect")

embedders: dict[int, Any] = {}


def load(model: Array, l2_normalize: bool = False, quantize: bool = False) -> Answer:
    base = options_of.BaseOptions(model_asset_buffer=model.tobytes())
    options = vision.ImageEmbedderOptions(base, l2_normalize=l2_normalize, quantize=quantize)
    embedders[len(embedders)] = vision.ImageEmbedder.create_from_options(options)
    return {"number": len(embedders) - 1}, []


def close(number: int) -> Answer:
    embedders.pop(number).close()
    return {}, []


def embed(image: Array, number: int, box: list[int] | None = None, rotation: int = 0) -> Answer:
    height, width = image.shape[:2]
    x, y, across, down = box or [0, 0, width, height]
    region = containers.RectF(left=x / width, top=y / height, right=(x + across) / width, bottom=(y + down) / height)
    processing = vision.ImageProcessingOptions(region_of_interest=region, rotation_degrees=rotation)
    picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image)
    result = embedders[number].embed(picture, processing)
    return {}, [np.asarray(embedding.embedding, np.float32) for embedding in result.embeddings]


if __name__ == "__main__":
    serve({"load": load, "close": close, "embed": embed})
