"""A change of the model while the stages run: opened beside the one that works, or in its place, with a way back."""

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

    def __init__(self, running: RunningStages, waiter: StageWaiter, start: Callable[[Stage], None]) -> None:
        self._running = running
        self.fresh: Inference | None = None
        """The inference that is open and waits for its feeds; None if it has them already."""
        self._before: Pipeline | None = None
        self._waiter = waiter
        self._start = start

    def prepare(self, loaded: Loaded, models: Models) -> None:
        """Open *models* beside the model that works; where only one can be open at a time, in its place.

        Raises:
            EdgedError: they cannot be opened; the model that worked does so again.
            RuntimeError: it cannot be opened any more either; then the daemon cannot go on.
        """
        if _can_open_beside(self._running.pipeline.loaded.config, loaded.config):
            self.fresh = self._open_inference(loaded, models)
        else:
            self._open_instead(loaded, models)

    def undo(self) -> None:
        """Go back to the model that there was before `prepare`.

        Raises:
            RuntimeError: it cannot be opened any more.
        """
        if self._before is not None:
            self._stop_inference(self._running.pipeline.inference)
            self._running.pipeline = self._before
            self._go_back()
        elif self.fresh is not None:
            self.fresh.stop()
            self._waiter.wait_end(self.fresh, END_SECONDS)

    def _open_instead(self, loaded: Loaded, models: Models) -> None:
        old = self._running.pipeline
        log.info("reload: the model is closed, because the new one may need the same device")
        self._stop_inference(old.inference)
        try:
            fresh = self._open_inference(loaded, models)
        except EdgedError:
            self._go_back()
            raise
        self._use_inference(fresh)
        self._before = old

    def _go_back(self) -> None:
        old = self._running.pipeline
        try:
            back = self._open_inference(old.loaded, old.models, as_it_was=True)
        except EdgedError as exc:
            raise RuntimeError(f"the new model cannot be used, and the old one cannot be opened again: {exc}") from exc
        self._use_inference(back)
        log.info("reload: the old model runs again")

    def _open_inference(self, loaded: Loaded, models: Models, *, as_it_was: bool = False) -> Inference:
        before = self._running.pipeline.inference if as_it_was else None
        inference = self._running.pipeline.wiring.inference(loaded, models, [], before)
        self._start(inference)
        try:
            self._waiter.wait_open(inference)
        except EdgedError:
            inference.stop()
            self._waiter.wait_end(inference, END_SECONDS)
            raise
        return inference

    def _stop_inference(self, inference: Inference) -> None:
        self._waiter.wait_answer(inference.use(feeds=[]), inference)
        inference.stop()
        if not self._waiter.wait_end(inference, END_SECONDS):
            raise ReloadError(f"{inference.name} does not end")

    def _use_inference(self, inference: Inference) -> None:
        self._waiter.wait_answer(inference.use(feeds=self._running.pipeline.feeds), inference)
        self._running.pipeline = replace(self._running.pipeline, inference=inference)


def _can_open_beside(old: Config, new: Config) -> bool:
    """Whether both models can be open at a time: only one can use a device such as a Coral."""
    return not all(config.model.delegate.kind in ("coral", "external") for config in (old, new))
