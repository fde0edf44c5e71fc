"""The successor of ``tflite_support.task.vision.ImageEmbedder``: the same calls, the same numbers, fewer traps."""

from __future__ import annotations

import threading
from dataclasses import replace
from operator import index
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

import numpy as np

from edged.regions import Box, Region
from edged.values import ROTATIONS
from edged.vision.embedder import space_of
from edged.vision.image import TensorImage
from edged.vision.opening import open_by_options
from edged.vision.options import BaseOptions, BoundingBox, ImageEmbedderOptions
from edged.vision.pixels.orientation import Orientation
from edged.vision.results import Embedding, EmbeddingResult, FeatureVector
from edged.vision.similarity import ReferenceMatrix, cosine_similarity, dot, l2_distance, similarity

if TYPE_CHECKING:
    import os
    from types import TracebackType

    import numpy.typing as npt

    from edged.values import Rotation
    from edged.vision.specs import HeadSpec

__all__ = ["ImageEmbedder"]


class ImageEmbedder:
    """Pictures in, vectors out.

    Make one with ``create_from_file`` or ``create_from_options``, and close it, or use it in a ``with`` statement.
    Threads may share it: they take turns, and while the model runs other threads of Python do too.
    """

    def __init__(self, options: ImageEmbedderOptions) -> None:
        self._options = options
        self._embedder = open_by_options(options)
        model = self._embedder.model
        self._heads = model.heads
        self._spaces = [space_of(model, replace(self._embedder.options, head=head.index)) for head in model.heads]
        self._lock = threading.Lock()

    @classmethod
    def create_from_file(cls, file_path: str | bytes | os.PathLike[str]) -> Self:
        """Return an embedder with the model in the file *file_path* and all options at their defaults.

        Raises:
            ModelError: there is no such file, or it cannot be used; a ``ValueError`` and a ``RuntimeError``.
            TypeError: *file_path* is not a path.
        """
        return cls.create_from_options(ImageEmbedderOptions(BaseOptions(file_name=file_path)))

    @classmethod
    def create_from_options(cls, options: ImageEmbedderOptions) -> Self:
        """Return an embedder with *options*.

        Raises:
            ModelError: the model cannot be used, or killed a child process that tried it; its subclass
                ``DelegateError``: the engine or the delegate cannot be had. Both are a ``ValueError`` and a
                ``RuntimeError``.
            TypeError: an option is of another type than it has to be.
            ValueError: options do not go together.
        """
        return cls(options)

    def embed(
        self,
        image: TensorImage | npt.NDArray[Any],
        bounding_box: BoundingBox | Region | None = None,
        *,
        rotation: int | Orientation = 0,
    ) -> EmbeddingResult:
        """Return the vectors of *image*, or of the part of it in *bounding_box*.

        The part is cut out first, in pixels or, as a ``Region``, in 0…1 of the picture as stored. It is then resized to
        the model's input, as ``fit`` says, and turned by *rotation*: degrees clockwise, a multiple
        of 90 such as 270 or -90, or an ``Orientation``, which knows the mirrored ones too. An array is taken for what
        ``TensorImage.create_from_array`` takes it for: RGB, RGBA or gray.

        Raises:
            AttributeError: *image* is not a picture, or *bounding_box* is not a box.
            InferenceError: the model failed while running; a ``RuntimeError``.
            TypeError: a side of the box is not a whole number.
            ValueError: the box is empty or reaches outside the picture, *rotation* is not a multiple of 90, or the
                embedder is closed.
        """
        picture = _picture(image)
        turn = rotation if isinstance(rotation, Orientation) else Orientation.from_rotation(_turn(rotation))
        box = _box(bounding_box, picture)
        with self._lock:
            self._embedder.load(picture.buffer, picture.pixels, box, turn)
            self._embedder.invoke()
            return EmbeddingResult([self._embedding(head) for head in self._heads])

    @staticmethod
    def cosine_similarity(u: FeatureVector | Embedding, v: FeatureVector | Embedding) -> float:
        """Return the cosine of the angle between two vectors, -1…1; NaN where they hold what is not finite.

        Raises:
            AttributeError: one is neither a ``FeatureVector`` nor, as in MediaPipe, an ``Embedding``.
            ValueError: one is quantised and the other is not, sizes differ, or one has no length.
        """
        return cosine_similarity(_numbers(u), _numbers(v))

    @staticmethod
    def dot(u: FeatureVector | Embedding, v: FeatureVector | Embedding) -> float:
        """Return the dot product of two vectors, of their real numbers; of quantised ones those are 128 steps to 1.

        Raises as `cosine_similarity` does, but takes vectors without length.
        """
        return dot(_numbers(u), _numbers(v))

    @staticmethod
    def l2_distance(u: FeatureVector | Embedding, v: FeatureVector | Embedding) -> float:
        """Return the length of the difference of two vectors, of their real numbers; raises as `dot` does."""
        return l2_distance(_numbers(u), _numbers(v))

    @staticmethod
    def similarity(
        vector: FeatureVector | Embedding, matrix: ReferenceMatrix | npt.NDArray[Any]
    ) -> npt.NDArray[np.float32]:
        """Return the cosine of *vector* to each row of *matrix*: ``float32`` of shape ``(rows,)``.

        For many vectors against the same rows, make the ``ReferenceMatrix`` once.

        Raises:
            ValueError: sizes differ, or a row or the vector cannot be compared.
        """
        return similarity(_numbers(vector), matrix)

    def get_embedding_by_index(self, result: EmbeddingResult, output_index: int) -> Embedding:
        """Return the embedding of the head *output_index* in *result*.

        Raises:
            ValueError: there is none.
        """
        if not 0 <= output_index < len(result.embeddings):
            raise ValueError(
                f"Output index is out of bound. It must be in 0…{len(result.embeddings) - 1} (got {output_index})"
            )
        return result.embeddings[output_index]

    def get_embedding_dimension(self, output_index: int) -> int:
        """Return the number of values in the vector of the head *output_index*; -1 where there is no such head."""
        return self._heads[output_index].size if 0 <= output_index < len(self._heads) else -1

    @property
    def number_of_output_layers(self) -> int:
        """Return the number of heads of the model, and so of embeddings in a result."""
        return len(self._heads)

    @property
    def options(self) -> ImageEmbedderOptions:
        """The options that the embedder was made with."""
        return self._options

    @property
    def head_names(self) -> tuple[str | None, ...]:
        """The names of the heads in the model's metadata; None for one without."""
        return tuple(head.name for head in self._heads)

    @property
    def space_id(self) -> str:
        """The identity of the embedding space of head 0; that of another is in its embeddings."""
        return self._spaces[0]

    @property
    def engine(self) -> str:
        """The engine that runs the model, such as ``ai-edge-litert 2.3.0``."""
        return self._embedder.engine

    @property
    def delegate(self) -> str:
        """The delegate in effect: ``none``, ``xnnpack``, ``coral``, or ``external:`` and the library's file name."""
        return self._embedder.delegate

    def close(self) -> None:
        """Free the model and its delegate. Closing twice is fine."""
        with self._lock:
            self._embedder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _embedding(self, head: HeadSpec) -> Embedding:
        vector = np.zeros(head.size, self._embedder.dtype)
        self._embedder.read(vector, head.index)
        value = vector.view(np.uint8) if vector.dtype == np.int8 else vector.astype(np.float64)
        return Embedding(FeatureVector(value), head.index, head.name, self._spaces[head.index])


def _turn(degrees: int) -> Rotation:
    if not isinstance(degrees, SupportsIndex) or index(degrees) % 90:
        raise ValueError(f"rotation must be 0, 90, 180 or 270 degrees clockwise, or a multiple of 90 (got {degrees!r})")
    return ROTATIONS[index(degrees) // 90 % 4]


def _numbers(vector: FeatureVector | Embedding) -> npt.NDArray[Any]:
    if isinstance(vector, Embedding):
        vector = vector.feature_vector
    try:
        return vector.value
    except AttributeError as exc:
        raise AttributeError(
            f"'{type(vector).__name__}' object has no attribute 'value': what is compared is a FeatureVector, "
            "such as result.embeddings[0].feature_vector"
        ) from exc


def _picture(image: object) -> TensorImage:
    if isinstance(image, TensorImage):
        return image
    if isinstance(image, np.ndarray):
        return TensorImage.create_from_array(image)
    name = type(image).__name__
    raise AttributeError(f"'{name}' object has no attribute 'buffer': embed takes a TensorImage or a numpy array")


def _box(box: object, picture: TensorImage) -> Box:
    if isinstance(box, BoundingBox):
        return box.to_box()
    if box is None:
        return Box(0, 0, picture.width, picture.height)
    if isinstance(box, Region):
        return box.to_box(picture.width, picture.height)
    name = type(box).__name__
    raise AttributeError(f"'{name}' object has no attribute 'to_box': a bounding box is a BoundingBox or a Region")
