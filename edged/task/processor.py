"""``processor``: options of vectors, regions of interest, and results."""

from __future__ import annotations

from edged.vision.options import BoundingBox, EmbeddingOptions
from edged.vision.results import Embedding, EmbeddingResult, FeatureVector

__all__ = ["BoundingBox", "Embedding", "EmbeddingOptions", "EmbeddingResult", "FeatureVector"]
