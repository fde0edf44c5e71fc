"""The models that come with edged."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from edged.errors import ModelError
from edged.vision.specs import Normalization
from edged.vision.tflite.model_file import read_model

if TYPE_CHECKING:
    import numpy.typing as npt

    from edged.vision.specs import ModelFile

__all__ = ["BUNDLED", "bundled_model", "bundled_vectors"]

BUNDLED = MappingProxyType(
    {
        "efficientnet-lite0": "97aca53021c2af0e6146bb6ef472152bb804d439e3905237ea94fee2b1a77e84",
        "efficientnet-lite0-int8": "1a75d4af3a14b61a65b94243388d35c5cebd8003154b0a3e8e6b92b933bd1525",
    }
)
"""Their names, and the SHA-256 of their files in hex: a file with that content is known to run on every engine."""


MODELS = Path(__file__).parent / "models"

_NORMALIZATIONS = MappingProxyType(
    {"efficientnet-lite0": Normalization((127.0,), (128.0,)), "efficientnet-lite0-int8": None}
)


def bundled_model(name: str) -> ModelFile:
    """Read the bundled model *name*: one of ``BUNDLED``.

    Raises:
        ModelError: there is none of that name, or its file was changed.
    """
    if name not in BUNDLED:
        near = get_close_matches(name, BUNDLED, n=1, cutoff=0.5)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise ModelError(
            f"there is no bundled model {name!r}{hint}: there are {' and '.join(BUNDLED)}; "
            "a model of your own goes by its path"
        )
    path = MODELS / f"{name}.tflite"
    model = read_model(path, name=name)
    if model.digest != BUNDLED[name]:
        raise ModelError(f"the bundled model {path} is not the one that came with this version: install edged again")
    return model


def bundled_vectors(model: ModelFile) -> npt.NDArray[np.float32] | None:
    """Return the vectors of the self-test pictures that *model* has to give, ``(2, size)``; None if it is not bundled.

    They were computed by TFLite's own kernels, and are stored beside the model. With a normalisation other than its own
    even a bundled model gives others.

    Raises:
        ModelError: their file cannot be read.
    """
    name = next((name for name, digest in BUNDLED.items() if digest == model.digest), None)
    if name is None or model.input.normalization != _NORMALIZATIONS[name]:
        return None
    path = MODELS / f"{name}.npy"
    try:
        vectors: npt.NDArray[np.float32] = np.load(path, allow_pickle=False).astype(np.float32)
    except (OSError, ValueError, EOFError) as exc:
        raise ModelError(f"{path} cannot be read ({exc}): install edged again") from exc
    return vectors
