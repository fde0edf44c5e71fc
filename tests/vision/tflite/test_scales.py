"""Scales that kernels cannot compute with: some of them end the process."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edged.errors import ModelError
from edged.vision.tflite.flatbuffer import Record
from edged.vision.tflite.model_file import read_model
from tests.vision.tflite.altered import altered, append, graph_of, operator_named, tensor_type


def rescaled(name: str, which: str, number: int, scale: float | None) -> Callable[[Record], None]:
    """A change of the scale of an input or output of the first operator *name*."""

    def change(model: Record) -> None:
        tensor = graph_of(model)["tensors"][operator_named(model, name)[which][number]]
        tensor["quantization"] = {**tensor["quantization"], "scale": np.array([scale] if scale else [], np.float32)}

    return change


@pytest.mark.parametrize("name", ["CONV_2D", "ADD", "MEAN", "QUANTIZE"])
def test_arithmetic_without_a_scale_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="which has 0 scales and should have one"):
        read_model(altered(rescaled(name, "outputs", 0, None)))


@pytest.mark.parametrize("scale", [1e-45, 1e-38, 1e-19, 1e19, 3e38])
def test_a_scale_beyond_all_measure_is_refused(scale: float) -> None:
    with pytest.raises(ModelError, match="which has the scale"):
        read_model(altered(rescaled("CONV_2D", "outputs", 0, scale)))


@pytest.mark.parametrize(("which", "number", "scale"), [("inputs", 0, 3e5), ("inputs", 1, 3e5), ("outputs", 0, 9e-7)])
def test_a_sum_whose_scales_lie_too_far_apart_is_refused(which: str, number: int, scale: float) -> None:
    with pytest.raises(ModelError, match=r"ADD brings numbers of scale .* which is too fine"):
        read_model(altered(rescaled("ADD", which, number, scale)))


def test_a_sum_whose_scales_differ_is_fine() -> None:
    assert read_model(altered(rescaled("ADD", "outputs", 0, 1e-3))).heads[0].size == 40


def test_what_only_moves_numbers_needs_no_scale() -> None:
    def change(model: Record) -> None:
        append(model, "RESHAPE", (1, 40), ("ReshapeOptions", {"new_shape": np.array([1, 40], np.int32)}))
        graph_of(model)["tensors"].append(
            {"name": "bytes", "type": tensor_type("UINT8"), "shape": np.array([], np.int32)}
        )

    assert read_model(altered(change)).heads[0].size == 40
