"""Output tensors to feature vectors, against the same arithmetic one number at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edged.errors import ModelError
from edged.vision.postprocess import Postprocessor
from edged.vision.specs import HeadSpec, Quantization, TensorType
from tests.allocated import allocated


def head(size: int, dtype: TensorType = "float32", quantization: Quantization | None = None) -> HeadSpec:
    return HeadSpec(0, 1, "vector", size, dtype, quantization)


def vector_of(
    raw: npt.ArrayLike, of: HeadSpec | None = None, *, l2_normalize: bool = False, quantize: bool = False
) -> npt.NDArray[Any]:
    array = np.asarray(raw)
    of = of or head(array.size)
    out = np.zeros(of.size, np.int8 if quantize else np.float32)
    Postprocessor(of, l2_normalize, quantize)(array.astype(of.dtype), out)
    return out


def test_float_outputs_are_taken_as_they_are() -> None:
    assert vector_of([1.5, -2.25, 0.0, np.inf]).tolist() == [1.5, -2.25, 0.0, np.inf]


@pytest.mark.parametrize("shape", [(1, 6), (1, 1, 1, 6), (6,)])
def test_a_vector_may_lie_in_a_tensor_of_two_or_four_dimensions(shape: tuple[int, ...]) -> None:
    assert vector_of(np.arange(6.0).reshape(shape)).tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("dtype", "raw"), [("uint8", [0, 7, 114, 255]), ("int8", [-128, -1, 0, 127])], ids=["uint8", "int8"]
)
def test_quantised_outputs_are_made_real_by_their_scale(dtype: TensorType, raw: list[int]) -> None:
    scale = 0.023528477177023888
    got = vector_of(raw, head(4, dtype, Quantization(scale, 7)))
    assert got.tolist() == [float(np.float32(scale) * np.float32(number - 7)) for number in raw]


@pytest.mark.parametrize("seed", range(5))
def test_the_squares_are_added_in_float32_one_after_the_other(seed: int) -> None:
    raw = np.random.default_rng(seed).gamma(0.5, 2.0, 1280).astype(np.float32)
    total = np.float32(0)
    for number in raw:
        total = np.float32(total + np.float32(number * number))
    want = raw * (np.float32(1) / np.sqrt(total))
    np.testing.assert_array_equal(vector_of(raw, l2_normalize=True), want)


def test_a_vector_of_zeros_stays_one() -> None:
    assert vector_of([0.0, 0.0], l2_normalize=True).tolist() == [0, 0]
    assert vector_of([0.0, 0.0], l2_normalize=True, quantize=True).tolist() == [0, 0]


def test_halves_are_rounded_away_from_zero() -> None:
    halves = np.array([0.5, -0.5, 1.5, -1.5, 2.5, 0.49999997, -0.49999997, 126.5]) / 128
    assert vector_of(halves, quantize=True).tolist() == [1, -1, 2, -2, 3, 0, 0, 127]


def test_what_does_not_fit_in_a_byte_saturates() -> None:
    assert vector_of([1.0, -1.0, 50.0, -50.0, 1e30, -1e30], quantize=True).tolist() == [127, -128, 127, -128, 127, -128]


def test_numbers_that_are_not_finite_pass_without_a_warning() -> None:
    assert np.isnan(vector_of([np.nan, 1.0], l2_normalize=True)).all()
    assert vector_of([1e30, 1.0], l2_normalize=True).tolist() == [0, 0]
    assert vector_of([np.nan, np.inf, -np.inf], quantize=True).tolist() == [-128, 127, -128]


def test_a_quantised_head_without_a_scale_is_refused() -> None:
    with pytest.raises(ModelError, match="Output tensor vector has type uint8: it requires a quantisation scale"):
        Postprocessor(head(4, "uint8"), l2_normalize=False, quantize=False)


@pytest.mark.parametrize("out", [np.zeros(4, np.float64), np.zeros(5, np.float32), np.zeros((1, 4), np.float32)])
def test_an_out_that_does_not_fit_is_refused(out: npt.NDArray[Any]) -> None:
    with pytest.raises(ValueError, match=r"out must be float32 of shape \(4,\)"):
        Postprocessor(head(4), l2_normalize=False, quantize=False)(np.zeros(4, np.float32), out)


@pytest.mark.parametrize("quantize", [False, True])
def test_no_array_is_made_for_a_vector(quantize: bool) -> None:
    raw = np.random.default_rng(0).integers(0, 256, (1, 4096), np.uint8)
    postprocess = Postprocessor(head(4096, "uint8", Quantization(0.1, 3)), l2_normalize=True, quantize=quantize)
    out = np.zeros(4096, np.int8 if quantize else np.float32)
    postprocess(raw, out)
    assert allocated(lambda: postprocess(raw, out)).peak < 4096
