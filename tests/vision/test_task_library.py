"""The Task Library's own tests of its ImageEmbedder, done again on models and pictures that are at hand.

They follow ``python/test/task/vision/image_embedder_test.py``, ``tensor_image_test.py`` and ``cc/test/task/vision/
image_embedder_test.cc`` of tflite-support 0.4.4. In the place of its burger, 480 x 325 pixels, and the left 400 columns
of it, stands the leaf of the self-test. The numbers are what tflite-support 0.4.4 answered to the same pictures, on
x86-64, where ai-edge-litert gives the same to 6 places. Quantised models differ a little between families of kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

import edged.vision
from edged.task import core, processor, vision
from edged.vision.runtime.engine import EngineName
from edged.vision.self_test import self_test_picture
from tests.vision.pool_models import pool_model

BUNDLED = Path(edged.vision.__file__).parent / "models"
FLOAT = BUNDLED / "efficientnet-lite0.tflite"
INT8 = BUNDLED / "efficientnet-lite0-int8.tflite"


@pytest.fixture(scope="module")
def leaf() -> vision.TensorImage:
    return vision.TensorImage.create_from_array(self_test_picture("leaf", 325, 480))


@pytest.fixture(scope="module")
def leaf_crop() -> vision.TensorImage:
    return vision.TensorImage.create_from_array(self_test_picture("leaf", 325, 480)[:, :400])


class Answer(NamedTuple):
    """What the Task Library says: the cosine of picture and crop, and number 588 of the picture's vector."""

    l2_normalize: bool
    quantize: bool
    bounding_box: tuple[int, int, int, int] | None
    by_content: bool
    cosine: float
    number: float


FLOAT_ANSWERS = [
    Answer(False, False, None, False, 0.916762, 3.39963269),
    Answer(True, False, None, False, 0.916762, 0.16458575),
    Answer(True, True, None, True, 0.911843, 21),
    Answer(False, False, (0, 0, 400, 325), True, 1.0, 3.14247894),
]

INT8_ANSWERS = [
    Answer(False, False, None, False, 0.921485, 3.53161621),
    Answer(True, False, None, False, 0.921485, 0.17227773),
    Answer(True, True, None, True, 0.918599, 22),
    Answer(False, False, (0, 0, 400, 325), True, 1.0, 3.16229701),
]


def options(model: Path, answer: Answer, engine: EngineName) -> vision.ImageEmbedderOptions:
    content, name = (model.read_bytes(), None) if answer.by_content else (None, str(model))
    return vision.ImageEmbedderOptions(
        core.BaseOptions(file_name=name, file_content=content, engine=engine),
        processor.EmbeddingOptions(l2_normalize=answer.l2_normalize, quantize=answer.quantize),
    )


def check(
    model: Path, answer: Answer, engine: EngineName, leaf: vision.TensorImage, crop: vision.TensorImage, by: float
) -> None:
    box = None if answer.bounding_box is None else processor.BoundingBox(*answer.bounding_box)
    with vision.ImageEmbedder.create_from_options(options(model, answer, engine)) as embedder:
        one = embedder.embed(leaf, box).embeddings[0].feature_vector
        other = embedder.embed(crop).embeddings[0].feature_vector
        assert len(one.value) == 1280
        assert one.value.dtype == (np.uint8 if answer.quantize else np.float64)
        assert embedder.cosine_similarity(one, other) == pytest.approx(answer.cosine, abs=by)
        assert float(one.value[588]) == pytest.approx(answer.number, abs=1 if answer.quantize else 10 * by)


@pytest.mark.parametrize("answer", FLOAT_ANSWERS)
def test_embed_with_a_float_model(
    engine: EngineName, answer: Answer, leaf: vision.TensorImage, leaf_crop: vision.TensorImage
) -> None:
    check(FLOAT, answer, engine, leaf, leaf_crop, by=1e-4)


@pytest.mark.parametrize("answer", INT8_ANSWERS)
def test_embed_with_a_quantised_model(
    engine: EngineName, answer: Answer, leaf: vision.TensorImage, leaf_crop: vision.TensorImage
) -> None:
    check(INT8, answer, engine, leaf, leaf_crop, by=0.01)


def test_every_head_of_a_model_is_embedded(cases: Path, leaf: vision.TensorImage) -> None:
    with vision.ImageEmbedder.create_from_file(str(cases / "two_heads_uint8_meta.tflite")) as embedder:
        result = embedder.embed(leaf)
        assert embedder.number_of_output_layers == len(result.embeddings) == 2
        assert [each.output_index for each in result.embeddings] == [0, 1]
        assert [len(each.feature_vector.value) for each in result.embeddings] == [40, 112]
        assert result.embeddings[0].feature_vector.value[18] == pytest.approx(10.90123177, abs=0.3)
        assert result.embeddings[1].feature_vector.value[64] == pytest.approx(-11.64479256, abs=0.3)


# Making one


def test_create_from_file() -> None:
    vision.ImageEmbedder.create_from_file(str(FLOAT)).close()


def test_create_from_options_with_a_name_and_with_content() -> None:
    for base in (core.BaseOptions(file_name=str(FLOAT)), core.BaseOptions(file_content=FLOAT.read_bytes())):
        vision.ImageEmbedder.create_from_options(vision.ImageEmbedderOptions(base)).close()


@pytest.mark.parametrize(
    "base",
    [
        core.BaseOptions(),
        core.BaseOptions(file_name=""),
        core.BaseOptions(file_content=b""),
    ],
    ids=["nothing", "empty name", "empty content"],
)
def test_no_model_at_all_is_refused(base: core.BaseOptions) -> None:
    with pytest.raises(
        ValueError,
        match=r"ExternalFile must specify at least one of 'file_content', 'file_name' or 'file_descriptor_meta'.",
    ):
        vision.ImageEmbedder.create_from_options(vision.ImageEmbedderOptions(base))


def test_options_without_a_model_are_refused() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'base_options'"):
        vision.ImageEmbedderOptions()  # type: ignore[call-arg]  # on purpose


def test_a_model_file_that_does_not_exist_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"Unable to open file at /nonexistent/model.tflite"):
        vision.ImageEmbedder.create_from_file("/nonexistent/model.tflite")


def test_an_operator_that_the_engine_does_not_have_is_refused(engine: EngineName) -> None:
    content = pool_model(compiled=True).content.replace(b"edgetpu-custom-op", b"edgetpu-unknownop")
    base = core.BaseOptions(file_content=content, engine=engine)
    with pytest.raises(ValueError, match="Encountered unresolved custom op: edgetpu-unknownop"):
        vision.ImageEmbedder.create_from_options(vision.ImageEmbedderOptions(base))


# What it tells of itself


def test_get_embedding_by_index() -> None:
    expected = processor.Embedding(feature_vector=processor.FeatureVector(np.array([1.0, 0.0])), output_index=0)
    result = processor.EmbeddingResult([expected])
    with vision.ImageEmbedder.create_from_file(str(INT8)) as embedder:
        assert embedder.get_embedding_by_index(result, 0) is expected
        for index in (1, -1):
            with pytest.raises(ValueError, match=r"Output index is out of bound\."):
                embedder.get_embedding_by_index(result, index)


def test_get_embedding_dimension_and_number_of_output_layers() -> None:
    with vision.ImageEmbedder.create_from_file(str(INT8)) as embedder:
        assert embedder.get_embedding_dimension(0) == 1280
        assert embedder.get_embedding_dimension(1) == -1
        assert embedder.get_embedding_dimension(-1) == -1
        assert embedder.number_of_output_layers == 1


def test_options_are_kept() -> None:
    wanted = vision.ImageEmbedderOptions(core.BaseOptions(file_name=str(INT8)))
    with vision.ImageEmbedder.create_from_options(wanted) as embedder:
        assert embedder.options == wanted


# Cosine similarity


def features(values: list[float]) -> processor.FeatureVector:
    return processor.FeatureVector(np.array(values, np.float64))


def quantised(values: list[int]) -> processor.FeatureVector:
    return processor.FeatureVector(np.array(values, np.int8).view(np.uint8))


def cosine(u: processor.FeatureVector, v: processor.FeatureVector) -> float:
    return vision.ImageEmbedder.cosine_similarity(u, v)


def test_the_cosine_of_float_vectors() -> None:
    assert cosine(features([1.0, 0.0, 0.0, 0.0]), features([0.5, 0.5, 0.5, 0.5])) == 0.5


def test_the_cosine_of_quantised_vectors() -> None:
    assert cosine(quantised([127, 0, 0, 0]), quantised([-128, 0, 0, 0])) == -1.0


@pytest.mark.parametrize("make", [features, quantised])
def test_vectors_of_different_sizes_have_no_cosine(make: Callable[[list[int]], processor.FeatureVector]) -> None:
    with pytest.raises(ValueError, match=r"feature vectors of different sizes \(1 vs 2\)"):
        cosine(make([1]), make([1, 2]))


@pytest.mark.parametrize("make", [features, quantised])
def test_a_vector_of_zeros_has_no_cosine(make: Callable[[list[int]], processor.FeatureVector]) -> None:
    with pytest.raises(ValueError, match="Cannot compute cosine similarity on feature vector with 0 norm"):
        cosine(make([0, 0]), make([1, 2]))


def test_quantised_and_float_vectors_are_not_compared() -> None:
    with pytest.raises(ValueError, match="between quantized and float feature vectors"):
        cosine(quantised([1, 2]), features([1.0, 2.0]))


# Pictures


def test_a_picture_from_a_file_and_from_its_bytes(demo: Path) -> None:
    file = demo / "path-busy.jpg"
    for image in (
        vision.TensorImage.create_from_file(str(file)),
        vision.TensorImage.create_from_buffer(file.read_bytes()),
    ):
        assert image.buffer.shape == (image.height, image.width, 3)
        assert image.color_space_type is vision.ColorSpaceType.RGB


@pytest.mark.parametrize(
    ("shape", "color_space"),
    [
        ((5, 6), vision.ColorSpaceType.GRAYSCALE),
        ((1, 5, 6), vision.ColorSpaceType.GRAYSCALE),
        ((5, 6, 3), vision.ColorSpaceType.RGB),
        ((1, 5, 6, 3), vision.ColorSpaceType.RGB),
        ((5, 6, 4), vision.ColorSpaceType.RGBA),
    ],
)
def test_a_picture_from_an_array(shape: tuple[int, ...], color_space: vision.ColorSpaceType) -> None:
    array: NDArray[np.uint8] = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    image = vision.TensorImage.create_from_array(array)
    assert (image.height, image.width) == (5, 6)
    assert image.color_space_type is color_space
    assert np.array_equal(image.buffer.reshape(-1), array.reshape(-1))


def test_a_picture_file_that_does_not_exist_is_refused() -> None:
    with pytest.raises(RuntimeError, match="An error occurred while decoding image: can't fopen"):
        vision.TensorImage.create_from_file("/nonexistent/picture.jpg")
