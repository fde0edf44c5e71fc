"""The Task Library's option classes, and what edged adds to them.

Like there, they are plain and mutable, and looked at when an embedder is made of them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from operator import index
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

import numpy as np

from edged.regions import Box
from edged.values import Delegate
from edged.vision.pb2 import BaseOptionsPb, BoundingBoxPb, EmbeddingOptionsPb

if TYPE_CHECKING:
    import numpy.typing as npt

    from edged.vision.pixels.fit import Fit
    from edged.vision.pixels.preprocess import Resize
    from edged.vision.runtime.engine import EngineOption

__all__ = ["BaseOptions", "BoundingBox", "EmbeddingOptions", "ImageEmbedderOptions"]

INT32 = range(-(2**31), 2**31)

_FLAG = bool, int, np.bool_


@dataclass
class BaseOptions:
    """The model, and the engine and delegate that run it.

    ``file_content``, the bytes of a model file, wins over ``file_name``, its path. ``num_threads`` is how many threads
    the model may use; -1, 0 and None leave it to edged, which takes one. ``use_coral`` means the delegate ``coral``.

    Added to the Task Library's: ``file_name`` may be a ``pathlib.Path``; ``engine``; ``delegate``, by name or as a
    ``Delegate``; ``trusted``. A model that did not come with edged is tried once in a child process, for some files
    kill the engine, and the process with it; that it survived is remembered in the user's cache. ``trusted`` leaves
    that out.
    """

    file_name: str | bytes | os.PathLike[str] | None = None
    file_content: bytes | None = None
    num_threads: SupportsIndex | None = -1
    use_coral: bool | None = None
    engine: EngineOption = "auto"
    delegate: Delegate | str = "auto"
    trusted: bool = False

    def to_pb2(self) -> BaseOptionsPb:
        """Return the same as the Task Library's message, without what edged adds."""
        return BaseOptionsPb(
            os.fsdecode(self.file_name or ""),
            self.file_content or b"",
            -1 if self.num_threads is None else index(self.num_threads),
            bool(self.use_coral),
        )

    @classmethod
    def create_from_pb2(cls, proto: Any) -> Self:
        """Return the options of the Task Library's message *proto*."""
        return cls(proto.file_name or None, proto.file_content or None, proto.num_threads, proto.use_coral)

    def check(self) -> None:
        """Check the types.

        Raises:
            TypeError: a field is of another type than it has to be.
        """
        _check_type(self, "file_name", str, bytes, os.PathLike)
        _check_type(self, "file_content", bytes)
        _check_type(self, "num_threads", int, np.integer)
        _check_type(self, "use_coral", *_FLAG)
        _check_type(self, "engine", str)
        _check_type(self, "delegate", str, Delegate)
        _check_type(self, "trusted", bool, np.bool_)


@dataclass
class EmbeddingOptions:
    """The steps from the output of a head to the vector: None stands for False.

    ``l2_normalize`` makes its length 1; ``quantize`` then turns it into ``int8``, 128 steps to 1.0.
    """

    l2_normalize: bool | None = None
    quantize: bool | None = None

    def to_pb2(self) -> EmbeddingOptionsPb:
        """Return the same as the Task Library's message."""
        return EmbeddingOptionsPb(bool(self.l2_normalize), bool(self.quantize))

    @classmethod
    def create_from_pb2(cls, proto: Any) -> Self:
        """Return the options of the Task Library's message *proto*."""
        return cls(proto.l2_normalize, proto.quantize)

    def check(self) -> None:
        """Check the types.

        Raises:
            TypeError: a field is of another type than it has to be.
        """
        _check_type(self, "l2_normalize", *_FLAG)
        _check_type(self, "quantize", *_FLAG)


@dataclass
class ImageEmbedderOptions:
    """All options of an ``ImageEmbedder``.

    Added to the Task Library's: ``mean`` and ``std``, one value or three for R, G and B, are used instead of what the
    model's metadata says, or where that says nothing; ``resize`` is ``exact`` (the Task Library's own), or OpenCV's
    ``linear`` or ``area``; ``fit`` is ``stretch`` (the Task Library's own), ``letterbox``, which keeps proportions with
    grey bars, or ``crop``, which keeps them and leaves out what does not fit.
    """

    base_options: BaseOptions
    embedding_options: EmbeddingOptions = field(default_factory=EmbeddingOptions)
    mean: npt.ArrayLike | None = None
    std: npt.ArrayLike | None = None
    resize: Resize = "exact"
    fit: Fit = "stretch"


@dataclass
class BoundingBox:
    """A rectangle in whole pixels of the picture as stored, before any rotation. None stands for 0."""

    origin_x: SupportsIndex | None = None
    origin_y: SupportsIndex | None = None
    width: SupportsIndex | None = None
    height: SupportsIndex | None = None

    def to_pb2(self) -> BoundingBoxPb:
        """Return the same as the Task Library's message; raises as `to_box` does."""
        box = self.to_box()
        return BoundingBoxPb(box.x, box.y, box.width, box.height)

    @classmethod
    def create_from_pb2(cls, proto: Any) -> Self:
        """Return the box of the Task Library's message *proto*."""
        return cls(proto.origin_x, proto.origin_y, proto.width, proto.height)

    def to_box(self) -> Box:
        """Return the same as a ``Box``.

        Raises:
            TypeError: a field is not a whole number; 1.0 is not one.
            ValueError: a field does not fit into 32 bits.
        """
        return Box(*(self._number(name) for name in ("origin_x", "origin_y", "width", "height")))

    def _number(self, name: str) -> int:
        value: Any = getattr(self, name)
        try:
            number = index(0 if value is None else value)
        except TypeError as exc:
            raise TypeError(_wrong_type(self, name, value, (int,))) from exc
        if number not in INT32:
            raise ValueError(f"Value out of range: {number} for BoundingBox.{name}")
        return number


def _check_type(options: object, name: str, *expected: type) -> None:
    value = getattr(options, name)
    if value is not None and not isinstance(value, expected):
        raise TypeError(_wrong_type(options, name, value, expected))


def _wrong_type(options: object, name: str, value: object, expected: tuple[type, ...]) -> str:
    kinds = ", ".join(kind.__name__ for kind in expected)
    return (
        f"Cannot set {type(options).__name__}.{name} to {value!r}: "
        f"{value!r} has type {type(value).__name__}, but expected one of: {kinds}"
    )
