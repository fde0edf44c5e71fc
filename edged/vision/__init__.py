"""The image embedder: the one inside the daemon, and a library by itself.

It is the successor of ``tflite_support.task.vision``::

    from edged import vision

    with vision.ImageEmbedder.create_from_file("model.tflite") as embedder:
        one = embedder.embed(vision.TensorImage.create_from_file("one.jpg")).embeddings[0].feature_vector
        two = embedder.embed(vision.TensorImage.create_from_file("two.jpg")).embeddings[0].feature_vector
        print(embedder.cosine_similarity(one, two))

Importing it loads numpy and OpenCV; a TFLite runtime is loaded when a model is opened.
"""

from __future__ import annotations

from edged.regions import Region
from edged.values import Delegate, PixelFormat
from edged.vision.image import ColorSpaceType, TensorImage
from edged.vision.image_embedder import ImageEmbedder
from edged.vision.options import BaseOptions, BoundingBox, EmbeddingOptions, ImageEmbedderOptions
from edged.vision.pixels.orientation import Orientation
from edged.vision.results import Embedding, EmbeddingResult, FeatureVector
from edged.vision.similarity import ReferenceMatrix

__all__ = [
    "BaseOptions",
    "BoundingBox",
    "ColorSpaceType",
    "Delegate",
    "Embedding",
    "EmbeddingOptions",
    "EmbeddingResult",
    "FeatureVector",
    "ImageEmbedder",
    "ImageEmbedderOptions",
    "Orientation",
    "PixelFormat",
    "ReferenceMatrix",
    "Region",
    "TensorImage",
]
