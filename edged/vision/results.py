"""The results of an embedder: the Task Library's result classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from edged.vision.pb2 import EmbeddingPb, EmbeddingResultPb, FeatureVectorPb

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Embedding", "EmbeddingResult", "FeatureVector"]


@dataclass(eq=False)
class FeatureVector:
    """A vector: ``value`` has the shape ``(dimension,)``.

    It is ``float64``, holding numbers of ``float32`` precision, or, where quantised, ``uint8``: the bytes of the
    ``int8`` values in two's complement, so that 254 means -2 (``value.view(np.int8)`` shows them). Two are equal where
    their numbers are, and both are quantised or neither is.
    """

    value: npt.NDArray[Any]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FeatureVector):
            return NotImplemented
        mine, yours = np.asarray(self.value), np.asarray(other.value)
        return (mine.dtype == np.uint8) == (yours.dtype == np.uint8) and np.array_equal(mine, yours)

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def to_pb2(self) -> FeatureVectorPb:
        """Return the same as the Task Library's message.

        Raises:
            ValueError: it holds neither floats nor ``uint8``.
        """
        if self.value.dtype == np.uint8:
            return FeatureVectorPb(value_string=self.value.tobytes())
        if self.value.dtype in (np.float64, np.float32):
            return FeatureVectorPb(value_float=self.value.tolist())
        raise ValueError(f"Invalid dtype. Only float and np.uint8 are supported. (got {self.value.dtype})")

    @classmethod
    def create_from_pb2(cls, proto: Any) -> Self:
        """Return the vector of the Task Library's message *proto*.

        Raises:
            ValueError: it is empty.
        """
        if proto.value_float:
            return cls(np.array(proto.value_float, np.float64))
        if proto.value_string:
            return cls(np.frombuffer(bytes(proto.value_string), np.uint8).copy())
        raise ValueError("Either value_float or value_string must exist.")


@dataclass
class Embedding:
    """The vector of one head of the model.

    ``output_index`` is the head's number, ``head_name`` its name in the model's metadata if it has one. Vectors
    may be compared only where ``space_id`` is the same; it is empty in an embedding that was made by hand. Two are
    equal where vector and number are.
    """

    feature_vector: FeatureVector
    output_index: int
    head_name: str | None = field(default=None, compare=False)
    space_id: str = field(default="", compare=False)

    def to_pb2(self) -> EmbeddingPb:
        """Return the same as the Task Library's message."""
        return EmbeddingPb(self.feature_vector.to_pb2(), self.output_index)

    @classmethod
    def create_from_pb2(cls, proto: Any) -> Self:
        """Return the embedding of the Task Library's message *proto*."""
        return cls(FeatureVector.create_from_pb2(proto.feature_vector), int(proto.output_index))


@dataclass
class EmbeddingResult:
    """The embeddings of one picture: one for each head of the model, in its order."""

    embeddings: list[Embedding] = field(default_factory=list)

    def to_pb2(self) -> EmbeddingResultPb:
        """Return the same as the Task Library's message."""
        return EmbeddingResultPb([embedding.to_pb2() for embedding in self.embeddings])

    @classmethod
    def create_from_pb2(cls, proto: Any) -> Self:
        """Return the result of the Task Library's message *proto*."""
        return cls([Embedding.create_from_pb2(each) for each in proto.embeddings])
