"""Small programs against the Task Library's API, right ones and wrong ones: the same for the library and for edged.

Each gets the modules ``core``, ``processor`` and ``vision``, and answers with something whose ``repr`` can be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Program = Callable[[Any, Any, Any], object]

ROOT = Path(__file__).parent.parent.parent
CASES = ROOT / "tests" / "cases"
MODEL = str(CASES / "small96_uint8_meta.tflite")
TWO_HEADS = str(CASES / "two_heads_uint8_meta.tflite")
JPEG = str(ROOT / "config" / "demo" / "path-busy.jpg")
NO_MODEL = str(ROOT / "pyproject.toml")
PICTURE = np.arange(120 * 160 * 3, dtype=np.uint8).reshape(120, 160, 3)


def creating(file_name: object = MODEL, embedding: dict[str, Any] | None = None, **base: Any) -> Program:
    """Makes an embedder, and embeds."""

    def program(core: Any, processor: Any, vision: Any) -> object:
        options = vision.ImageEmbedderOptions(
            core.BaseOptions(file_name=file_name, **base), processor.EmbeddingOptions(**embedding or {})
        )
        embedder = vision.ImageEmbedder.create_from_options(options)
        vector = embedder.embed(vision.TensorImage.create_from_array(PICTURE)).embeddings[0].feature_vector.value
        return vector.shape, str(vector.dtype)

    return program


def from_file(path: object) -> Program:
    """Makes an embedder in the short way."""
    return lambda _core, _processor, vision: vision.ImageEmbedder.create_from_file(path).number_of_output_layers


def picture(make: str, argument: object) -> Program:
    """Makes a picture and looks at it."""

    def program(_core: Any, _processor: Any, vision: Any) -> object:
        made = getattr(vision.TensorImage, f"create_from_{make}")(argument)
        return made.width, made.height, made.buffer.shape, made.color_space_type.name

    return program


def embedding(image: Callable[[Any], object], *box: object) -> Program:
    """Embeds what *image* makes of the module ``vision``, or the *box* of it."""

    def program(_core: Any, processor: Any, vision: Any) -> object:
        embedder = vision.ImageEmbedder.create_from_file(MODEL)
        where = processor.BoundingBox(*box) if len(box) == 4 else None
        result = embedder.embed(image(vision), *([where] if box else []))
        return [(each.output_index, len(each.feature_vector.value)) for each in result.embeddings]

    return program


def whole(vision: Any) -> object:
    return vision.TensorImage.create_from_array(PICTURE)


def pixels(*shape: int) -> Callable[[Any], object]:
    return lambda vision: vision.TensorImage.create_from_array(np.zeros(shape, np.uint8))


def cosine(u: object, v: object) -> Program:
    """Compares two vectors."""

    def program(_core: Any, processor: Any, vision: Any) -> object:
        vectors = [processor.FeatureVector(value=each) for each in (u, v)]
        return str(vision.ImageEmbedder.create_from_file(MODEL).cosine_similarity(*vectors))

    return program


def asking(question: Callable[[Any, Any], object], model: str = MODEL) -> Program:
    """Asks an embedder, with a result of it at hand."""

    def program(_core: Any, _processor: Any, vision: Any) -> object:
        embedder = vision.ImageEmbedder.create_from_file(model)
        return question(embedder, embedder.embed(whole(vision)))

    return program


def floats(*numbers: float) -> np.ndarray[Any, Any]:
    return np.array(numbers, np.float64)


def stored(*numbers: int) -> np.ndarray[Any, Any]:
    return np.array(numbers, np.uint8)


PROGRAMS: dict[str, Program] = {
    # Models
    "a model by its path": from_file(MODEL),
    "a path in bytes": from_file(MODEL.encode()),
    "no such model": from_file("/nonexistent/model.tflite"),
    "an empty path": from_file(""),
    "no path": from_file(None),
    "a number for a path": from_file(3),
    "a directory": from_file(str(CASES)),
    "an empty file": from_file("/dev/null"),
    "no model at all": from_file(NO_MODEL),
    "a model cut short": from_file(str(CASES / "truncated.tflite")),
    "a model without normalisation": from_file(str(CASES / "small96_float_nometa.tflite")),
    "a model for two pictures": from_file(str(CASES / "batch2_uint8.tflite")),
    "a model for gray pictures": from_file(str(CASES / "gray_uint8.tflite")),
    "a model that gives a map": from_file(str(CASES / "spatial_map_uint8.tflite")),
    "a std of 0": creating(str(CASES / "bad_norm_std0.tflite")),
    # Options
    "content": creating("/nonexistent", file_content=Path(MODEL).read_bytes()),
    "empty content and a path": creating(file_content=b""),
    "empty content": creating(None, file_content=b""),
    "text for content": creating(file_content="abc"),
    "a bytearray for content": creating(file_content=bytearray(b"abc")),
    **{f"{count!r} threads": creating(num_threads=count) for count in (-2, -1, 0, 1, 4, None, True, 2.0, "2")},
    "numpy's threads": creating(num_threads=np.int32(2)),
    "no Coral": creating(use_coral=True),
    "Coral not wanted": creating(use_coral=False),
    "Coral not wanted by numpy": creating(use_coral=np.bool_(False)),
    "text for use_coral": creating(use_coral="yes"),
    **{f"l2_normalize {flag!r}": creating(embedding={"l2_normalize": flag}) for flag in (None, True, 1, 1.0, "yes")},
    "quantized": creating(embedding={"quantize": True}),
    "options of another kind": lambda _core, _processor, vision: vision.ImageEmbedder.create_from_options(3),
    "no base options": lambda _core, _processor, vision: vision.ImageEmbedderOptions(),
    "options that are equal": lambda core, _processor, _vision: (
        core.BaseOptions(MODEL) == core.BaseOptions(MODEL) != core.BaseOptions(TWO_HEADS)
    ),
    # Pictures
    "a JPEG": picture("file", JPEG),
    "a JPEG in bytes": picture("buffer", Path(JPEG).read_bytes()),
    "no such picture": picture("file", "/nonexistent.jpg"),
    "no picture": picture("file", NO_MODEL),
    "a directory for a picture": picture("file", str(CASES)),
    "a number for a picture": picture("file", 3),
    "junk": picture("buffer", b"junk junk"),
    "no bytes": picture("buffer", b""),
    "None for bytes": picture("buffer", None),
    "RGB": picture("array", np.zeros((4, 5, 3), np.uint8)),
    "a batch of one": picture("array", np.zeros((1, 4, 5, 3), np.uint8)),
    "RGBA": picture("array", np.zeros((4, 5, 4), np.uint8)),
    "gray": picture("array", np.zeros((4, 5), np.uint8)),
    "a batch of two": picture("array", np.zeros((2, 4, 5, 3), np.uint8)),
    "a row": picture("array", np.zeros(5, np.uint8)),
    "floats": picture("array", np.zeros((4, 5, 3), np.float32)),
    "a list": picture("array", [[1, 2]]),
    "None": picture("array", None),
    # Embedding
    "a picture": embedding(whole),
    "two channels": embedding(pixels(4, 4, 2)),
    "five channels": embedding(pixels(4, 4, 5)),
    "no columns": embedding(pixels(4, 0, 3)),
    "nothing": embedding(lambda _: None),
    "a box": embedding(whole, 1, 2, 30, 40),
    "a box of numpy's": embedding(whole, np.int64(1), np.uint8(2), 30, 40),
    "all of it": embedding(whole, 0, 0, 160, 120),
    "a box of None": embedding(whole, None, None, 30, 40),
    **{
        f"a box {box!r}": embedding(whole, *box)
        for box in ((0, 0, 161, 120), (-1, 0, 10, 10), (0, 0, 0, 10), (0, 0, 10, -1), (160, 0, 1, 1), (2**31, 0, 1, 1))
    },
    "a box of floats": embedding(whole, 1.0, 0, 10, 10),
    "a box of text": embedding(whole, "1", 0, 10, 10),
    "a tuple for a box": lambda _core, _processor, vision: vision.ImageEmbedder.create_from_file(MODEL).embed(
        whole(vision), (0, 0, 1, 1)
    ),
    # Results
    "each head": asking(lambda _, result: [(e.output_index, len(e.feature_vector.value)) for e in result.embeddings]),
    "the first head": asking(lambda embedder, result: embedder.get_embedding_by_index(result, 0).output_index),
    "a head too many": asking(lambda embedder, result: embedder.get_embedding_by_index(result, 1)),
    "a head before the first": asking(lambda embedder, result: embedder.get_embedding_by_index(result, -1)),
    "dimensions": asking(lambda embedder, _: [embedder.get_embedding_dimension(n) for n in range(-1, 3)], TWO_HEADS),
    "text for a head": asking(lambda embedder, _: embedder.get_embedding_dimension("0")),
    "heads": asking(lambda embedder, _: embedder.number_of_output_layers, TWO_HEADS),
    "its options": asking(lambda embedder, _: Path(embedder.options.base_options.file_name).name),
    # Similarity
    "cosine": cosine(floats(1, 0, 0, 0), floats(0.5, 0.5, 0.5, 0.5)),
    "cosine, quantized": cosine(stored(127, 0), stored(128, 0)),
    "cosine of other sizes": cosine(floats(1), floats(1, 2)),
    "cosine of other sizes, quantized": cosine(stored(1), stored(1, 2)),
    "cosine of two kinds": cosine(floats(1), stored(1)),
    "cosine of nothing": cosine(floats(0, 0), floats(1, 2)),
    "cosine of what is nearly nothing": cosine(floats(1e-30), floats(1)),
    "cosine of the empty": cosine(floats(), floats()),
    "cosine of what is no number": cosine(floats(np.nan), floats(1)),
    "cosine of the huge": cosine(floats(1e30), floats(1e30)),
    "cosine of integers": cosine(np.array([1, 2]), np.array([1, 2])),
    "cosine of arrays": asking(lambda embedder, _: embedder.cosine_similarity(floats(1), floats(1))),
}


def run(name: str, core: Any, processor: Any, vision: Any) -> dict[str, Any]:
    """The outcome of the program *name*: its answer, or the exception with its base classes."""
    try:
        return {"answer": repr(PROGRAMS[name](core, processor, vision))}
    except Exception as exc:  # noqa: BLE001  # whatever the library raises is the answer
        return {"raised": [each.__name__ for each in type(exc).__mro__], "said": str(exc)}
