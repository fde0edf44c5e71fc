"""Opening the model of a daemon, and the model that stands in for it where its delegate cannot be had.

A model for an accelerator cannot run on the CPU, so what stands in is another file, and its vectors have to mean the
same. That is measured, not believed: both models embed the self-test pictures, and the cosines decide.

* Where the accelerator works, both are run at the start: a stand-in of another space is refused on the day it is
  configured, not on the day it is needed. The vectors of the model are then remembered in a file of the daemon's state.
* Where it does not work, the stand-in is compared with what was remembered and takes over the ``space_id``. If the
  model has never run here there is nothing to compare with: the stand-in keeps a ``space_id`` of its own, and the log
  says so.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edged.errors import DelegateError, InferenceError, ModelError
from edged.vision.embedder import DEFAULT, Embedder, EmbedderOptions, find_head, space_of
from edged.vision.interpreter import AUTO
from edged.vision.self_test import SELF_TEST_PICTURES, least_cosine

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from edged.vision.specs import ModelFile

__all__ = ["SAME_SPACE", "open_embedder"]

log = logging.getLogger(__name__)

SAME_SPACE = 0.98
"""The least cosine on each self-test picture between two models whose vectors may be compared. A network and its
quantised form reach 0.99, and unrelated ones 0.2."""


def open_embedder(
    model: ModelFile,
    options: EmbedderOptions = DEFAULT,
    *,
    fallback: ModelFile | None = None,
    memory: Path | None = None,
) -> Embedder:
    """Open *model* and put it to the self-test; or *fallback*, on the CPU, where the delegate cannot be had.

    *memory* is the folder in which the vectors of the self-test are kept from one start to the next.

    Raises:
        DelegateError: the delegate cannot be had, and there is no *fallback*.
        InferenceError: the delegate failed at the first picture, and there is no *fallback*.
        ModelError: a model cannot be used, or *fallback* is of another embedding space.
    """
    try:
        embedder, vectors = _open(model, options)
    except (DelegateError, InferenceError) as exc:
        if fallback is None:
            raise
        log.warning("%s; falling back to model %s", exc, fallback.name)
        return _stand_in(fallback, options, model, memory)
    if fallback is None:
        return embedder
    with ExitStack() as on_error:
        on_error.enter_context(embedder)
        stand_in, its_vectors = _open(fallback, _on_the_cpu(options))
        stand_in.close()
        _check_same_space(fallback, its_vectors, model, vectors)
        _remember(memory, embedder.space_id, vectors)
        on_error.pop_all()
    return embedder


def _stand_in(fallback: ModelFile, options: EmbedderOptions, model: ModelFile, memory: Path | None) -> Embedder:
    with ExitStack() as on_error:
        embedder, vectors = _open(fallback, _on_the_cpu(options))
        on_error.enter_context(embedder)
        space_id = space_of(model, options)
        remembered = _recall(memory, space_id)
        if remembered is not None:
            _check_same_space(fallback, vectors, model, remembered)
            embedder.space_id = space_id
        else:
            _check_same_size(fallback, embedder.dimension, model, find_head(model, options.head).size)
            log.warning(
                "model %s has never run on this machine, so nothing says that the vectors of model %s mean the same: "
                "they go out with a space_id of their own, %s",
                model.name,
                fallback.name,
                embedder.space_id,
            )
        on_error.pop_all()
    return embedder


def _open(model: ModelFile, options: EmbedderOptions) -> tuple[Embedder, npt.NDArray[Any]]:
    embedder = Embedder(model, options)
    with ExitStack() as on_error:
        on_error.enter_context(embedder)
        vectors = embedder.self_test()
        on_error.pop_all()
    return embedder, vectors


def _on_the_cpu(options: EmbedderOptions) -> EmbedderOptions:
    return replace(options, delegate=AUTO)


def _check_same_size(fallback: ModelFile, size: int, model: ModelFile, wanted: int) -> None:
    if size != wanted:
        raise ModelError(
            f"fallback model {fallback.name} gives vectors of {size} numbers and cannot stand in for model "
            f"{model.name}, which gives {wanted}"
        )


def _check_same_space(
    fallback: ModelFile, vectors: npt.NDArray[Any], model: ModelFile, wanted: npt.NDArray[Any]
) -> None:
    _check_same_size(fallback, vectors.shape[1], model, wanted.shape[1])
    cosine = least_cosine(vectors, wanted)
    if cosine < SAME_SPACE:
        raise ModelError(
            f"fallback model {fallback.name} is of another embedding space than model {model.name}: the cosine of "
            f"their vectors of one picture is {cosine:.3f}, and has to be at least {SAME_SPACE}; "
            "use the CPU model that it was compiled from"
        )
    log.info("fallback model %s sees like model %s: cosine %.4f", fallback.name, model.name, cosine)


def _file(memory: Path, space_id: str) -> Path:
    return memory / f"self-test-{space_id}.npy"


def _recall(memory: Path | None, space_id: str) -> npt.NDArray[Any] | None:
    """The remembered vectors; None if there are none, or what there is cannot be read."""
    if memory is None:
        return None
    file = _file(memory, space_id)
    try:
        vectors: npt.NDArray[Any] = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError) as exc:
        log.warning("%s cannot be read and is not used: %s", file, exc)
        return None
    if vectors.ndim != 2 or len(vectors) != len(SELF_TEST_PICTURES):
        log.warning("%s does not hold the vectors of the self-test and is not used", file)
        return None
    return vectors


def _remember(memory: Path | None, space_id: str, vectors: npt.NDArray[Any]) -> None:
    """Keep *vectors* for the day when the model cannot run. Not being able to is no reason not to start."""
    if memory is None:
        return
    file = _file(memory, space_id)
    new = file.with_suffix(".new")
    try:
        with new.open("wb") as stream:
            np.save(stream, vectors)
        new.replace(file)  # whole or not at all, also when the power fails
    except OSError as exc:
        log.warning("%s cannot be written, so a fallback could not be checked against it: %s", file, exc)
