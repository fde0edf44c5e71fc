"""Results: equal by value, and the Task Library's messages of them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from edged.vision import BaseOptions, BoundingBox, Embedding, EmbeddingOptions, EmbeddingResult, FeatureVector
from edged.vision.pb2 import EmbeddingPb, EmbeddingResultPb, FeatureVectorPb


def vector(*numbers: float) -> FeatureVector:
    return FeatureVector(np.array(numbers, np.float64))


def test_vectors_are_equal_by_their_numbers() -> None:
    assert vector(1, 2) == vector(1, 2)
    assert vector(1, 2) == FeatureVector(np.array([1, 2], np.float32))
    assert vector(1, 2) != vector(1, 3)
    assert vector(1, 2) != vector(1, 2, 3)
    assert vector(1, 2) != FeatureVector(np.array([1, 2], np.uint8)), "one is quantised"
    assert vector(1, np.nan) != vector(1, np.nan)
    assert vector(1) != [1.0]
    with pytest.raises(TypeError, match="unhashable"):
        hash(vector(1))


def test_embeddings_and_results_are_equal_by_vector_and_number() -> None:
    one = Embedding(vector(1, 2), 0, "feature", "8a1f")
    assert one == Embedding(vector(1, 2), 0)
    assert one != Embedding(vector(1, 2), 1)
    assert one != Embedding(vector(1, 3), 0)
    assert EmbeddingResult([one]) == EmbeddingResult([Embedding(vector(1, 2), 0)])
    assert EmbeddingResult([one]) != EmbeddingResult([one, one])


def test_messages_lead_there_and_back() -> None:
    quantised = FeatureVector(np.array([254, 3], np.uint8))
    result = EmbeddingResult([Embedding(vector(0.5, -1), 0), Embedding(quantised, 1)])
    message = result.to_pb2()
    assert message == EmbeddingResultPb(
        [EmbeddingPb(FeatureVectorPb([0.5, -1.0]), 0), EmbeddingPb(FeatureVectorPb([], b"\xfe\x03"), 1)]
    )
    back = EmbeddingResult.create_from_pb2(message)
    assert back == result
    assert [each.feature_vector.value.dtype for each in back.embeddings] == [np.float64, np.uint8]
    back.embeddings[1].feature_vector.value[0] = 1  # it can be written, as there


def test_messages_with_the_same_fields_are_read() -> None:
    protobuf = SimpleNamespace(feature_vector=SimpleNamespace(value_float=(1.5, 2), value_string=b""), output_index=3)
    assert Embedding.create_from_pb2(protobuf) == Embedding(vector(1.5, 2), 3)


def test_a_vector_that_has_no_message_is_refused() -> None:
    with pytest.raises(ValueError, match="Either value_float or value_string must exist"):
        FeatureVector.create_from_pb2(FeatureVectorPb())
    with pytest.raises(ValueError, match=r"Only float and np\.uint8 are supported"):
        FeatureVector(np.array([1], np.int8)).to_pb2()


def test_options_and_boxes_have_messages() -> None:
    box = BoundingBox(1, 2, 3, None)
    assert BoundingBox.create_from_pb2(box.to_pb2()) == BoundingBox(1, 2, 3, 0)
    base = BaseOptions("model.tflite", num_threads=2)
    assert BaseOptions.create_from_pb2(base.to_pb2()) == BaseOptions("model.tflite", num_threads=2, use_coral=False)
    flags = EmbeddingOptions(l2_normalize=True)
    assert EmbeddingOptions.create_from_pb2(flags.to_pb2()) == EmbeddingOptions(l2_normalize=True, quantize=False)
