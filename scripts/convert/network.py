"""EfficientNet-Lite0 up to its vector, in TensorFlow, and the ways to store it for TFLite.

The architecture is that of tensorflow/tpu, models/official/efficientnet/lite/efficientnet_lite_builder.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from scripts.convert.weights import Layer, Weights

__all__ = ["SIDE", "EfficientNet"]

SIDE = 224


class _BlockGroup(NamedTuple):
    """Blocks that follow each other; only the first has the stride."""

    blocks: int
    stride: int
    expands: bool


STAGES = (
    _BlockGroup(1, 1, expands=False),
    _BlockGroup(2, 2, expands=True),
    _BlockGroup(2, 2, expands=True),
    _BlockGroup(3, 2, expands=True),
    _BlockGroup(3, 1, expands=True),
    _BlockGroup(4, 2, expands=True),
    _BlockGroup(1, 1, expands=True),
)


class _Block(NamedTuple):
    """An inverted residual block."""

    expand: Layer | None
    depthwise: Layer
    project: Layer
    stride: int
    residual: bool


class EfficientNet:
    """The network from a normalised picture, (1, 224, 224, 3), to the 1280 means of its last layer."""

    def __init__(self, weights: Weights) -> None:
        self._tf: Any = import_module("tensorflow")  # only .venv-convert has it
        self._stem = weights.convolution("_conv_stem", "_bn0")
        self._blocks = list(_blocks(weights))
        self._head = weights.convolution("_conv_head", "_bn1")
        self._function = self._tf.function(
            self._embed, input_signature=[self._tf.TensorSpec([1, SIDE, SIDE, 3], self._tf.float32, name="image")]
        )

    def __call__(self, picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The vector of a normalised picture: ``(1280,)``."""
        vector: npt.NDArray[np.float32] = self._function(picture).numpy()[0]
        return vector

    def float16(self) -> bytes:
        """A TFLite model with its weights in float16, computing in float32."""
        converter = self._converter()
        converter.target_spec.supported_types = [self._tf.float16]
        model: bytes = converter.convert()
        return model

    def int8(self, pictures: Iterable[npt.NDArray[np.float32]]) -> bytes:
        """A TFLite model that computes in int8, with uint8 in and out; *pictures* calibrate its ranges."""
        converter = self._converter()
        converter.representative_dataset = lambda: ([picture] for picture in pictures)
        converter.target_spec.supported_ops = [self._tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = self._tf.uint8
        model: bytes = converter.convert()
        return model

    def _converter(self) -> Any:
        module = self._tf.Module()
        module.embed = self._function
        converter = self._tf.lite.TFLiteConverter.from_concrete_functions(
            [self._function.get_concrete_function()], module
        )
        converter.optimizations = [self._tf.lite.Optimize.DEFAULT]
        return converter

    def _embed(self, image: Any) -> Any:
        x = self._convolve(image, self._stem, 2)
        for block in self._blocks:
            y = x if block.expand is None else self._convolve(x, block.expand)
            y = self._convolve(y, block.depthwise, block.stride, depthwise=True)
            y = self._convolve(y, block.project, activation=False)
            x = x + y if block.residual else y
        return self._tf.reduce_mean(self._convolve(x, self._head), [1, 2])

    def _convolve(
        self, x: Any, layer: Layer, stride: int = 1, *, depthwise: bool = False, activation: bool = True
    ) -> Any:
        convolution = self._tf.nn.depthwise_conv2d if depthwise else self._tf.nn.conv2d
        y = self._tf.nn.bias_add(convolution(x, layer.weight, [1, stride, stride, 1], "SAME"), layer.bias)
        return self._tf.nn.relu6(y) if activation else y


def _blocks(weights: Weights) -> Iterable[_Block]:
    number = 0
    for stage in STAGES:
        for place in range(stage.blocks):
            name = f"_blocks.{number}."
            yield _Block(
                weights.convolution(f"{name}_expand_conv", f"{name}_bn0") if stage.expands else None,
                weights.convolution(f"{name}_depthwise_conv", f"{name}_bn1", depthwise=True),
                weights.convolution(f"{name}_project_conv", f"{name}_bn2"),
                stage.stride if place == 0 else 1,
                residual=place > 0,
            )
            number += 1
