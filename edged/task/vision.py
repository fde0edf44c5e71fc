"""``vision``: the embedder and its pictures."""

from __future__ import annotations

from edged.vision.image import ColorSpaceType, TensorImage
from edged.vision.image_embedder import ImageEmbedder
from edged.vision.options import ImageEmbedderOptions

__all__ = ["ColorSpaceType", "ImageEmbedder", "ImageEmbedderOptions", "TensorImage"]
