"""Agreement of the vectors that a model gives here with those that it has to give.

The self-test alone knows no right answer: a delegate that computes garbage passes it. So the vectors of the self-test
pictures are compared with right ones, if there are any: of a bundled model those that come with edged; of a model with
a delegate library those of the CPU, or those of an earlier start, which are remembered in a folder. Where there are
none, as at the first start of a model that only an accelerator runs, two things are still known: pictures that are a
little brighter have nearly the same vectors, and those of different pictures are much farther apart.
"""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edged.errors import DelegateError
from edged.vision.runtime.delegate import delegate_library
from edged.vision.runtime.disk_cache import recall, remember
from edged.vision.self_test import SELF_TEST_PICTURES, least_cosine

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from edged.vision.embedder import Embedder

__all__ = ["AGREEMENT", "RightVectors", "check_agreement", "check_continuity", "recall_vectors", "remember_vectors"]

log = logging.getLogger(__name__)

AGREEMENT = 0.98
"""The least cosine on each self-test picture, unless it is configured. A network and its quantised form reach 0.99, and
unrelated networks 0.2."""

STEADY = 0.9
"""The least cosine of the vectors of a picture and of the same picture, brighter by `SHADE`. Ten models, float and
quantised, gave 0.995 and more; their vectors of the two self-test pictures have 0.1 to 0.4."""

NEARER = 10
"""The least ratio of two distances (1 - cosine): of a picture to the other one, and to a brighter copy of itself.
The same models gave 219 and more."""

SHADE = 4

_CURE = "choose another delegate, another engine, or a fallback"


@dataclass(frozen=True, slots=True, eq=False)
class RightVectors:
    """The vectors of the self-test pictures, ``(2, size)`` of float32, that a model has to give.

    ``origin`` continues the sentence "the model gives the vectors". ``exact`` means that they are the vectors of the
    very same model, known beforehand: these have to be met with half of the tolerance.
    """

    vectors: npt.NDArray[np.float32]
    origin: str
    exact: bool = False


def check_agreement(embedder: Embedder, vectors: npt.NDArray[Any], right: RightVectors, agreement: float) -> None:
    """Refuse what runs *embedder*, if the *vectors* of its self-test are not the *right* ones.

    Raises:
        DelegateError: the cosine of a picture is below *agreement*, or below half the way from there to 1 where the
            right vectors are exact.
    """
    name, delegate = embedder.model.name, embedder.delegate
    least = 1 - (1 - agreement) / 2 if right.exact else agreement
    cosine = least_cosine(vectors, right.vectors)
    if cosine >= least:
        log.info("delegate %s: model %s gives the vectors %s: cosine %.4f", delegate, name, right.origin, cosine)
        return
    raise DelegateError(
        f"delegate {delegate}: model {name} does not give the vectors {right.origin}, on {embedder.engine}: their "
        f"cosine is {cosine:.4f}, and has to be at least {least:.4g} (model.delegate_agreement is {agreement:g}): "
        f"{_cure(embedder)}"
    )


def check_continuity(embedder: Embedder, vectors: npt.NDArray[Any], agreement: float) -> None:
    """Refuse what runs *embedder*, if *vectors* are not far nearer to those of brighter pictures than to each other.

    Raises:
        DelegateError: the cosine of a picture and the brighter one is below `STEADY`, and below *agreement*; or it is
            not `NEARER` times nearer than the two pictures are.
        InferenceError: the delegate failed.
    """
    least = min(STEADY, agreement)
    cosine, across = least_cosine(vectors, embedder.self_test(SHADE)), least_cosine(vectors[:1], vectors[1:])
    if cosine < least:
        raise DelegateError(
            f"delegate {embedder.delegate}: model {embedder.model.name} gives quite another vector on "
            f"{embedder.engine} for a picture that is a little brighter: their cosine is {cosine:.4f}, and has to be "
            f"at least {least:.4g} (model.delegate_agreement is {agreement:g}): {_cure(embedder)}"
        )
    if agreement > 0 and 1 - across < NEARER * (1 - cosine):
        raise DelegateError(
            f"delegate {embedder.delegate}: model {embedder.model.name} hardly tells different pictures apart on "
            f"{embedder.engine}: the cosine of their vectors is {across:.6f}, and that of a picture and a little "
            f"brighter one {cosine:.6f} (model.delegate_agreement: 0 accepts that): {_cure(embedder)}"
        )


def _cure(embedder: Embedder) -> str:
    library = delegate_library(embedder.options.delegate)
    return _CURE if library is None else library.cure


def recall_vectors(memory: Path | None, space_id: str, size: int) -> RightVectors | None:
    """Return the remembered vectors of *size* numbers; None if there are none, or what there is cannot be used."""
    name = _name(space_id)
    try:
        content = recall(memory, name)
        if content is None:
            return None
        vectors: npt.NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    except (OSError, ValueError, EOFError) as exc:
        log.warning("%s in %s cannot be read and is not used: %s", name, memory, exc)
        return None
    if vectors.shape != (len(SELF_TEST_PICTURES), size) or vectors.dtype != np.float32 or not _has_direction(vectors):
        log.warning("%s in %s does not hold the vectors of the self-test and is not used", name, memory)
        return None
    return RightVectors(vectors, f"of an earlier start, which are in {memory}/{name}")


def remember_vectors(memory: Path | None, space_id: str, vectors: npt.NDArray[np.float32]) -> None:
    """Keep *vectors* for the next start. Not being able to is no reason not to start."""
    content = io.BytesIO()
    np.save(content, vectors)
    try:
        remember(memory, _name(space_id), content.getvalue())
    except OSError as exc:
        log.warning("%s cannot be written to, so the vectors cannot be checked the next time: %s", memory, exc)


def _name(space_id: str) -> str:
    return f"self-test-{space_id}.npy"


def _has_direction(vectors: npt.NDArray[Any]) -> bool:
    return bool(np.isfinite(vectors).all() and vectors.any(axis=1).all())
