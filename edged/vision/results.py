"""The results of an embedder: the Task Library's result classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Embedding", "EmbeddingResult", "FeatureVector"]


@dataclass(eq=False)
class FeatureVector:
    """A vector: ``value`` has the shape ``(dimension,)``.

    It is ``float64``, holding numbers of ``float32`` precision, or, where quantised, ``uint8``: the bytes of the
    ``int8`` values in two's complement, so that 254 means -2 (``value.view(np.int8)`` shows them).
    """

    value: npt.NDArray[Any]


@dataclass(eq=False)
class Embedding:
    """The vector of one head of the model.

    ``output_index`` is the head's number, ``head_name`` its name in the model's metadata if it has one. Vectors
    may be compared only where ``space_id`` is the same; it is empty in an embedding that was made by hand.
    """

    feature_vector: FeatureVector
    output_index: int
    head_name: str | None = None
    space_id: str = ""


@dataclass(eq=False)
class EmbeddingResult:
    """The embeddings of one picture: one for each head of the model, in its order."""

    embeddings: list[Embedding] = field(default_factory=list)
