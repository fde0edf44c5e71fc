"""Opening the model of a daemon, and the model that stands in for it where its delegate cannot be had.

A delegate has to compute what the model means: see `agreement`. Where it does not, it is refused like one that is not
there. A model for an accelerator cannot run on the CPU, so what stands in is another file, and its vectors have to mean
the same. That is measured, not believed: both models embed the self-test pictures, and the cosines decide.

* Where the accelerator works, both are run at the start: a stand-in of another space is refused on the day it is
  configured, not on the day it is needed. The vectors of the model are then remembered in a file of the daemon's state.
* Where it does not work, the stand-in is compared with what was remembered and takes over the ``space_id``. If the
  model has never run here there is nothing to compare with: the stand-in keeps a ``space_id`` of its own, and the log
  says so.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from edged.errors import DelegateError, FallbackError, InferenceError, ModelError
from edged.vision.agreement import (
    AGREEMENT,
    RightVectors,
    check_agreement,
    check_continuity,
    recall_vectors,
    remember_vectors,
)
from edged.vision.bundled import bundled_vectors
from edged.vision.embedder import DEFAULT, Embedder, EmbedderOptions, find_head, space_of
from edged.vision.runtime.delegate import delegate_library
from edged.vision.runtime.interpreter import AUTO
from edged.vision.runtime.trial import ensure_survives
from edged.vision.self_test import least_cosine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from edged.vision.specs import ModelFile

__all__ = ["open_embedder"]

log = logging.getLogger(__name__)


def open_embedder(
    model: ModelFile,
    options: EmbedderOptions = DEFAULT,
    *,
    fallback: ModelFile | None = None,
    agreement: float = AGREEMENT,
    memory: Path | None = None,
    trusted: bool = False,
) -> Embedder:
    """Open *model* and put it to the self-test; or *fallback*, on the CPU, where the delegate cannot be had.

    Unless it is *trusted*, a model that did not come with edged is first tried in a child process, which may die of
    it. That it survived is kept in the folder *memory* from one start to the next, and so are the vectors of the
    self-test. Where a *fallback* waits the delegate is tried at each start: it may be broken since the last one.
    *agreement* is the least cosine of vectors that have to mean the same.

    Raises:
        DelegateError: the delegate cannot be had, dies of the model, or computes something else, and there is no
            *fallback*.
        FallbackError: *fallback* cannot be used, or is of another embedding space.
        InferenceError: the delegate failed at the first picture, and there is no *fallback*.
        ModelError: *model* cannot be used.
    """
    settings = _ModelSettings(options, agreement, memory, trusted)
    try:
        return settings.model(model, fallback)
    except (DelegateError, InferenceError) as exc:
        if fallback is None:
            raise
        log.warning("%s; falling back to model %s", exc, fallback.name)
        with _blaming_the_fallback():
            return settings.stand_in(fallback, model)


@dataclass(frozen=True, slots=True)
class _ModelSettings:
    """The settings that the model and its fallback are opened with."""

    options: EmbedderOptions
    agreement: float
    memory: Path | None
    trusted: bool

    def model(self, model: ModelFile, fallback: ModelFile | None) -> Embedder:
        """*model* with its delegate, checked against what is known of its vectors, and *fallback* against it."""
        options = self.options
        right = self._right_vectors(model)
        embedder, vectors = self._open(model, options, right, self.memory if fallback is None else None)
        with ExitStack() as on_error:
            on_error.enter_context(embedder)
            if fallback is not None:
                self._compare(fallback, embedder, vectors, right)
            if right is None and fallback is None and delegate_library(options.delegate) is not None:
                log.info(
                    "nothing is known of the vectors of model %s: those of this start count from now on", model.name
                )
            if fallback is not None or delegate_library(options.delegate) is not None:
                remember_vectors(self.memory, embedder.space_id, vectors if right is None else right.vectors)
            on_error.pop_all()
        return embedder

    def stand_in(self, fallback: ModelFile, model: ModelFile) -> Embedder:
        """*fallback* in the place of *model*."""
        embedder, vectors = self._open_on_the_cpu(fallback)
        with ExitStack() as on_error:
            on_error.enter_context(embedder)
            space_id, size = space_of(model, self.options), find_head(model, self.options.head).size
            remembered = recall_vectors(self.memory, space_id, size)
            if remembered is not None:
                self._check_same_space(fallback, vectors, model, remembered.vectors)
                embedder.space_id = space_id
            else:
                _check_same_size(fallback, embedder.dimension, model, size)
                log.warning(
                    "model %s has never run on this machine, so nothing says that the vectors of model %s mean the "
                    "same: they go out with a space_id of their own, %s",
                    model.name,
                    fallback.name,
                    embedder.space_id,
                )
            on_error.pop_all()
        return embedder

    def _open(
        self, model: ModelFile, options: EmbedderOptions, right: RightVectors | None, trials: Path | None
    ) -> tuple[Embedder, npt.NDArray[Any]]:
        """Try *model*, unless its trial is known in *trials*, and open it: with its vectors of the self-test."""
        if not self.trusted:
            ensure_survives(model, engine=options.engine, delegate=options.delegate, memory=trials)
        embedder = Embedder(model, options)
        with ExitStack() as on_error:
            on_error.enter_context(embedder)
            vectors = _self_test(embedder)
            if right is not None:
                check_agreement(embedder, vectors, right, self.agreement)
            elif delegate_library(options.delegate) is not None:
                check_continuity(embedder, vectors, self.agreement)
            on_error.pop_all()
        return embedder, vectors

    def _open_on_the_cpu(self, model: ModelFile) -> tuple[Embedder, npt.NDArray[Any]]:
        return self._open(model, replace(self.options, delegate=AUTO), _bundled(model), self.memory)

    def _right_vectors(self, model: ModelFile) -> RightVectors | None:
        """The vectors that *model* has to give, as far as anything knows them."""
        known = _bundled(model)
        if known is not None or delegate_library(self.options.delegate) is None:
            return known
        size = find_head(model, self.options.head).size
        known = recall_vectors(self.memory, space_of(model, self.options), size)
        if known is not None or model.custom_ops:
            return known
        try:
            embedder, vectors = self._open_on_the_cpu(model)
        except (ModelError, InferenceError) as exc:
            log.info("model %s cannot be compared with itself on the CPU: %s", model.name, exc)
            return None
        embedder.close()
        return RightVectors(vectors, "of the CPU")

    def _compare(
        self, fallback: ModelFile, embedder: Embedder, vectors: npt.NDArray[Any], right: RightVectors | None
    ) -> None:
        """See on the day it is configured, and not on the day it is needed, whether *fallback* can stand in."""
        with _blaming_the_fallback():
            stand_in, its_vectors = self._open_on_the_cpu(fallback)
            stand_in.close()
            unknown = right is None and delegate_library(self.options.delegate) is not None
            self._check_same_space(
                fallback,
                its_vectors,
                embedder.model,
                vectors,
                f"or the delegate {embedder.delegate} computes garbage" if unknown else "",
            )

    def _check_same_space(
        self,
        fallback: ModelFile,
        vectors: npt.NDArray[Any],
        model: ModelFile,
        wanted: npt.NDArray[Any],
        or_else: str = "",
    ) -> None:
        _check_same_size(fallback, vectors.shape[1], model, wanted.shape[1])
        cosine = least_cosine(vectors, wanted)
        if cosine < self.agreement:
            raise ModelError(
                f"model {fallback.name} is of another embedding space than model {model.name}: the cosine of "
                f"their vectors of one picture is {cosine:.3f}, and has to be at least {self.agreement:g} "
                "(model.delegate_agreement); use the CPU model that it was compiled from"
                f"{', ' + or_else if or_else else ''}"
            )
        log.info("fallback model %s sees like model %s: cosine %.4f", fallback.name, model.name, cosine)


@contextmanager
def _blaming_the_fallback() -> Iterator[None]:
    try:
        yield
    except ModelError as exc:
        raise FallbackError(f"fallback {exc}") from exc


def _bundled(model: ModelFile) -> RightVectors | None:
    vectors = bundled_vectors(model)
    return None if vectors is None else RightVectors(vectors, "that come with edged", exact=True)


def _self_test(embedder: Embedder) -> npt.NDArray[Any]:
    """The vectors of the self-test; a model that fails it with a delegate library fails because of that."""
    library = delegate_library(embedder.options.delegate)
    if library is None:
        return embedder.self_test()
    try:
        return embedder.self_test()
    except ModelError as exc:
        raise DelegateError(f"delegate {embedder.delegate}: {exc}: {library.cure}") from exc


def _check_same_size(fallback: ModelFile, size: int, model: ModelFile, wanted: int) -> None:
    if size != wanted:
        raise ModelError(
            f"model {fallback.name} gives vectors of {size} numbers and cannot stand in for model "
            f"{model.name}, which gives {wanted}"
        )
