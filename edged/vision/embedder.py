"""A picture in, a vector out: the embedder that one thread of the daemon owns."""

from __future__ import annotations

from dataclasses import dataclass
from traceback import clear_frames
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from edged.errors import ModelError
from edged.regions import Box
from edged.values import Delegate, PixelFormat
from edged.vision.pixels.orientation import Orientation
from edged.vision.pixels.preprocess import Preprocessor, Resize
from edged.vision.postprocess import Postprocessor
from edged.vision.runtime.interpreter import AUTO, Interpreter
from edged.vision.self_test import SELF_TEST_PICTURES, check_self_test, self_test_picture
from edged.vision.space import embedding_space

if TYPE_CHECKING:
    from types import TracebackType

    import numpy.typing as npt

    from edged.values import Rotation
    from edged.vision.pixels.fit import Fit
    from edged.vision.pixels.reduction import Decode
    from edged.vision.runtime.engine import EngineOption
    from edged.vision.specs import HeadSpec, ModelFile

__all__ = ["DEFAULT", "Embedder", "EmbedderOptions", "find_head", "space_of"]

QUANTIZED_SCALE = 1 / 128
"""``real = scale * int8`` of a scalar-quantised vector."""


@dataclass(frozen=True, slots=True)
class EmbedderOptions:
    """The settings that a model runs with, and the steps from its output to the vector.

    ``head`` is the number of an output, from 0, or its name in the model's metadata. ``l2_normalize`` makes the
    vector's length 1; ``quantize`` then turns it into ``int8``, 128 steps to 1.0. ``resize`` is ``exact`` (the
    Task Library's own), or OpenCV's ``linear`` or ``area``. ``fit`` is ``stretch`` (the Task Library's own),
    ``letterbox`` or ``crop``. ``decode`` is how the pictures are decoded that the
    embedder is given: it does not decode them, but their vectors are of another space.
    """

    head: int | str = 0
    l2_normalize: bool = False
    quantize: bool = False
    resize: Resize = "exact"
    fit: Fit = "stretch"
    decode: Decode = "full"
    engine: EngineOption = "auto"
    delegate: Delegate = AUTO
    num_threads: int = 1


DEFAULT = EmbedderOptions()


class Embedder:
    """One head of one model, ready to run; it belongs to one thread.

    ``load``, ``invoke`` and ``read`` are the three parts of ``embed``, for programs that measure them. Once a size of
    picture has been seen, no method makes an array of more than 4 KiB.

    Attributes:
        model, options: what it was made of.
        head: the output that ``read`` reads.
        dimension: how many numbers a vector has.
        dtype: of a vector: ``<f4``, or ``|i1`` where it is quantised.
        scale: ``real = scale * number`` of a quantised vector, else None.
        l2_normalize: whether a vector has the length 1 (before it is quantised).
        space_id: the identity of the embedding space; a fallback takes over that of the model it stands in for.
        engine, delegate: what runs the model, in effect.

    Raises:
        DelegateError: the engine or the delegate that was asked for cannot be had.
        ModelError: the model has no such head, or the engine cannot run it.
    """

    def __init__(self, model: ModelFile, options: EmbedderOptions = DEFAULT) -> None:
        self.model = model
        self.options = options
        self.head = find_head(model, options.head)
        self.dimension = self.head.size
        self.dtype = "|i1" if options.quantize else "<f4"
        self.scale = QUANTIZED_SCALE if options.quantize else None
        self.l2_normalize = options.l2_normalize
        self.space_id = space_of(model, options)
        self._preprocess = Preprocessor(model.input, options.resize, options.fit)
        self._postprocess = [Postprocessor(head, options.l2_normalize, options.quantize) for head in model.heads]
        self._turns: dict[Rotation | Orientation, Orientation] = {}
        self._outputs = [np.zeros(head.size, head.dtype) for head in model.heads]
        self._interpreter = Interpreter(
            model, engine=options.engine, delegate=options.delegate, num_threads=options.num_threads
        )
        self.engine = self._interpreter.engine
        self.delegate = self._interpreter.delegate

    def load(
        self, image: npt.NDArray[np.uint8], pixels: PixelFormat, box: Box, rotation: Rotation | Orientation = 0
    ) -> None:
        """Crop *box* out of *image*, whose layout is *pixels*, and bring it into the form of the model's input.

        The crop is fitted and resized, and then turned by *rotation*, in degrees clockwise, or to an ``Orientation``.

        Raises:
            ValueError: *image* is not of that layout, or *box* is empty or reaches outside it.
        """
        turn = self._turns.get(rotation)
        if turn is None:
            turn = rotation if isinstance(rotation, Orientation) else Orientation.from_rotation(rotation)
            self._turns[rotation] = turn
        try:
            self._preprocess(image, pixels, box, turn, self._interpreter.input())
        except BaseException as error:
            # A program that keeps the error, as a notebook does with Ctrl-C, too, would keep the view of the input
            # that was in use there, and the model does not run while there is one.
            clear_frames(error.__traceback__)
            raise

    def invoke(self) -> None:
        """Run the model on what was loaded.

        Raises:
            InferenceError: the engine or the delegate failed.
        """
        self._interpreter.invoke()

    def read(self, out: npt.NDArray[Any], head: int | None = None) -> None:
        """Write the vector of the last run to *out*: shape ``(dimension,)``, of ``dtype``.

        With *head*, the vector of another output of the model.
        """
        spec = self.head if head is None else self.model.heads[head]
        raw = self._outputs[spec.index]
        self._interpreter.read(spec, raw)
        self._postprocess[spec.index](raw, out)

    def embed(
        self,
        image: npt.NDArray[np.uint8],
        pixels: PixelFormat,
        box: Box,
        rotation: Rotation | Orientation,
        out: npt.NDArray[Any],
    ) -> None:
        """``load``, ``invoke`` and ``read`` in one."""
        self.load(image, pixels, box, rotation)
        self.invoke()
        self.read(out)

    @property
    def input(self) -> npt.NDArray[Any]:
        """Return the input that was loaded last: a copy, ``(1, height, width, 3)`` of its input's dtype."""
        return self._interpreter.input().copy()

    def self_test(self, shade: int = 0) -> npt.NDArray[np.float32]:
        """Return the vectors of the self-test pictures, one row each, once they were found to be different and finite.

        They are what the model itself gives, in float32: neither normalised nor quantised, so that nothing is lost
        where they are compared. With *shade*, the pictures are brighter by so much of 255.

        Raises:
            ModelError: they are not.
            InferenceError: the engine or the delegate failed.
        """
        height, width = self.model.input.height, self.model.input.width
        published = np.zeros((len(SELF_TEST_PICTURES), self.dimension), self.dtype)
        vectors = np.zeros(published.shape, np.float32)
        dequantize = Postprocessor(self.head, l2_normalize=False, quantize=False)
        for name, row, vector in zip(SELF_TEST_PICTURES, published, vectors, strict=True):
            picture = self_test_picture(name, height, width, shade)
            self.embed(picture, PixelFormat.RGB, Box(0, 0, width, height), 0, row)
            dequantize(self._outputs[self.head.index], vector)
        check_self_test(self.model.name, vectors)
        check_self_test(self.model.name, published)
        return vectors

    def close(self) -> None:
        """Free the model and the delegate. Closing twice is fine."""
        self._interpreter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def find_head(model: ModelFile, head: int | str) -> HeadSpec:
    """Return the output of *model* with the number or the name *head*.

    Raises:
        ModelError: it has none such.
    """
    for spec in model.heads:
        if head in (spec.index, spec.name):
            return spec
    known = ", ".join(f"{spec.index} ({spec.name})" if spec.name else str(spec.index) for spec in model.heads)
    note = ""
    if head in model.ignored_names:
        count = len(model.ignored_names)
        note = f"; its metadata has {count} names for {len(model.heads)} heads, which are ignored: use the number"
    raise ModelError(f"model {model.name}: it has no head {head!r}, but {known}{note}")


def space_of(model: ModelFile, options: EmbedderOptions) -> str:
    """Return the ``space_id`` of the vectors of *model* with *options*.

    Raises:
        ModelError: the model has no such head.
    """
    return embedding_space(
        model,
        find_head(model, options.head),
        resize=options.resize,
        fit=options.fit,
        decode=options.decode,
        l2_normalize=options.l2_normalize,
        quantize=options.quantize,
    )
