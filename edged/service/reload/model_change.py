"""Another model while the stages run: opened beside the one that works, or in its place, with a way back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from edged.config import Config, Loaded
from edged.errors import EdgedError, ReloadError
from edged.pipeline.build import Models, Pipeline
from edged.pipeline.inference.stage import Inference
from edged.pipeline.stage import Stage
from edged.service.reload.waiting import StageWaiter
from edged.service.running_stages import RunningStages

__all__ = ["ModelChange"]

log = logging.getLogger(__name__)

END_SECONDS = 10.0  # for a model to be closed


class ModelChange:
    """One change of the model of the *running* stages; the arguments are those of `Change`."""

    def __init__(self, running: RunningStages, patience: StageWaiter, start: Callable[[Stage], None]) -> None:
        self._running = running
        self.fresh: Inference | None = None
        """The inference that is open and waits for its feeds; None where it has them already."""
        self._before: Pipeline | None = None
        self._patience = patience
        self._start = start

    def prepare(self, loaded: Loaded, models: Models) -> None:
        """Open *models* beside the model that works; where only one can be open at a time, in its place.

        Raises:
            EdgedError: they cannot be opened; the model that worked does so again.
            RuntimeError: it cannot be opened any more either; then there is nothing that could go on.
        """
        if _can_open_beside(self._running.pipeline.loaded.config, loaded.config):
            self.fresh = self._opened(loaded, models)
        else:
            self._open_instead(loaded, models)

    def give_up(self) -> None:
        """Go back to the model that there was before `prepare`.

        Raises:
            RuntimeError: it cannot be opened any more.
        """
        if self._before is not None:
            self._put_out(self._running.pipeline.inference)
            self._running.pipeline = self._before
            self._go_back()
        elif self.fresh is not None:
            self.fresh.stop()
            self._patience.ending(self.fresh, END_SECONDS)

    def _open_instead(self, loaded: Loaded, models: Models) -> None:
        old = self._running.pipeline
        log.info("reload: the model is closed, because the new one may need the same device")
        self._put_out(old.inference)
        try:
            fresh = self._opened(loaded, models)
        except EdgedError:
            self._go_back()
            raise
        self._put_in(fresh)
        self._before = old

    def _go_back(self) -> None:
        old = self._running.pipeline
        try:
            back = self._opened(old.loaded, old.models, as_it_was=True)
        except EdgedError as exc:
            raise RuntimeError(f"neither the new model can be used nor can the old one be opened again: {exc}") from exc
        self._put_in(back)
        log.info("reload: the model before is back")

    def _opened(self, loaded: Loaded, models: Models, *, as_it_was: bool = False) -> Inference:
        references = self._running.pipeline.inference.references if as_it_was else None
        inference = self._running.pipeline.wiring.inference(loaded, models, [], references)
        self._start(inference)
        try:
            self._patience.opening(inference)
        except EdgedError:
            inference.stop()
            self._patience.ending(inference, END_SECONDS)
            raise
        return inference

    def _put_out(self, inference: Inference) -> None:
        self._patience.answer(inference.use(feeds=[]), inference)
        inference.stop()
        if not self._patience.ending(inference, END_SECONDS):
            raise ReloadError(f"{inference.name} does not end")

    def _put_in(self, inference: Inference) -> None:
        self._patience.answer(inference.use(feeds=self._running.pipeline.feeds), inference)
        self._running.pipeline = replace(self._running.pipeline, inference=inference)


def _can_open_beside(old: Config, new: Config) -> bool:
    """Whether both models can be open at a time: a device such as a Coral can be had by one only."""
    return not all(config.model.delegate.kind in ("coral", "external") for config in (old, new))
