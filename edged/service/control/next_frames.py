"""Copies of the next frame of a camera, one for all jobs that wait for the same one."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Hashable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edged.errors import ControlError
from edged.pipeline.inference.observer import SeenFrame
from edged.service.control.jobs import check_delivers
from edged.values import FULL, Format, Region, Rotation, Stamp

if TYPE_CHECKING:
    from edged.pipeline.inference.stage import Inference
    from edged.service.running_stages import RunningStages
    from edged.vision.pixels.fit import Fit
    from edged.vision.pixels.resize import Resize
    from edged.vision.specs import InputSpec

__all__ = ["CopiedFrame", "NextFrames"]

FRAME_SECONDS = 20.0  # within which a camera must deliver a frame


@dataclass(frozen=True, slots=True, eq=False)
class CopiedFrame:
    """A whole frame of a camera as it was in the ring, and what the model would be given of it.

    ``regions`` are those of the frame: a camera that crops to its region itself shows nothing else. ``encoded`` has the
    pictures that are being made of it, so that each is made once.
    """

    camera: str
    pixels: NDArray[np.uint8]
    format: Format
    seq: int
    stamp: Stamp
    regions: Mapping[str, Region]
    rotation: Rotation
    input: InputSpec
    resize: Resize
    fit: Fit
    encoded: dict[Hashable, Future[Any]] = field(default_factory=dict)


class NextFrames:
    """The next frames of cameras of the *running* stages, for jobs; *wake* lets these go on. One thread uses it.

    A camera's frame is copied once in the inference's thread, for as many jobs as wait for it.
    """

    def __init__(self, running: RunningStages, wake: Callable[[], None]) -> None:
        self._running = running
        self._wake = wake
        self._waiting: dict[str, _NextFrame] = {}

    def take(self, camera: str) -> Generator[None, None, CopiedFrame]:
        """Return the next frame of *camera*.

        Raises:
            ControlError: it delivers none, or there is no memory for it.
        """
        deadline = time.monotonic() + FRAME_SECONDS
        awaited = self._wait_with_others(camera)
        try:
            while not awaited.done:
                check_delivers(self._running.pipeline, camera)
                if time.monotonic() > deadline:
                    raise ControlError("no-frames", f"camera {camera} gave no frame in {FRAME_SECONDS:g} s")
                if awaited.inference is not self._running.pipeline.inference:  # another model took over
                    awaited.jobs -= 1
                    awaited = self._wait_with_others(camera)
                yield
        finally:
            self._leave(camera, awaited)
        if awaited.frame is None:
            raise ControlError("failed", f"camera {camera}: there is not enough memory for a copy of its frame")
        return awaited.frame

    def _wait_with_others(self, camera: str) -> _NextFrame:
        awaited, inference = self._waiting.get(camera), self._running.pipeline.inference
        if awaited is None or awaited.done or awaited.inference is not inference:
            awaited = self._waiting[camera] = _NextFrame(inference, self._wake)
            inference.add_frame_observer(camera, awaited)
        awaited.jobs += 1
        return awaited

    def _leave(self, camera: str, awaited: _NextFrame) -> None:
        awaited.jobs -= 1
        if not awaited.jobs:
            if not awaited.done:
                awaited.inference.remove_frame_observer(camera, awaited)
            if self._waiting.get(camera) is awaited:
                del self._waiting[camera]


class _NextFrame:
    """An observer that copies the next frame, for so many ``jobs``. ``frame`` is None without memory for it."""

    def __init__(self, inference: Inference, on_done: Callable[[], None]) -> None:
        self.inference = inference
        self.jobs = 0
        self.done = False
        self.frame: CopiedFrame | None = None
        self._on_done = on_done

    def __call__(self, seen: SeenFrame) -> bool:
        try:
            self.frame = _copied(seen)
        except MemoryError:  # the thread is the inference's, which must not end of it
            self.frame = None
        self.done = True
        self._on_done()
        return True


def _copied(seen: SeenFrame) -> CopiedFrame:
    feed, lease, embedder = seen.feed, seen.lease, seen.embedder
    return CopiedFrame(
        camera=feed.camera,
        pixels=lease.pixels.copy(),
        format=lease.format,
        seq=lease.seq,
        stamp=lease.stamp,
        regions={name: FULL if feed.is_cropped else lease.format.region(each) for name, each in feed.regions},
        rotation=feed.rotation,
        input=embedder.model.input,
        resize=embedder.options.resize,
        fit=embedder.options.fit,
    )
