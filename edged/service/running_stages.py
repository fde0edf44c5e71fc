"""The stages of a daemon as they are now."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edged.pipeline.build import Pipeline
from edged.pipeline.inference.stage import Inference
from edged.pipeline.stage import Stage

__all__ = ["RunningStages"]


class RunningStages:
    """The pipeline as it is now, and every stage that runs, also those that are not part of it.

    The daemon, the control socket, the metrics and a reload share this one object. One thread at a time changes it: the
    main thread until everything is open, the reload's thread from then on. Any thread reads it: both values are
    replaced whole.

    Args:
        pipeline: the stages to begin with, which are not started yet.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        """A reload replaces it. Stages that leave it are to be stopped, and count as running until they have ended."""
        self._started: tuple[Stage, ...] = ()

    def start(self, stage: Stage, on_end: Callable[[], None]) -> None:
        """Start *stage*, in the pipeline or beside it; *on_end* is called from its thread when it has ended."""
        self._started = (*self.stages, stage)  # before it runs, so that no stage runs that is not watched
        stage.start(on_end)

    @property
    def stages(self) -> Sequence[Stage]:
        """Every stage that was started here and has not ended: those that must make progress."""
        return [stage for stage in self._started if stage.running]

    @property
    def watched(self) -> Sequence[Stage]:
        """The same, and the threads that one of them starts and ends itself but that must make progress too."""
        workers = (worker for stage in self.stages if isinstance(stage, Inference) for worker in stage.workers)
        return [*self.stages, *workers]
