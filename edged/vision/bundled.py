"""The models that come with edged."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from edged.errors import ModelError
from edged.vision.tflite.model_file import read_model

if TYPE_CHECKING:
    from edged.vision.specs import ModelFile

__all__ = ["BUNDLED", "bundled_model"]

BUNDLED = MappingProxyType(
    {
        "efficientnet-lite0": "97aca53021c2af0e6146bb6ef472152bb804d439e3905237ea94fee2b1a77e84",
        "efficientnet-lite0-int8": "1a75d4af3a14b61a65b94243388d35c5cebd8003154b0a3e8e6b92b933bd1525",
    }
)
"""Their names, and the SHA-256 of their files in hex: a file with that content is known to run on every engine."""


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
    path = Path(__file__).parent / "models" / f"{name}.tflite"
    model = read_model(path, name=name)
    if model.digest != BUNDLED[name]:
        raise ModelError(f"the bundled model {path} is not the one that came with this version: install edged again")
    return model
