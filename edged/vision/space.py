"""The identity of an embedding space: vectors may be compared only where it is the same."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edged.vision.specs import HeadSpec, ModelFile

__all__ = ["embedding_space"]


def embedding_space(
    model: ModelFile, head: HeadSpec, *, resize: str, fit: str, decode: str, l2_normalize: bool, quantize: bool
) -> str:
    """Return the ``space_id``, 16 hex digits, of the vectors that *head* of *model* gives with these settings.

    It stands for the model file, the head, the way from a picture to the model's input (decoding, size, resize,
    fit, normalisation), and what is done to the vector. Region and rotation choose
    what is looked at, and are not part of it; nor are engine and delegate, which compute the same.
    """
    normalization = model.input.normalization
    meaning = {
        "version": 1,
        "model": model.digest,
        "head": head.index,
        "input": [model.input.height, model.input.width],
        "mean": normalization.mean if normalization else None,
        "std": normalization.std if normalization else None,
        "resize": resize,
        "decode": decode,
        "l2_normalize": l2_normalize,
        "quantize": quantize,
    }
    if fit != "stretch":  # which was there before there were others
        meaning["fit"] = fit
    text = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
