"""The Task Library's messages, as plain values: what ``to_pb2`` gives and ``create_from_pb2`` takes.

They have the fields of the library's protobufs, and edged needs no protobuf for them. ``create_from_pb2`` reads real
ones, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = [
    "BaseOptionsPb",
    "BoundingBoxPb",
    "EmbeddingOptionsPb",
    "EmbeddingPb",
    "EmbeddingResultPb",
    "FeatureVectorPb",
]


@dataclass
class BaseOptionsPb:
    """``tflite.python.task.core.BaseOptions``, as far as edged knows its fields."""

    file_name: str = ""
    file_content: bytes = b""
    num_threads: int = -1
    use_coral: bool = False


@dataclass
class EmbeddingOptionsPb:
    """``tflite.task.processor.EmbeddingOptions``."""

    l2_normalize: bool = False
    quantize: bool = False


@dataclass
class BoundingBoxPb:
    """``tflite.task.processor.BoundingBox``."""

    origin_x: int = 0
    origin_y: int = 0
    width: int = 0
    height: int = 0


@dataclass
class FeatureVectorPb:
    """``tflite.task.processor.FeatureVector``: ``value_string`` are the bytes of a quantised vector."""

    value_float: list[float] = field(default_factory=list)
    value_string: bytes = b""


@dataclass
class EmbeddingPb:
    """``tflite.task.processor.Embedding``."""

    feature_vector: FeatureVectorPb = field(default_factory=FeatureVectorPb)
    output_index: int = 0


@dataclass
class EmbeddingResultPb:
    """``tflite.task.processor.EmbeddingResult``."""

    embeddings: list[EmbeddingPb] = field(default_factory=list)
