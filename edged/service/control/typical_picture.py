"""The most typical picture of a region, of several that its camera gives within two seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edged.errors import ControlError, map_exceptions
from edged.pipeline.wall_clock import WallClock
from edged.service.control.jobs import camera_of, check_delivers, wait_for
from edged.service.control.samples import SampleCollector, Selection, choose
from edged.values import Rotation
from edged.vision.pictures.png import to_png
from edged.vision.pixels.reduction import Decode

if TYPE_CHECKING:
    from edged.pipeline.build import Pipeline
    from edged.service.control.picture_encoder import PictureEncoder
    from edged.service.running_stages import RunningStages

__all__ = ["PictureTaker", "TypicalPicture", "region_of"]

FRAMES_SECONDS = 20.0  # within which a camera must deliver all the frames of a request

_failed = partial(ControlError, "failed")


@dataclass(frozen=True, slots=True, eq=False)
class TypicalPicture:
    """A picture of a region, as captured: RGB and PNG, with its vector in the space *space_id*.

    *rotation* and *decode* are how the vector was made, and *selection* compares all *count* pictures with this one.
    """

    picture: NDArray[np.uint8]
    png: bytes
    vector: NDArray[np.float32] | NDArray[np.int8]
    space_id: str
    rotation: Rotation
    decode: Decode
    t_wall_us: int
    count: int
    selection: Selection


class PictureTaker:
    """Takes pictures of regions of the *running* stages; *wake* lets a waiting job go on, *encoder* makes the PNG."""

    def __init__(self, running: RunningStages, wake: Callable[[], None], encoder: PictureEncoder) -> None:
        self._running = running
        self._wake = wake
        self._encoder = encoder
        self._clock = WallClock()

    def take(self, camera: str, region: str, frames: int) -> Generator[None, None, TypicalPicture]:
        """Return the one of *frames* pictures that is most like the others.

        Raises:
            ControlError: the camera does not deliver so many, or they cannot be compared.
        """
        samples = yield from self._collect(camera, region, frames)
        with map_exceptions({ValueError: _failed}, "what the model makes of it cannot be compared"):
            selection = choose(samples.taken)
        sample = samples.taken[selection.index]
        png = yield from wait_for(self._encoder.submit(partial(to_png, sample.picture)), self._wake)
        return TypicalPicture(
            picture=sample.picture,
            png=png,
            vector=sample.vector,
            space_id=samples.space_id,
            rotation=samples.rotation,
            decode=samples.decode,
            t_wall_us=self._clock.wall_us(sample.t_cap_ns),
            count=len(samples.taken),
            selection=selection,
        )

    def _collect(self, camera: str, region: str, frames: int) -> Generator[None, None, SampleCollector]:
        samples = SampleCollector(camera, region, frames, self._wake)
        inference, deadline = self._running.pipeline.inference, time.monotonic() + FRAMES_SECONDS
        inference.add_observer(samples)
        try:
            while not samples.done:
                check_delivers(self._running.pipeline, camera)
                if time.monotonic() > deadline:
                    came = f"gave {len(samples.taken)} of {frames} frames within {FRAMES_SECONDS:g} s"
                    raise ControlError("no-frames", f"camera {camera} {came}; ask for fewer")
                yield
        finally:
            inference.remove_observer(samples)
        if samples.problem is not None:
            raise ControlError("failed", f"{camera}/{region}: {samples.problem}")
        return samples


def region_of(pipeline: Pipeline, camera: str, region: str | None) -> str:
    """Return the *region* of *camera*; its only one for None.

    Raises:
        ControlError: there is no such camera or region, or there are several.
    """
    regions = camera_of(pipeline, camera).regions
    known = ", ".join(regions)
    if region is None:
        if len(regions) > 1:
            raise ControlError("invalid", f"region: must be given, as camera {camera} has {known}")
        return next(iter(regions))
    if region not in regions:
        raise ControlError("not-found", f"camera {camera} has no region {region}; it has {known}")
    return region
