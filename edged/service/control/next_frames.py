"""Pictures of the next frame of a camera; the jobs that wait for the same frame share its copy and their pictures."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Hashable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from edged.errors import ControlError
from edged.pipeline.inference.observer import SeenFrame
from edged.regions import FULL, Region
from edged.service.control.jobs import check_delivers, wait_for
from edged.values import Format, Rotation, Stamp

if TYPE_CHECKING:
    from edged.pipeline.inference.stage import Inference
    from edged.service.control.picture_encoder import PictureEncoder
    from edged.service.running_stages import RunningStages
    from edged.vision.pixels.fit import Fit
    from edged.vision.pixels.resize import Resize
    from edged.vision.specs import InputSpec

__all__ = ["CopiedFrame", "NextFrames"]

FRAME_SECONDS = 20.0  # within which a camera must deliver a frame
PICTURE_SECONDS = 60.0  # within which pictures must be made, after those of other callers

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class CopiedFrame:
    """A whole frame of a camera as it was in the ring, and what the model would be given of it.

    ``regions`` are those of the frame: a camera that crops to its region itself shows nothing else.
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


class NextFrames:
    """Pictures of the next frames of cameras of the *running* stages, for jobs; *wake* lets these go on.

    A camera's frame is copied once in the inference, for as many jobs as wait for it, and goes from there to the
    *encoder*. One thread uses it.
    """

    def __init__(self, running: RunningStages, wake: Callable[[], None], encoder: PictureEncoder) -> None:
        self._running = running
        self._wake = wake
        self._encoder = encoder
        self._waiting: dict[str, _NextFrame] = {}

    def take(
        self, camera: str, key: Hashable, make: Callable[[CopiedFrame], T]
    ) -> Generator[None, None, tuple[CopiedFrame, T]]:
        """Return the next frame of *camera*, and what *make* makes of it, once for all jobs with the same *key*.

        Raises:
            ControlError: it delivers none, or there is no memory for it.
        """
        deadline = time.monotonic() + FRAME_SECONDS
        awaited = self._wait_with_others(camera)
        try:
            while (making := awaited.picture(key, make)) is None:
                check_delivers(self._running.pipeline, camera)
                if time.monotonic() > deadline:
                    raise ControlError("no-frames", f"camera {camera} gave no frame in {FRAME_SECONDS:g} s")
                if awaited.inference is not self._running.pipeline.inference:  # another model took over
                    awaited.jobs -= 1
                    awaited = self._wait_with_others(camera)
                yield
        finally:
            self._leave(camera, awaited)
        frame = awaited.frame
        assert frame is not None, "it is there before any picture of it"
        return frame, (yield from wait_for(making, self._wake, PICTURE_SECONDS))

    def _wait_with_others(self, camera: str) -> _NextFrame:
        awaited, inference = self._waiting.get(camera), self._running.pipeline.inference
        if awaited is None or awaited.done or awaited.inference is not inference:
            awaited = self._waiting[camera] = _NextFrame(camera, inference, self._encoder, self._wake)
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
    """An observer that copies the next frame of *camera*, and has the pictures made that so many ``jobs`` want of it.

    It gives the frame to the *encoder* itself, so that no other thread has to wake up in between. *wake* is called when
    there is a picture, or no memory for the frame.
    """

    def __init__(self, camera: str, inference: Inference, encoder: PictureEncoder, wake: Callable[[], None]) -> None:
        self.inference = inference
        self.jobs = 0
        self.done = False
        self.frame: CopiedFrame | None = None
        self._camera = camera
        self._encoder = encoder
        self._wake = wake
        self._lock = threading.Lock()  # of the two below, which jobs and the inference use
        self._wanted: dict[Hashable, Callable[[CopiedFrame], Any]] = {}
        self._pictures: dict[Hashable, Future[Any]] = {}

    def picture(self, key: Hashable, make: Callable[[CopiedFrame], T]) -> Future[T] | None:
        """Return the picture *key*, which *make* makes; None until the frame has come.

        Raises:
            ControlError: there is no memory for a copy of the frame.
        """
        with self._lock:
            self._wanted.setdefault(key, make)
            if self.done:
                self._make()
            making = self._pictures.get(key)
        if self.done and making is None:
            raise ControlError("failed", f"camera {self._camera}: there is not enough memory for a copy of its frame")
        return making

    def __call__(self, seen: SeenFrame) -> bool:
        try:
            self.frame = _copied(seen)
        except MemoryError:  # the thread is the inference's, which must not end of it
            self.frame = None
        with self._lock:
            self.done = True
            self._make()
        if self.frame is None:
            self._wake()
        return True

    def _make(self) -> None:
        """Have the pictures made that are wanted and not under way."""
        if self.frame is not None:
            for key in self._wanted.keys() - self._pictures.keys():
                making = self._pictures[key] = self._encoder.submit(partial(self._wanted[key], self.frame))
                making.add_done_callback(lambda _: self._wake())


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
