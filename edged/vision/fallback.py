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

import io
import logging
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edged.errors import DelegateError, FallbackError, InferenceError, ModelError
from edged.vision.embedder import DEFAULT, Embedder, EmbedderOptions, find_head, space_of
from edged.vision.runtime.disk_cache import recall, remember
from edged.vision.runtime.interpreter import AUTO
from edged.vision.runtime.trial import ensure_survives
from edged.vision.self_test import SELF_TEST_PICTURES, least_cosine

if TYPE_CHECKING:
    from collections.abc import Iterator
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
    trusted: bool = False,
) -> Embedder:
    """Open *model* and put it to the self-test; or *fallback*, on the CPU, where the delegate cannot be had.

    Unless it is *trusted*, a model that did not come with edged is first tried in a child process, which may die of
    it. That it survived is kept in the folder *memory* from one start to the next, and so are the vectors of the
    self-test. Where a *fallback* waits the delegate is tried at each start: it may be broken since the last one.

    Raises:
        DelegateError: the delegate cannot be had, or dies of the model, and there is no *fallback*.
        FallbackError: *fallback* cannot be used, or is of another embedding space.
        InferenceError: the delegate failed at the first picture, and there is no *fallback*.
        ModelError: *model* cannot be used.
    """
    opening = _Opening(options, memory, trusted)
    try:
        embedder, vectors = opening.open(model, options, memory if fallback is None else None)
    except (DelegateError, InferenceError) as exc:
        if fallback is None:
            raise
        log.warning("%s; falling back to model %s", exc, fallback.name)
        with _blaming_the_fallback():
            return opening.stand_in(fallback, model)
    if fallback is None:
        return embedder
    with ExitStack() as on_error, _blaming_the_fallback():
        on_error.enter_context(embedder)
        opening.compare(fallback, model, vectors)
        _remember(memory, embedder.space_id, vectors)
        on_error.pop_all()
    return embedder


class _Opening:
    """The settings that the model and its fallback are opened with."""

    def __init__(self, options: EmbedderOptions, memory: Path | None, trusted: bool) -> None:
        self._options = options
        self._on_the_cpu = replace(options, delegate=AUTO)
        self._memory = memory
        self._trusted = trusted

    def open(
        self, model: ModelFile, options: EmbedderOptions, trials: Path | None
    ) -> tuple[Embedder, npt.NDArray[Any]]:
        """Try *model*, unless its trial is known in *trials*, and open it: with its vectors of the self-test."""
        if not self._trusted:
            ensure_survives(model, engine=options.engine, delegate=options.delegate, memory=trials)
        embedder = Embedder(model, options)
        with ExitStack() as on_error:
            on_error.enter_context(embedder)
            vectors = embedder.self_test()
            on_error.pop_all()
        return embedder, vectors

    def compare(self, fallback: ModelFile, model: ModelFile, vectors: npt.NDArray[Any]) -> None:
        """See on the day it is configured, and not on the day it is needed, whether *fallback* can stand in."""
        stand_in, its_vectors = self.open(fallback, self._on_the_cpu, self._memory)
        stand_in.close()
        _check_same_space(fallback, its_vectors, model, vectors)

    def stand_in(self, fallback: ModelFile, model: ModelFile) -> Embedder:
        """*fallback* in the place of *model*."""
        with ExitStack() as on_error:
            embedder, vectors = self.open(fallback, self._on_the_cpu, self._memory)
            on_error.enter_context(embedder)
            space_id = space_of(model, self._options)
            remembered = _recall(self._memory, space_id)
            if remembered is not None:
                _check_same_space(fallback, vectors, model, remembered)
                embedder.space_id = space_id
            else:
                _check_same_size(fallback, embedder.dimension, model, find_head(model, self._options.head).size)
                log.warning(
                    "model %s has never run on this machine, so nothing says that the vectors of model %s mean the "
                    "same: they go out with a space_id of their own, %s",
                    model.name,
                    fallback.name,
                    embedder.space_id,
                )
            on_error.pop_all()
        return embedder


@contextmanager
def _blaming_the_fallback() -> Iterator[None]:
    try:
        yield
    except ModelError as exc:
        raise FallbackError(f"fallback {exc}") from exc


def _check_same_size(fallback: ModelFile, size: int, model: ModelFile, wanted: int) -> None:
    if size != wanted:
        raise ModelError(
            f"model {fallback.name} gives vectors of {size} numbers and cannot stand in for model "
            f"{model.name}, which gives {wanted}"
        )


def _check_same_space(
    fallback: ModelFile, vectors: npt.NDArray[Any], model: ModelFile, wanted: npt.NDArray[Any]
) -> None:
    _check_same_size(fallback, vectors.shape[1], model, wanted.shape[1])
    cosine = least_cosine(vectors, wanted)
    if cosine < SAME_SPACE:
        raise ModelError(
            f"model {fallback.name} is of another embedding space than model {model.name}: the cosine of "
            f"their vectors of one picture is {cosine:.3f}, and has to be at least {SAME_SPACE}; "
            "use the CPU model that it was compiled from"
        )
    log.info("fallback model %s sees like model %s: cosine %.4f", fallback.name, model.name, cosine)


def _name(space_id: str) -> str:
    return f"self-test-{space_id}.npy"


def _recall(memory: Path | None, space_id: str) -> npt.NDArray[Any] | None:
    """The remembered vectors; None if there are none, or what there is cannot be read."""
    name = _name(space_id)
    try:
        content = recall(memory, name)
        if content is None:
            return None
        vectors: npt.NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    except (OSError, ValueError, EOFError) as exc:
        log.warning("%s in %s cannot be read and is not used: %s", name, memory, exc)
        return None
    if vectors.ndim != 2 or len(vectors) != len(SELF_TEST_PICTURES):
        log.warning("%s in %s does not hold the vectors of the self-test and is not used", name, memory)
        return None
    return vectors


def _remember(memory: Path | None, space_id: str, vectors: npt.NDArray[Any]) -> None:
    """Keep *vectors* for the day when the model cannot run. Not being able to is no reason not to start."""
    content = io.BytesIO()
    np.save(content, vectors)
    try:
        remember(memory, _name(space_id), content.getvalue())
    except OSError as exc:
        log.warning("%s cannot be written to, so a fallback could not be checked the next time: %s", memory, exc)
