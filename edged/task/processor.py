"""``processor``: what is done to a vector, where to look, and results."""

from __future__ import annotations

from edged.vision.options import BoundingBox, EmbeddingOptions
from edged.vision.results import Embedding, EmbeddingResult, FeatureVector

__all__ = ["BoundingBox", "Embedding", "EmbeddingOptions", "EmbeddingResult", "FeatureVector"]
