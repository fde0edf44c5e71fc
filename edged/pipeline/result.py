"""Results of the inference, and the facts about its model that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from numpy.typing import NDArray

from edged.regions import Region
from edged.values import ReferenceScore, Rotation, Stamp, StateAnswer

if TYPE_CHECKING:
    from edged.vision.embedder import Embedder

__all__ = ["ModelFacts", "Result"]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The model as messages describe it: the same for all its results.

    ``dtype`` is ``<f4`` or ``|i1``; ``scale`` is the factor of a scalar-quantised vector, else None.
    """

    model: str
    space_id: str
    engine: str
    delegate: str
    head: int
    head_name: str | None
    dtype: Literal["<f4", "|i1"]
    dimension: int
    norm: Literal["l2", "none"]
    scale: float | None

    @classmethod
    def of(cls, embedder: Embedder) -> Self:
        """Return the facts about the open model of *embedder*."""
        return cls(
            model=embedder.model.name.encode("utf-8", "replace").decode(),  # a file's name need not be text
            space_id=embedder.space_id,
            engine=embedder.engine,
            delegate=embedder.delegate,
            head=embedder.head.index,
            head_name=embedder.head.name,
            dtype="|i1" if embedder.options.quantize else "<f4",
            dimension=embedder.dimension,
            norm="l2" if embedder.l2_normalize else "none",
            scale=embedder.scale,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One embedded region of one frame. ``vector`` is lent by the hand-over and goes back to it.

    With ``unchanged`` nothing has moved there, and the vector is that of an earlier frame. Only the first ``top_k`` of
    ``matches`` are published (None: all); the others are for events. ``states`` are the answers of the sets of states.
    """

    camera: str
    region: str
    roi: Region
    rotation: Rotation
    frame_seq: int
    stamp: Stamp
    decode_ns: int
    wait_ns: int
    preprocess_ns: int
    infer_ns: int
    compare_ns: int
    matches: tuple[ReferenceScore, ...]
    compared: int
    vector: NDArray[np.float32] | NDArray[np.int8]
    facts: ModelFacts
    unchanged: bool = False
    top_k: int | None = None
    states: tuple[StateAnswer, ...] = ()
