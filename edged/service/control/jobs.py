"""Jobs of the control stage: their type, their waits, and the checks that they share."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from edged.config import ConfigFileError
from edged.errors import ControlError, EdgedError, map_exceptions
from edged.pipeline.camera_stats import CameraState
from edged.wire import control_results as results

if TYPE_CHECKING:
    from edged.config import CameraConfig
    from edged.pipeline.build import Pipeline
    from edged.pipeline.result import ModelFacts

__all__ = ["Answer", "Job", "camera_of", "check_delivers", "model_facts", "wait_for"]

CALL_SECONDS = 30.0  # for a call to a stage, which may be busy with a big model on a small board

_REFUSALS: Mapping[type[Exception], Callable[[str], Exception]] = {
    CancelledError: lambda _: ControlError("stopping", "the daemon is stopping, or changing its model"),
    ConfigFileError: partial(ControlError, "config"),
    EdgedError: partial(ControlError, "failed"),
}

T = TypeVar("T")

Answer: TypeAlias = tuple[results.Result | bytes, Sequence[bytes]]
"""A result, or its JSON, and the pictures that follow it."""

Job: TypeAlias = Generator[None, None, Answer]
"""Does a bit at each ``next``, and yields while it waits for other threads. It raises ControlError."""


def wait_for(future: Future[T], wake: Callable[[], None], seconds: float = CALL_SECONDS) -> Generator[None, None, T]:
    """Wait for the result of *future*; *wake* is called when it is there.

    Raises:
        ControlError: it failed, or did not come within *seconds*.
    """
    if not future.done():  # else it would wake the stage for nothing
        future.add_done_callback(lambda _: wake())
    deadline = time.monotonic() + seconds
    while not future.done():
        if time.monotonic() > deadline:
            raise ControlError("failed", f"the daemon did not come to it within {seconds:g} s")
        yield
    if not future.cancelled() and isinstance(refusal := future.exception(0), ControlError):
        raise refusal  # it has its code
    with map_exceptions(_REFUSALS):
        return future.result(0)


def camera_of(pipeline: Pipeline, name: str) -> CameraConfig:
    """The camera *name*.

    Raises:
        ControlError: there is none.
    """
    cameras = pipeline.loaded.config.cameras
    if name not in cameras:
        raise ControlError("not-found", f"there is no camera {name}; there are {', '.join(cameras)}")
    return cameras[name]


def check_delivers(pipeline: Pipeline, name: str) -> None:
    """Check that frames of the camera *name* come or will come.

    Raises:
        ControlError: it is lost, frozen or stopped.
    """
    condition = next((stats.condition for stats in pipeline.all_stats if stats.camera == name), None)
    if condition is None:
        raise ControlError("not-found", f"there is no camera {name} any more")
    if condition.state not in (CameraState.STARTING, CameraState.RUNNING):
        reason = f": {condition.reason}" if condition.reason else ""
        raise ControlError("no-frames", f"camera {name} is {condition.state}{reason}")


def model_facts(pipeline: Pipeline) -> ModelFacts:
    """The facts of the model.

    Raises:
        ControlError: it is not open yet.
    """
    facts = pipeline.inference.facts
    if facts is None:
        raise ControlError("busy", "the daemon is starting: its model is not open yet")
    return facts
